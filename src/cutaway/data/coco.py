"""COCO's instances files, of 2014 and 2017: where people are in its photos.

The file is read as a stream, several times over, since the order of its parts is not said: what stays in memory is a
line about each photo and the outline of each person, run-length encoded.

Annotations that give no outline are passed over and counted: broken ones (see ``read_outline``) and those that cover no
pixel. Everything else that is not as it has to be is an error.
"""

import re
import shutil
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path, PurePosixPath
from reprlib import repr as shorten
from typing import Any, TypeAlias
from urllib.parse import quote

import ijson
import numpy as np
from PIL import ExifTags
from PIL import Image as PillowImage

from cutaway import imagefile
from cutaway.data.folder import NOT_STATED
from cutaway.data.funnel import Record, Rules
from cutaway.data.index import Failure, Sample, split_of
from cutaway.data.masks import BACKGROUND, PERSON, VOID, write_labels
from cutaway.data.outlines import Outline, Size, read_outline, union_mask, union_pixels
from cutaway.errors import DataError, ImageError
from cutaway.types import Labels

YEARS = (2014, 2017)
ADDRESS = "http://images.cocodataset.org"
WORKERS = 4

Json: TypeAlias = Any
"""What a piece of the file holds, before it is checked."""


@dataclass(frozen=True, slots=True)
class Photo:
    """A photo as the file describes it. ``number`` is COCO's id: the same in 2014 and 2017, as is ``id``."""

    number: int
    file_name: str
    height: int
    width: int
    licence: str

    @property
    def id(self) -> str:
        """The id of its sample."""
        return f"coco_{self.number:012}"

    @property
    def size(self) -> Size:
        """(height, width)."""
        return self.height, self.width

    @property
    def pixels(self) -> int:
        """Height × width."""
        return self.height * self.width


@dataclass(frozen=True)
class Annotations:
    """What an instances file says of people.

    ``people`` and ``crowds`` go by a photo's number. A photo is among ``people`` if anything there is annotated as a
    person, so the list may be empty. ``broken`` and ``empty`` are the positions of annotations that were passed over.
    """

    photos: dict[int, Photo]
    people: dict[int, list[Outline]] = field(default_factory=dict)
    crowds: set[int] = field(default_factory=set)
    broken: list[int] = field(default_factory=list)
    empty: list[int] = field(default_factory=list)


@dataclass(frozen=True)
class Place:
    """The folder that the photos lie in, and the one that their masks go to."""

    images: Path
    masks: Path


def read_annotations(path: Path) -> Annotations:
    """Return what the instances file ``path`` says of people.

    Raises:
        DataError: It cannot be read, breaks off, or a field is missing or not as it has to be; the message names it.
    """
    photos = _read_photos(path, _read_licences(path))
    return _read_people(path, photos, _read_person_category(path))


def to_records(annotations: Annotations, rules: Rules) -> Iterator[Record]:
    """Yield what the funnel has to know, photo by photo."""
    for photo in annotations.photos.values():
        people = annotations.people.get(photo.number)
        counting = [person for person in people or () if rules.count(person.pixels, photo.pixels)]
        covered, crowd = union_pixels(counting, photo.size), photo.number in annotations.crowds
        yield Record(photo.id, photo.pixels, people is not None, crowd, len(counting), covered)


def to_labels(photo: Photo, people: list[Outline], rules: Rules) -> Labels:
    """Return H×W uint8: 1 where somebody who counts is, 255 where only somebody else is, 0 elsewhere."""
    counting = [person for person in people if rules.count(person.pixels, photo.pixels)]
    labels = np.full(photo.size, BACKGROUND, np.uint8)
    labels[union_mask(people, photo.size)] = VOID
    labels[union_mask(counting, photo.size)] = PERSON
    return labels


def make_samples(
    annotations: Annotations, chosen: Iterable[Record], rules: Rules, place: Place, source: str
) -> Iterator[Sample | Failure]:
    """Write the masks of the chosen photos, and yield their samples in order, or why there is none.

    Raises:
        OutputError: A mask cannot be written.
    """
    photos = {photo.id: photo for photo in annotations.photos.values()}
    make = partial(_make_sample, photos, annotations.people, rules, place, source)
    with ThreadPoolExecutor(WORKERS) as executor:
        yield from executor.map(make, chosen)


