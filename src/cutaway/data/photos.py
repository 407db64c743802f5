"""The photo of a sample and its labels, from disk or out of a shard."""

import numpy as np
from PIL import Image as PillowImage

from cutaway import imagefile
from cutaway.data.index import Sample
from cutaway.data.masks import read_labels
from cutaway.data.shards import content
from cutaway.errors import DataError
from cutaway.geometry import resize_image
from cutaway.types import Image, Labels


def read_photo(sample: Sample) -> tuple[Image, Labels | None]:
    """Return a sample's image H×W×3 uint8 and labels H×W uint8 (0 background, 1 person, 255 void).

    Labels are None where nobody is in the photo.

    Raises:
        DataError: The sizes differ, or the mask cannot be read.
        ImageError: The photo cannot be read.
    """
    image = imagefile.read_srgb(content(sample.image))
    labels = None if sample.mask is None else read_labels(sample.mask)
    if labels is not None and labels.shape != image.shape[:2]:
        raise DataError(f"{sample.mask} is not of the size of its photo {sample.image}; they have to match")
    return image, labels


def resize_photo(image: Image, labels: Labels | None, side: int) -> tuple[Image, Labels | None]:
    """Return both at the size whose longer side is ``side`` pixels.

    Labels take the nearest value, since means of class numbers are none.
    """
    scale = side / max(image.shape[:2])
    height, width = (max(1, round(length * scale)) for length in image.shape[:2])
    if labels is not None:
        nearest = PillowImage.Resampling.NEAREST
        labels = np.asarray(PillowImage.fromarray(labels).resize((width, height), nearest))
    return resize_image(image, height, width), labels
