import pytest
import torch

from cutaway.training.task import for_sheet, grid


@pytest.mark.parametrize("count", [1, 5, 24, 25, 500])
def test_the_sheet_shows_photos_from_all_over_the_set(count: int) -> None:
    shown = sorted(for_sheet(count))
    assert len(shown) == min(24, count)
    assert shown[0] == 0
    assert shown[-1] >= count - count / 24 - 1


def test_a_grid_has_rows_of_six_and_is_white_where_tiles_are_missing() -> None:
    tiles = [torch.full((3, 4, 5), number / 10) for number in range(8)]
    sheet = grid(tiles)
    assert sheet.shape == (3, 8, 30)
    assert torch.equal(sheet[:, :4, 5:10], tiles[1])
    assert torch.equal(sheet[:, 4:, :5], tiles[6])
    assert (sheet[:, 4:, 10:] == 1).all()
