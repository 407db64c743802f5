import io

import numpy as np
import PIL.Image
import pytest
from numpy.typing import NDArray
from PIL import ImageCms

from cutaway.colour import RGB, between, from_srgb, in_depth, model_of, to_srgb
from cutaway.types import Image
from profiles import grey_profile, p3_profile, swapped_profile

DEPTHS = (np.uint8, np.uint16)


def random_colours(depth: type[np.uint8 | np.uint16]) -> NDArray[np.uint8 | np.uint16]:
    white = np.iinfo(depth).max
    return np.random.default_rng(4).integers(0, white + 1, (12, 16, 3)).astype(depth)


def test_the_model_of_a_profile() -> None:
    assert model_of(swapped_profile()) == RGB
    assert model_of(grey_profile(gamma=1.8)) == "GRAY"
    assert model_of(b"broken") is None


def test_a_wide_colour_is_what_littlecms_alone_makes_of_it() -> None:
    colours = random_colours(np.uint8)
    profile = ImageCms.ImageCmsProfile(io.BytesIO(p3_profile()))
    expected = ImageCms.profileToProfile(
        PIL.Image.fromarray(colours),
        profile,
        ImageCms.createProfile("sRGB"),
        renderingIntent=ImageCms.Intent.RELATIVE_COLORIMETRIC,
    )
    assert expected is not None
    np.testing.assert_allclose(to_srgb(colours, p3_profile()).astype(int), np.asarray(expected), atol=1)


def test_red_of_srgb_in_display_p3() -> None:
    # (234, 51, 35) by the primaries of both spaces.
    red = np.array([[[255, 0, 0]]], np.uint8)
    np.testing.assert_allclose(from_srgb(red, p3_profile(), red).astype(int), [[[234, 51, 35]]], atol=1)


@pytest.mark.parametrize("depth", DEPTHS)
def test_there_and_back_again(depth: type[np.uint8 | np.uint16]) -> None:
    # The dark eighth is left out: there a step of 8 bits is more than one of the other space.
    colours = random_colours(depth) // 8 * 7 + np.iinfo(depth).max // 8
    there = between(colours, None, p3_profile(), colours)
    back = between(there, p3_profile(), None, colours)
    assert there.dtype == back.dtype == depth
    np.testing.assert_allclose(back.astype(int), colours, atol=3 if depth is np.uint8 else 200)


@pytest.mark.parametrize("depth", DEPTHS)
def test_white_and_black_stay(depth: type[np.uint8 | np.uint16]) -> None:
    ends: Image = np.array([[[0, 0, 0], [np.iinfo(depth).max] * 3]], depth)
    np.testing.assert_array_equal(from_srgb(np.array([[[0] * 3, [255] * 3]], np.uint8), p3_profile(), ends), ends)


def test_depths_follow_the_picture() -> None:
    colours = random_colours(np.uint8)
    deep = in_depth(colours, random_colours(np.uint16))
    np.testing.assert_array_equal(deep, colours.astype(int) * 257)
    np.testing.assert_array_equal(in_depth(deep, colours), colours)
    assert from_srgb(colours, None, deep).dtype == np.uint16
    assert to_srgb(deep, None).dtype == np.uint8
    np.testing.assert_array_equal(to_srgb(deep, None), colours)


def test_without_a_profile_nothing_is_changed() -> None:
    colours = random_colours(np.uint8)
    assert to_srgb(colours, None) is colours
    np.testing.assert_array_equal(between(colours, swapped_profile(), swapped_profile(), colours), colours)