def image_set(path: Path, part: str | None, year: int | None) -> str:
    """Return what COCO calls the photos of the instances file ``path``, such as "train2017".

    A year that is not given is the file's ``info.year`` or, where there is no file yet, in its name; a part that is not
    given is "val" where the name says so, else "train".

    Raises:
        DataError: The year is none of COCO's.
    """
    part = part or ("val" if "val" in path.stem else "train")
    return f"{part}{year or _read_year(path)}"


def archive_url(base: str, images: str) -> str:
    """Return where COCO keeps the annotations of the photos ``images``."""
    return f"{base}/annotations/annotations_trainval{images[-4:]}.zip"


def photo_url(base: str, images: str, photo: Photo) -> str:
    """Return where COCO keeps ``photo``, one of ``images``."""
    return f"{base}/{images}/{quote(photo.file_name)}"


def unpack_annotations(archive: Path, images: str, path: Path) -> None:
    """Write the instances file of the photos ``images`` from COCO's zip to ``path``, whole or not at all.

    Raises:
        DataError: The zip is damaged, or holds no such file.
    """
    temporary = path.with_name(f".{path.name}.tmp")
    member = f"annotations/instances_{images}.json"
    try:
        with zipfile.ZipFile(archive) as packed, packed.open(member) as source, temporary.open("wb") as target:
            shutil.copyfileobj(source, target)
        temporary.replace(path)
    except (zipfile.BadZipFile, zlib.error, EOFError, KeyError) as error:
        raise DataError(f"{archive} has no whole {member}: {error}; remove it, and it is fetched anew") from error
    finally:
        temporary.unlink(missing_ok=True)


def _items(path: Path, prefix: str) -> Iterator[Json]:
    """Yield each piece of the file that lies at ``prefix``, as ijson spells it."""
    try:
        with path.open("rb") as file:
            yield from ijson.items(file, prefix, use_float=True)
    except OSError as error:
        raise DataError(
            f"the annotations {path} cannot be read: {error.strerror}; check it, or use --download"
        ) from error
    except ijson.JSONError as error:
        reason = re.split(r"\n|\\n", str(error))[0].removeprefix("b'")
        raise DataError(f"{path} breaks off or is no JSON ({reason}); fetch the file anew") from error


def _rows(path: Path, name: str) -> Iterator[tuple[str, Json]]:
    """Yield the objects of the list ``name``, each with what an error calls its place."""
    number = -1
    for number, row in enumerate(_items(path, f"{name}.item")):
        place = f"{path}: {name}[{number}]"
        if not isinstance(row, dict):
            raise DataError(f"{place} cannot be {shorten(row)}; it has to be an object")
        yield place, row
    if number < 0:
        raise DataError(f"{path} lacks {name}, or nothing is listed there; name an instances file of COCO")


def _get(row: Json, name: str, kind: type, place: str) -> Json:
    if name not in row:
        raise DataError(f"{place} lacks {name}; name an instances file of COCO")
    if not isinstance(row[name], kind) or isinstance(row[name], bool):
        raise DataError(f"{place}.{name} cannot be {shorten(row[name])}; it has to be {_KINDS[kind]}")
    return row[name]


_KINDS = {int: "a whole number", str: "text"}


def _read_licences(path: Path) -> dict[int, str]:
    listed = next(_items(path, "licenses"), None)
    rows = [row for row in listed if isinstance(row, dict)] if isinstance(listed, list) else []
    return {
        _get(row, "id", int, f"{path}: licenses"): " ".join(str(row[key]) for key in ("name", "url") if row.get(key))
        for row in rows
    }


def _read_person_category(path: Path) -> int:
    for place, row in _rows(path, "categories"):
        if _get(row, "name", str, place) == "person":
            number: int = _get(row, "id", int, place)
            return number
    raise DataError(f"{path}: categories has none of the name 'person'; name an instances file of COCO")


def _read_year(path: Path) -> int:
    if not path.exists():
        for year in YEARS:
            if str(year) in path.stem:
                return year
        raise DataError(f"the name of {path} holds no year of COCO; name one with --year: 2014 or 2017")
    info = next(_items(path, "info"), None)
    said = info.get("year") if isinstance(info, dict) else None
    if not isinstance(said, int) or said not in YEARS:
        raise DataError(f"{path}: info.year is {shorten(said)}; COCO has 2014 and 2017, so name one with --year")
    return said


