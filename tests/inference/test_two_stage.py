"""Looking twice: frames lie where they should, and a cell of any size is seen at one scale."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from wbcseg.inference.refine import REFINEMENT_WITH_SKIPS
from wbcseg.inference.two_stage import FIRST_PASS_SIZE, SquareROI, find_roi, predict_two_stage

SHARE = 0.6


def scene(side: int, radius: float, y: float = 0.5, x: float = 0.5) -> NDArray[np.uint8]:
    """A grey cell with a dark nucleus on white."""
    rows, columns = np.mgrid[:side, :side]
    distance = np.hypot(rows - y * side, columns - x * side)
    image = np.full((side, side, 3), 255, np.uint8)
    image[distance < radius] = 150
    image[distance < radius / 2] = 30
    return image


def look(square: NDArray[np.uint8]) -> NDArray[np.float32]:
    """A perfect network."""
    grey = square[..., 0]
    return np.eye(3, dtype=np.float32)[(grey < 200).astype(int) + (grey < 90)]


@pytest.mark.parametrize(("top", "left", "side"), [(3, 5, 20), (-7, -9, 60), (30, 35, 40), (-40, 10, 90)])
def test_a_frame_is_cut_and_pasted_where_it_lies(top: int, left: int, side: int) -> None:
    image = np.random.default_rng(0).integers(0, 256, (50, 60, 3), dtype=np.uint8)
    frame = SquareROI(top, left, side)
    part = frame.crop(image)
    assert part.shape == (side, side, 3)
    onto = np.full(image.shape, -1, np.float32)
    frame.paste(part.astype(np.float32), onto)
    inside = np.zeros(image.shape[:2], bool)
    inside[max(0, top) : max(0, top + side), max(0, left) : max(0, left + side)] = True
    assert (onto[inside] == image[inside]).all()
    assert (onto[~inside] == -1).all()


def test_beyond_the_border_lies_the_mirror_image() -> None:
    image = np.arange(12, dtype=np.uint8).reshape(2, 2, 3)
    part = SquareROI(-2, -2, 6).crop(image)
    assert (part == np.pad(image, ((2, 2), (2, 2), (0, 0)), mode="symmetric")).all()


def test_roi_shows_the_cell_at_its_fraction() -> None:
    cell = np.zeros((100, 140), bool)
    cell[20:60, 50:80] = True
    frame = find_roi(cell, SHARE)
    assert frame is not None
    assert frame.side == pytest.approx(40 / SHARE, abs=1)
    assert frame.top + frame.side / 2 == pytest.approx(40, abs=1)
    assert frame.left + frame.side / 2 == pytest.approx(65, abs=1)
    large = np.zeros((100, 140), bool)
    large[:, 10:130] = True
    assert find_roi(large, SHARE) == SquareROI(-20, 0, 140)
    assert find_roi(np.zeros((50, 50), bool), SHARE) is None
    speck = np.zeros((100, 100), bool)
    speck[50, 50] = True
    assert find_roi(speck, SHARE) is None


@pytest.mark.parametrize("side", [40, 120, 300, 480])
@pytest.mark.parametrize("cell_fraction", [0.12, 0.3, 0.45])
@pytest.mark.parametrize("close", [0.5, SHARE, 0.7])
def test_cells_of_any_size_are_segmented_at_one_scale(side: int, cell_fraction: float, close: float) -> None:
    seen = []

    def second(square: NDArray[np.uint8]) -> NDArray[np.float32]:
        seen.append((square[..., 0] < 200).any(axis=0).mean())
        return look(square)

    image = scene(side, cell_fraction * side, y=0.52, x=0.47)
    found = predict_two_stage(
        image, look, second, input_size=120, cell_fraction=close, refinement=REFINEMENT_WITH_SKIPS
    ).argmax(axis=-1)
    truth = look(image).argmax(axis=-1)
    assert seen == [pytest.approx(max(close, 2 * cell_fraction), abs=0.06)]
    assert (found == truth).mean() > 0.97


def test_the_first_look_is_small_and_without_a_cell_the_only_one() -> None:
    sides = []

    def first(square: NDArray[np.uint8]) -> NDArray[np.float32]:
        sides.append(square.shape)
        return look(square)

    def never(square: NDArray[np.uint8]) -> NDArray[np.float32]:
        raise AssertionError

    empty = np.asarray(Image.new("RGB", (200, 150), "white"))
    found = predict_two_stage(
        empty, first, never, input_size=120, cell_fraction=SHARE, refinement=REFINEMENT_WITH_SKIPS
    )
    assert sides == [(FIRST_PASS_SIZE, FIRST_PASS_SIZE, 3)]
    assert found.shape == (150, 200, 3)
    assert not found.argmax(axis=-1).any()
