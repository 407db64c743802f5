from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image as PillowImage
from torch import Tensor

from cutaway.data.compositing import (
    Compositing,
    Edges,
    beside,
    cut_out,
    fitting_scale,
    lay,
    light_of,
    load_backgrounds,
    moved,
    photo_area,
    relight,
    shape_before,
    soft_alpha,
    spread_colour,
)
from cutaway.data.folder import read_people_free
from cutaway.geometry import PADDING
from folders import write_rooms

SIDE = 64
RED, BLUE, GREEN = (torch.tensor(colour)[:, None, None] for colour in ([230, 40, 30], [20, 30, 220], [30, 200, 40]))


def canvas(person: tuple[slice, slice], columns: slice = slice(8, 56)) -> tuple[Tensor, Tensor]:
    """Return a red person before a blue wall, letterboxed between ``columns`` (3×S×S), and their target (2×S×S)."""
    image = torch.full((3, SIDE, SIDE), PADDING, dtype=torch.uint8)
    image[:, :, columns] = BLUE.byte()
    target = torch.zeros(2, SIDE, SIDE, dtype=torch.uint8)
    target[0][person] = 255
    return torch.where(target[:1] > 0, RED.byte(), image), target


BUST = slice(20, 64), slice(20, 44)
STANDING = slice(10, 50), slice(24, 40)


def batch(*people: tuple[slice, slice]) -> tuple[Tensor, Tensor]:
    images, targets = zip(*map(canvas, people), strict=True)
    return torch.stack(images), torch.stack(targets)


def walls(number: int = 3) -> Tensor:
    """Return green photos without people, each a little different."""
    shades = torch.arange(number)[:, None, None, None] * torch.tensor([0, 20, 0])[:, None, None]
    return (GREEN + shades).byte().expand(number, 3, SIDE, SIDE).clone()


def compositing(backgrounds: Tensor | None = None, **wishes: float) -> Compositing:
    chances = {"background": 0.0, "scale": 0.0, "paste": 0.0, "occlude": 0.0} | wishes
    return Compositing(walls() if backgrounds is None else backgrounds, **chances)