def _read_photos(path: Path, licences: dict[int, str]) -> dict[int, Photo]:
    photos: dict[int, Photo] = {}
    for place, row in _rows(path, "images"):
        number = _get(row, "id", int, place)
        if number < 0 or number in photos:
            raise DataError(f"{place}.id cannot be {number}; it has to be 0 or more, and no other photo's")
        height, width = (_read_side(row, side, place) for side in ("height", "width"))
        licence = row.get("license")
        terms = licences.get(licence) if isinstance(licence, int) else None
        photos[number] = Photo(number, _read_file_name(row, place), height, width, terms or NOT_STATED)
    return photos


def _read_side(row: Json, name: str, place: str) -> int:
    side: int = _get(row, name, int, place)
    if not 1 <= side <= imagefile.LIMITS.max_side:
        raise DataError(f"{place}.{name} cannot be {side}; it has to be 1 to {imagefile.LIMITS.max_side}")
    return side


def _read_file_name(row: Json, place: str) -> str:
    """Return the name of a photo's file, which must not lead out of the folder of the photos."""
    name: str = _get(row, "file_name", str, place)
    path = PurePosixPath(name)
    if not path.name or path.is_absolute() or ".." in path.parts or "\\" in name or not name.isprintable():
        raise DataError(f"{place}.file_name cannot be {shorten(name)}; it has to name a file below the photos' folder")
    return name


def _read_people(path: Path, photos: dict[int, Photo], person_category: int) -> Annotations:
    found = Annotations(photos)
    for position, (place, row) in enumerate(_rows(path, "annotations")):
        photo = photos.get(_get(row, "image_id", int, place))
        if photo is None:
            raise DataError(f"{place}.image_id is {row['image_id']}, but no photo of images has that id; fetch it anew")
        if _get(row, "category_id", int, place) == person_category:
            _add(found, position, photo, row, place)
    return found


def _add(found: Annotations, position: int, photo: Photo, row: Json, place: str) -> None:
    crowd, segmentation = row.get("iscrowd", 0), row.get("segmentation")
    if crowd not in (0, 1):
        raise DataError(f"{place}.iscrowd cannot be {shorten(crowd)}; it has to be 0 or 1")
    if not isinstance(segmentation, list | dict):
        raise DataError(f"{place}.segmentation cannot be {shorten(segmentation)}; it has to be polygons or runs")
    people = found.people.setdefault(photo.number, [])
    if crowd:
        found.crowds.add(photo.number)
        return
    outline = read_outline(segmentation, photo.size)
    if outline is None:
        found.broken.append(position)
    elif outline.pixels == 0:
        found.empty.append(position)
    else:
        people.append(outline)


def _make_sample(
    photos: dict[str, Photo],
    people: dict[int, list[Outline]],
    rules: Rules,
    place: Place,
    source: str,
    record: Record,
) -> Sample | Failure:
    photo = photos[record.id]
    path, mask = place.images / photo.file_name, place.masks / f"{photo.id}.png"
    try:
        _check(path, photo)
    except (DataError, ImageError) as error:
        return Failure(photo.id, str(error))
    place.masks.mkdir(exist_ok=True)
    write_labels(mask, to_labels(photo, people[photo.number], rules), overwrite=True)
    size, licence = (photo.width, photo.height), photo.licence
    split = split_of(photo.id)
    return Sample(photo.id, path, mask, *size, float(record.share), record.people, source, licence, split)


def _check(path: Path, photo: Photo) -> None:
    """Raise an error unless ``path`` is a whole photo of the size that its annotations are for."""
    height, width = imagefile.read(path).image.shape[:2]
    if (height, width) != photo.size:
        raise DataError(
            f"{path} is {width}×{height}, but the annotations say {photo.width}×{photo.height}; fetch it anew"
        )
    with PillowImage.open(path) as file:
        if file.getexif().get(ExifTags.Base.Orientation, 1) != 1:
            raise DataError(f"{path} is turned by its EXIF orientation, but its annotations are not; it is left out")
