from dataclasses import asdict, replace
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from cutaway.data.transforms import Augment, AugmentConfig
from cutaway.errors import DataError

UNCHANGED = AugmentConfig(
    canvas=48, flip=0, min_crop=1, stretch=1, rotation=0, brightness=0, contrast=0, saturation=0, cast=0, grey=0,
    gamma=0, blur=0, noise=0,
)  # fmt: skip
GEOMETRIC: dict[str, dict[str, Any]] = {
    "flip": {"flip": 1.0},
    "crop": {"min_crop": 0.3},
    "stretch": {"min_crop": 0.5, "stretch": 1.5},
    "rotation": {"rotation": 40.0},
    "all": {"flip": 0.5, "min_crop": 0.4, "stretch": 1.3, "rotation": 15.0},
}
PHOTOMETRIC: dict[str, dict[str, Any]] = {
    "brightness": {"brightness": 0.5},
    "contrast": {"contrast": 0.5},
    "saturation": {"saturation": 0.8},
    "cast": {"cast": 1.0},
    "grey": {"grey": 1.0},
    "gamma": {"gamma": 1.0},
    "blur": {"blur": 1.0},
    "noise": {"noise": 1.0},
}


def photos(number: int = 6, side: int = 48) -> tuple[Tensor, Tensor]:
    """Return photos with a soft blob as mask, whose red channel is that mask."""
    random = torch.Generator().manual_seed(5)
    images = functional.interpolate(torch.rand(number, 3, 6, 6, generator=random), (side, side), mode="bicubic")
    images = (images.clamp(0, 1) * 255).byte()
    return images, images[:, :1].clone()


def augment(size: int = 48, seed: int = 1, **changes: Any) -> tuple[Tensor, Tensor]:
    torch.manual_seed(seed)
    moved: tuple[Tensor, Tensor] = Augment(replace(UNCHANGED, **changes), size)(*photos())
    return moved


def test_nothing_asked_for_is_nothing_changed() -> None:
    images, masks = photos()
    for seed in range(3):
        moved, moved_masks = augment(seed=seed)
        torch.testing.assert_close(moved, images / 255, rtol=0, atol=1e-6)
        torch.testing.assert_close(moved_masks, masks / 255, rtol=0, atol=1e-6)


@pytest.mark.parametrize("changes", GEOMETRIC.values(), ids=GEOMETRIC)
@pytest.mark.parametrize("size", [48, 32])
def test_geometry_moves_image_and_mask_alike(size: int, changes: dict[str, Any]) -> None:
    images, masks = augment(size, **changes)
    torch.testing.assert_close(images[:, :1], masks, rtol=0, atol=1e-5)
    assert (images - augment(size)[0]).abs().mean() > 0.01, "it did move"


def test_a_flip_is_a_flip() -> None:
    images, masks = photos()
    flipped, flipped_masks = augment(flip=1.0)
    torch.testing.assert_close(flipped, images.flip(3) / 255)
    torch.testing.assert_close(flipped_masks, masks.flip(3) / 255)


def test_what_a_rotation_brings_into_view_is_nobody() -> None:
    torch.manual_seed(0)
    everybody = torch.full((8, 1, 48, 48), 255, dtype=torch.uint8)
    _, masks = Augment(replace(UNCHANGED, rotation=40.0), 48)(everybody.repeat(1, 3, 1, 1), everybody)
    assert masks[:, :, 24, 24].min() == 1
    assert masks[:, :, 0, 0].min() == 0


@pytest.mark.parametrize("changes", PHOTOMETRIC.values(), ids=PHOTOMETRIC)
def test_colour_changes_the_image_and_leaves_the_mask(changes: dict[str, Any]) -> None:
    before, masks_before = photos()
    images, masks = augment(**changes)
    assert (images - before / 255).abs().max() > 0.01
    torch.testing.assert_close(masks, masks_before / 255, rtol=0, atol=1e-6)


def test_values_stay_from_0_to_1_whatever_happens() -> None:
    for seed in range(5):
        changes = {key: value for change in (GEOMETRIC["all"], *PHOTOMETRIC.values()) for key, value in change.items()}
        images, masks = augment(32, seed, **changes)
        assert images.shape == (6, 3, 32, 32)
        assert masks.shape == (6, 1, 32, 32)
        assert images.dtype == masks.dtype == torch.float32
        for values in (images, masks):
            assert values.isfinite().all()
            assert values.min() >= 0
            assert values.max() <= 1


def test_one_seed_gives_one_augmentation() -> None:
    module = Augment(AugmentConfig(canvas=48), 32)
    results = []
    for seed in (1, 2, 1):  # what went before leaves no trace in the module
        torch.manual_seed(seed)
        results.append(module(*photos()))
    assert torch.equal(results[0][0], results[2][0])
    assert torch.equal(results[0][1], results[2][1])
    assert not torch.equal(results[0][0], results[1][0])


def test_photos_of_a_batch_are_changed_each_in_its_own_way() -> None:
    images, masks = photos(1)
    torch.manual_seed(0)
    moved, _ = Augment(AugmentConfig(canvas=48), 32)(images.repeat(4, 1, 1, 1), masks.repeat(4, 1, 1, 1))
    assert all(not torch.equal(moved[0], other) for other in moved[1:])


@pytest.mark.parametrize(
    ("changes", "key"),
    [
        ({"flip": 1.5}, r"augment\.flip is 1\.5"),
        ({"noise": -0.1}, r"augment\.noise"),
        ({"contrast": float("nan")}, r"augment\.contrast"),
        ({"stretch": 0.0}, r"augment\.stretch"),
        ({"min_crop": 0.0}, r"augment\.min_crop"),
        ({"canvas": 0}, r"augment\.canvas"),
        ({"rotation": 200.0}, r"augment\.rotation"),
    ],
)
def test_a_value_out_of_range_is_named(changes: dict[str, Any], key: str) -> None:
    with pytest.raises(DataError, match=key):
        AugmentConfig(**(asdict(UNCHANGED) | changes))