def as_floats(image: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
    return image.float() / 255, target.float() / 255


def redness(image: Tensor) -> Tensor:
    """Return where the red person is, after whatever light: H×W bool."""
    return image[0].float() > image[1:].float().amax(0)


@pytest.mark.parametrize("person", [BUST, STANDING])
def test_before_another_background_the_mask_is_the_person(person: tuple[slice, slice]) -> None:
    images, targets = batch(person, person, person, person)
    torch.manual_seed(0)
    composed, followed = compositing(background=1.0)(images, targets)
    assert composed.dtype == followed.dtype == torch.uint8
    for image, target in zip(composed, followed, strict=True):
        unlike = (image.float() - RED).abs().amax(0)
        assert unlike[target[0] == 255].max() == 0
        assert unlike[target[0] == 0].min() > 10
        assert (target[0] == 255).sum() > 0.6 * (targets[0, 0] == 255).sum()
        assert photo_area(image.float() / 255) == (slice(0, SIDE), slice(0, SIDE)), "it fills the canvas"


def test_what_is_nobody_comes_from_the_photos_without_people() -> None:
    noise = torch.randint(0, 256, (1, 3, SIDE, SIDE), dtype=torch.uint8, generator=torch.Generator().manual_seed(1))
    torch.manual_seed(0)
    images, targets = batch(STANDING)
    composed, followed = compositing(noise, background=1.0)(images, targets)
    nobody = composed[0][:, followed[0, 0] == 0].float()
    assert nobody.std(1).min() > 5, "the wall was even"


def test_a_person_made_smaller_is_smaller() -> None:
    images, targets = batch(*[STANDING] * 8)
    torch.manual_seed(0)
    shares = compositing(background=1.0, scale=1.0)(images, targets)[1][:, 0].float().mean((1, 2))
    before = targets[0, 0].float().mean()
    assert shares.max() < before
    assert shares.min() < 0.5 * before


def test_nobody_hangs_in_the_air() -> None:
    images, targets = batch(*[BUST] * 12)
    torch.manual_seed(0)
    _, followed = compositing(background=1.0, scale=1.0)(images, targets)
    for target in followed:
        rows = (target[0] > 127).any(1).nonzero()[:, 0]
        assert rows[-1] == SIDE - 1


def test_who_is_cut_off_above_is_not_made_smaller() -> None:
    images, targets = batch(*[(slice(0, 30), slice(20, 44))] * 6)
    torch.manual_seed(0)
    _, followed = compositing(background=1.0, scale=1.0)(images, targets)
    for target in followed:
        assert (target[0, 0] > 127).any()
        assert (target[0] > 127).any(0).sum() >= 20


def test_who_is_cut_off_on_both_sides_fills_the_width() -> None:
    images, targets = batch(*[(slice(30, 64), slice(8, 56))] * 6)
    torch.manual_seed(0)
    _, followed = compositing(background=1.0, scale=1.0)(images, targets)
    for target in followed:
        assert (target[0, -1] > 127).all()
        assert (target[0, :, 0] > 127).sum() == (target[0, :, -1] > 127).sum() > 34, "enlarged: the canvas is wider"


def test_photos_with_void_or_nobody_keep_their_background() -> None:
    images, targets = batch(BUST, BUST, BUST)
    targets[0, 1, 10, 10] = 255
    targets[1, 0] = 0
    torch.manual_seed(0)
    composed, followed = compositing(background=1.0)(images, targets)
    assert torch.equal(composed[:2], images[:2])
    assert torch.equal(followed[:2], targets[:2])
    assert not torch.equal(composed[2], images[2])


def test_a_second_person_joins_the_mask_inside_the_photo() -> None:
    images, targets = batch(STANDING, STANDING)
    torch.manual_seed(1)
    composed, followed = compositing(torch.empty(0), paste=1.0)(images, targets)
    for image, target in zip(composed, followed, strict=True):
        assert (target[0] > 127).sum() > (targets[0, 0] > 127).sum()
        assert (target[0] >= targets[0, 0]).all()
        assert not target[0, :, :8].any()
        assert (image[:, :, :8] == PADDING).all()
        assert redness(image)[target[0] == 255].all()


def test_a_single_photo_has_nobody_to_paste() -> None:
    images, targets = batch(STANDING)
    composed, followed = compositing(torch.empty(0), paste=1.0)(images, targets)
    assert torch.equal(composed, images)
    assert torch.equal(followed, targets)


def test_whoever_is_in_front_hides_the_other_and_void() -> None:
    image, target = as_floats(*canvas((slice(10, 30), slice(12, 52))))
    target[1, 58:] = 1
    colour = torch.ones(3, 1, 1)
    layer = torch.cat([colour.expand(3, SIDE, SIDE), torch.zeros(1, SIDE, SIDE)])
    layer[3, 20:60, 20:40] = 1
    front, joined = lay(image, target, layer, in_front=True)
    assert (front[:, 20:60, 20:40] == 1).all()
    assert (joined[0, 20:60, 20:40] == 1).all()
    assert not joined[1, 58:60, 20:40].any()
    assert (joined[1, 60:] == 1).all()
    behind, joined = lay(image, target, layer, in_front=False)
    assert torch.equal(behind[:, :30], torch.where(joined[:1, :30] > target[:1, :30], colour, image[:, :30]))
    assert (joined[1, 58:] == 1).all(), "nobody steps out of what is unknown"
    assert (joined.sum(0) <= 1).all()


def test_who_reaches_further_down_is_in_front() -> None:
    above, bust = as_floats(*canvas((slice(10, 58), slice(12, 52)))), as_floats(*canvas(BUST))
    for first, second, hides in ((above, bust, True), (bust, above, False)):
        person = cut_out(second[0].flip(0), second[1])  # in another colour
        assert person
        for seed in range(6):
            torch.manual_seed(seed)
            composed, followed = beside(*first, person)
            hidden = (composed != first[0]).any(0) & (first[1][0] == 1)
            assert (followed[0] > first[1][0]).any()
            assert bool(hidden.any()) == hides


def test_something_before_a_person_hides_part_of_them() -> None:
    images, targets = batch(*[BUST] * 8)
    torch.manual_seed(0)
    composed, followed = compositing(occlude=1.0)(images, targets)
    before, left = (targets[:, 0] > 127).sum((1, 2)), (followed[:, 0] > 127).sum((1, 2))
    assert (left < before).all()
    assert (left > 0.2 * before).all()
    assert (followed <= targets).all()
    hidden = (targets[:, 0] == 255) & (followed[:, 0] == 0)
    assert not any(redness(image)[where].any() for image, where in zip(composed, hidden, strict=True))
    assert (composed[:, :, :, :8] == PADDING).all()


def test_nobody_is_there_to_be_hidden() -> None:
    assert not shape_before(torch.zeros(1, SIDE, SIDE)).any()


def test_nothing_asked_for_is_nothing_changed() -> None:
    images, targets = batch(BUST, STANDING)
    composed, followed = compositing()(images, targets)
    assert torch.equal(composed, images)
    assert torch.equal(followed, targets)


def test_one_seed_gives_one_composite() -> None:
    module = compositing(background=0.7, scale=0.5, paste=0.7, occlude=0.7)
    images, targets = batch(BUST, STANDING, BUST, STANDING)
    results = []
    for seed in (1, 2, 1):
        torch.manual_seed(seed)
        results.append(module(images, targets))
    assert torch.equal(results[0][0], results[2][0])
    assert torch.equal(results[0][1], results[2][1])
    assert not torch.equal(results[0][0], results[1][0])


def test_the_area_of_a_photo_is_what_the_grey_surrounds() -> None:
    image, _ = as_floats(*canvas(BUST))
    assert photo_area(image) == (slice(0, SIDE), slice(8, 56))
    assert photo_area(torch.full((3, 8, 8), PADDING / 255)) == (slice(0, 8), slice(0, 8))


def test_the_edge_is_drawn_in_but_not_at_the_photos_own() -> None:
    share = torch.zeros(1, 32, 32)
    share[0, 10:, 8:24] = 1
    alpha = soft_alpha(share)[0]
    assert (alpha <= share[0] + 1e-6).all()
    assert alpha[20:, 16].min() == 1, "down to the lowest row"
    assert alpha[20, 8] < 1


def test_no_rim_of_the_old_background_is_left() -> None:
    image, target = as_floats(*canvas(STANDING))
    alpha = soft_alpha(target[:1])
    blurred = image * 0.5 + image.roll(1, 2) * 0.25 + image.roll(-1, 2) * 0.25  # as a lens would
    seen = spread_colour(blurred, alpha)[:, alpha[0] > 0]
    torch.testing.assert_close(seen, (RED[:, 0] / 255).expand_as(seen), rtol=0, atol=0.02)


def test_light_goes_from_one_to_the_other() -> None:
    random = torch.Generator().manual_seed(0)
    dark = 0.2 + 0.1 * torch.rand(3, 32, 32, generator=random)
    light = light_of(0.6 + 0.15 * torch.rand(3, 32, 32, generator=random))
    torch.testing.assert_close(relight(dark, light_of(dark), light, 0.0), dark)
    lit = light_of(relight(dark, light_of(dark), light, 1.0))
    torch.testing.assert_close(lit.mean, light.mean)
    torch.testing.assert_close(lit.spread, light.spread)


def test_light_is_that_of_the_weighted_pixels() -> None:
    image, target = as_floats(*canvas(BUST))
    torch.testing.assert_close(light_of(image, target[:1]).mean, RED / 255)


def test_edges_that_cut_somebody_off_stay_where_they_cut() -> None:
    person = cut_out(*as_floats(*canvas(BUST)))
    assert person
    assert person.edges == Edges(top=False, bottom=True, left=False, right=False)
    for seed in range(6):
        torch.manual_seed(seed)
        layer = moved(person, fitting_scale(person, 0.4, 40, 50), 40, 50)
        assert layer.shape == (4, 40, 50)
        assert layer[3, -1].max() > 0.5
        assert layer[3, 0].max() == 0


def test_backgrounds_are_the_middle_of_their_photos(tmp_path: Path) -> None:
    write_rooms(tmp_path, 2)
    wide = np.full((40, 120, 3), 200, np.uint8)
    wide[:, 40:80] = 50
    PillowImage.fromarray(wide).save(tmp_path / "wide.png")
    loaded = load_backgrounds(read_people_free(tmp_path), 32)
    assert loaded.shape == (3, 3, 32, 32)
    assert loaded.dtype == torch.uint8
    assert (loaded[2] == 50).all()
