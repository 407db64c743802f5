from dataclasses import asdict, replace
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from cutaway.data.transforms import Augment, AugmentConfig, CropFlip, Dim, Sometimes, shade
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
    "shade": {"shade": 1.0},
    "dim": {"dim": 1.0},
    "motion": {"motion": 1.0},
    "shrink": {"shrink": 1.0},
    "jpeg": {"jpeg": 1.0},
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


def test_the_dark_is_noisier() -> None:
    torch.manual_seed(0)
    grey = torch.full((32, 3, 32, 32), 0.5)
    images = Dim()(grey)
    means, noise = images.mean((1, 2, 3)), images.std((1, 2, 3))
    assert (means < 0.5).all()
    assert noise.max() > 4 * noise.min()


def test_what_happens_sometimes_happens_to_some() -> None:
    torch.manual_seed(0)
    images = torch.rand(64, 3, 8, 8)
    changed = (Sometimes(Dim(), 0.3)(images) != images).flatten(1).any(1)
    assert 8 <= changed.sum() <= 32
    assert torch.equal(Sometimes(Dim(), 0.0)(images), images)


@pytest.mark.parametrize(("person", "wall"), [(0.2, 0.7), (0.8, 0.4)])
def test_shade_brings_the_background_to_the_persons_light_and_leaves_the_person(person: float, wall: float) -> None:
    torch.manual_seed(0)
    mask = torch.zeros(4, 1, 32, 32)
    mask[:, :, 8:, 8:24] = 1
    images = torch.where(mask > 0, person, wall).expand(4, 3, 32, 32)
    shaded = shade(images, mask, 1.0)
    torch.testing.assert_close(shaded * mask, images * mask)
    walls = shaded[:, 0, 0, 0]
    assert ((walls - person).abs() < 0.7 * abs(wall - person)).all()


def test_shade_leaves_photos_in_which_nobody_is() -> None:
    images = torch.rand(3, 3, 16, 16)
    assert torch.equal(shade(images, torch.zeros(3, 1, 16, 16), 1.0), images)


def composed(**changes: Any) -> tuple[Tensor, Tensor]:
    """Return photos with people, and void in a corner of the last, augmented with other photos to lay them over."""
    images, masks = photos()
    targets = torch.cat([(masks > 128).byte() * 255, torch.zeros_like(masks)], 1)
    targets[-1, 1, :4, :4] = 255
    backgrounds = photos(3)[0].flip(2)
    torch.manual_seed(0)
    moved: tuple[Tensor, Tensor] = Augment(replace(UNCHANGED, **changes), 48, backgrounds)(images, targets)
    return moved


def test_people_are_composed_before_all_else() -> None:
    everything = {key: 0.5 for change in PHOTOMETRIC.values() for key in change}
    images, targets = composed(**everything, background=0.8, scale=0.5, paste=0.5, occlude=0.5)
    assert images.shape == (6, 3, 48, 48)
    assert targets.shape == (6, 2, 48, 48)
    assert images.dtype == targets.dtype == torch.float32
    for values in (images, targets):
        assert values.min() >= 0
        assert values.max() <= 1


def test_void_stays_where_nobody_is_laid_over_it() -> None:
    _, targets = composed(background=1.0)
    assert (targets[-1, 1, :4, :4] == 1).all()
    assert targets[:-1, 1].max() == 0


@pytest.mark.parametrize("wish", ["background", "occlude"])
@pytest.mark.parametrize("backgrounds", [None, torch.empty(0, 3, 48, 48, dtype=torch.uint8)])
def test_backgrounds_come_from_photos_without_people(wish: str, backgrounds: Tensor | None) -> None:
    config = AugmentConfig(**(asdict(UNCHANGED) | {wish: 0.5}))
    with pytest.raises(DataError, match=r"photos without people .* data\.people_free"):
        Augment(config, 48, backgrounds)


def test_a_crop_larger_than_the_photos_is_refused() -> None:
    images, labels = torch.zeros(2, 3, 40, 48, dtype=torch.uint8), torch.full((2, 1, 40, 48), 7, dtype=torch.uint8)
    assert (CropFlip(40, 0.5)(images, labels)[1] == 7).all()
    with pytest.raises(DataError, match=r"camvid\.crop is 41, more than a side of a photo of 48×40; lower it"):
        CropFlip(41, 0.5)(images, labels)


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
        ({"background": 2.0}, r"augment\.background is 2\.0"),
        ({"jpeg": -1.0}, r"augment\.jpeg"),
        ({"stretch": 0.0}, r"augment\.stretch"),
        ({"min_crop": 0.0}, r"augment\.min_crop"),
        ({"canvas": 0}, r"augment\.canvas"),
        ({"rotation": 200.0}, r"augment\.rotation"),
    ],
)
def test_a_value_out_of_range_is_named(changes: dict[str, Any], key: str) -> None:
    with pytest.raises(DataError, match=key):
        AugmentConfig(**(asdict(UNCHANGED) | changes))
