"""The whole way from a photograph to its cut-out: read, fit, predict, refine."""

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from typing import Literal, TypeAlias, get_args

import numpy as np

from cutaway import closed_form, imagefile, refine
from cutaway.composite import over_colour
from cutaway.confidence import calibrated, expected_iou, shows_person
from cutaway.cutout import Cutout
from cutaway.errors import CutawayError
from cutaway.geometry import PADDING, resize_alpha
from cutaway.imagefile import Limits, Source
from cutaway.manifest import ModelManifest
from cutaway.photo import Photo
from cutaway.prediction import predict
from cutaway.runtime import Runtime
from cutaway.types import Alpha, Image, white
from cutaway.weights import DEFAULT

Refine: TypeAlias = Literal["none", "guided", "closed-form"]

Enlarge: TypeAlias = Callable[[Alpha, Image, Image], Alpha]
"""Brings an alpha of the network's size to the size of the image; the third is the image at the network's size."""

DECODED_AHEAD = 2
"""Photos that ``read_ahead`` holds decoded beside the one that is worked on."""


class Remover:
    """Removes backgrounds. Loads the model once; reuse it. Safe to share between threads.

    Args:
        model: The name of an installed model, or the path of an ONNX file.
        refine: How alpha is brought to full size: ``guided`` follows the photo's edges, ``none`` only enlarges,
            ``closed-form`` solves for the soft edges, which takes seconds and the extra ``matting``.
        threads: Threads that the network uses; all cores where None.
        provider: Where the network runs: ``cpu``, or ``cuda``, ``coreml`` ... where ONNX Runtime offers it.
        limits: How large an input may be.

    Raises:
        ModelError: The model is missing, damaged or not ours, or the provider is not available.
    """

    def __init__(
        self,
        model: str | os.PathLike[str] = DEFAULT,
        *,
        refine: Refine = "guided",
        threads: int | None = None,
        provider: str = "cpu",
        limits: Limits = imagefile.LIMITS,
    ) -> None:
        self._enlarge = _enlarger(refine)
        self._runtime = Runtime(model, threads=threads, provider=provider)
        self._limits = limits

    @property
    def manifest(self) -> ModelManifest:
        """The facts of the model in use."""
        return self._runtime.manifest

    def remove(self, photo: Source | Photo, *, refine: Refine | None = None) -> Cutout:
        """Return the cut-out of one photo: a path, bytes, a file object, a Pillow image, an array, or one read before.

        ``refine`` is for this photo what it is for the remover, which decides where it is None.

        Raises:
            ImageError: The photo cannot be read or is over a limit.
        """
        seen = photo if isinstance(photo, Photo) else imagefile.read(photo, self._limits)
        return self._cut(seen, self._enlarge if refine is None else _enlarger(refine))

    def remove_many(self, photos: Iterable[Source]) -> Iterator[Cutout | CutawayError]:
        """Yield the cut-out of each photo in order, decoding ahead.

        A photo that cannot be read yields its error instead.
        """
        yield from self.remove_read(read_ahead(photos, self._limits))

    def remove_read(self, photos: Iterable[Photo | CutawayError]) -> Iterator[Cutout | CutawayError]:
        """Return the cut-outs, one by one, of the photos that ``read_ahead`` gives, and its errors in their places.

        Nothing of a photo is kept here once its cut-out is out.
        """
        return map(self._removed, photos)

    def _removed(self, photo: Photo | CutawayError) -> Cutout | CutawayError:
        try:
            return photo if isinstance(photo, CutawayError) else self.remove(photo)
        except CutawayError as error:
            return error

    def _cut(self, photo: Photo, enlarge: Enlarge) -> Cutout:
        height, width = photo.image.shape[:2]
        seen = _as_seen(photo)
        coarse, small = predict(self._runtime, seen, photo.metadata.profile)
        alpha = enlarge(coarse, seen, small) if shows_person(coarse) else np.zeros((height, width), np.float32)
        found = bool(alpha.max() >= 0.5)  # colours may have settled every doubt against a person
        if not found:
            alpha[:] = 0
        sure = calibrated(expected_iou(coarse), self.manifest.calibration) if found else 1 - float(coarse.max())
        return Cutout(_shown(photo), alpha, sure, found, photo.alpha, metadata=photo.metadata, note=photo.note)


def read_ahead(sources: Iterable[Source], limits: Limits = imagefile.LIMITS) -> Iterator[Photo | CutawayError]:
    """Return the photos of ``sources`` in order, those that cannot be read as errors; reading has begun on return.

    What ``sources`` itself raises comes after the photos that it gave before.
    """
    pool = ThreadPoolExecutor(max_workers=1)
    raised: list[Exception] = []

    def given() -> Iterator[Source]:
        try:
            yield from sources
        except Exception as error:
            raised.append(error)

    waiting = given()
    pending = deque(pool.submit(_attempt, source, limits) for source in islice(waiting, DECODED_AHEAD))

    def photos() -> Iterator[Photo | CutawayError]:
        with pool:
            for source in waiting:
                pending.append(pool.submit(_attempt, source, limits))
                yield pending.popleft().result()
            while pending:
                yield pending.popleft().result()
        for error in raised:
            raise error

    return photos()


def _attempt(source: Source, limits: Limits) -> Photo | CutawayError:
    try:
        return imagefile.read(source, limits)
    except CutawayError as error:
        return error


def _shown(photo: Photo) -> Image:
    """Return the photo without the colour that its own alpha hides: nothing made of it may bring that to light."""
    return photo.image if photo.alpha is None else photo.image * (photo.alpha > 0)[..., np.newaxis]


def _as_seen(photo: Photo) -> Image:
    """Return what the network is shown.

    Transparent parts are grey, as what lies around a photo is, whatever colour hides there.
    """
    if photo.alpha is None:
        return photo.image
    grey = PADDING * white(photo.image) // 255
    return over_colour(photo.image, photo.alpha, (grey, grey, grey))


def _enlarger(name: str) -> Enlarge:
    if name == "guided":
        return refine.guided
    if name == "closed-form":
        closed_form.require()
        return closed_form.closed_form
    if name == "none":
        return lambda coarse, image, _: resize_alpha(coarse, *image.shape[:2])
    raise CutawayError(f"there is no refinement {name!r}; choose one of {', '.join(get_args(Refine))}")
