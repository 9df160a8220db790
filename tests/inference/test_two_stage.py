"""Two-stage prediction: regions of interest, and cells of any size at one scale."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from wbcseg.inference.refine import REFINEMENT_WITH_SKIPS
from wbcseg.inference.two_stage import FIRST_STAGE_SIZE, SquareROI, find_roi, predict_two_stage

CELL_FRACTION = 0.6


def draw_scene(side: int, radius: float, y: float = 0.5, x: float = 0.5) -> NDArray[np.uint8]:
    """A grey cell with a dark nucleus on white."""
    rows, columns = np.mgrid[:side, :side]
    distance = np.hypot(rows - y * side, columns - x * side)
    image = np.full((side, side, 3), 255, np.uint8)
    image[distance < radius] = 150
    image[distance < radius / 2] = 30
    return image


def perfect_network(square: NDArray[np.uint8]) -> NDArray[np.float32]:
    """A perfect network."""
    grey = square[..., 0]
    return np.eye(3, dtype=np.float32)[(grey < 200).astype(int) + (grey < 90)]


@pytest.mark.parametrize(("top", "left", "side"), [(3, 5, 20), (-7, -9, 60), (30, 35, 40), (-40, 10, 90)])
def test_roi_is_cropped_and_pasted_at_its_position(top: int, left: int, side: int) -> None:
    image = np.random.default_rng(0).integers(0, 256, (50, 60, 3), dtype=np.uint8)
    roi = SquareROI(top, left, side)
    patch = roi.crop(image)
    assert patch.shape == (side, side, 3)
    target = np.full(image.shape, -1, np.float32)
    roi.paste(patch.astype(np.float32), target)
    inside = np.zeros(image.shape[:2], bool)
    inside[max(0, top) : max(0, top + side), max(0, left) : max(0, left + side)] = True
    assert (target[inside] == image[inside]).all()
    assert (target[~inside] == -1).all()


def test_roi_beyond_the_edge_is_mirrored() -> None:
    image = np.arange(12, dtype=np.uint8).reshape(2, 2, 3)
    patch = SquareROI(-2, -2, 6).crop(image)
    assert (patch == np.pad(image, ((2, 2), (2, 2), (0, 0)), mode="symmetric")).all()


def test_roi_shows_the_cell_at_its_fraction() -> None:
    cell = np.zeros((100, 140), bool)
    cell[20:60, 50:80] = True
    roi = find_roi(cell, CELL_FRACTION)
    assert roi is not None
    assert roi.side == pytest.approx(40 / CELL_FRACTION, abs=1)
    assert roi.top + roi.side / 2 == pytest.approx(40, abs=1)
    assert roi.left + roi.side / 2 == pytest.approx(65, abs=1)
    large = np.zeros((100, 140), bool)
    large[:, 10:130] = True
    assert find_roi(large, CELL_FRACTION) == SquareROI(-20, 0, 140)
    assert find_roi(np.zeros((50, 50), bool), CELL_FRACTION) is None
    speck = np.zeros((100, 100), bool)
    speck[50, 50] = True
    assert find_roi(speck, CELL_FRACTION) is None


@pytest.mark.parametrize("side", [40, 120, 300, 480])
@pytest.mark.parametrize("cell_fraction", [0.12, 0.3, 0.45])
@pytest.mark.parametrize("fine_fraction", [0.5, CELL_FRACTION, 0.7])
def test_cells_of_any_size_are_segmented_at_one_scale(side: int, cell_fraction: float, fine_fraction: float) -> None:
    seen_fractions = []

    def predict_fine(square: NDArray[np.uint8]) -> NDArray[np.float32]:
        seen_fractions.append((square[..., 0] < 200).any(axis=0).mean())
        return perfect_network(square)

    image = draw_scene(side, cell_fraction * side, y=0.52, x=0.47)
    labels = predict_two_stage(
        image,
        perfect_network,
        predict_fine,
        input_size=120,
        cell_fraction=fine_fraction,
        refinement=REFINEMENT_WITH_SKIPS,
    ).argmax(axis=-1)
    truth = perfect_network(image).argmax(axis=-1)
    assert seen_fractions == [pytest.approx(max(fine_fraction, 2 * cell_fraction), abs=0.06)]
    assert (labels == truth).mean() > 0.97


def test_first_stage_is_small_and_the_only_one_without_a_cell() -> None:
    sides = []

    def predict_coarse(square: NDArray[np.uint8]) -> NDArray[np.float32]:
        sides.append(square.shape)
        return perfect_network(square)

    def predict_nothing(square: NDArray[np.uint8]) -> NDArray[np.float32]:
        raise AssertionError

    empty = np.asarray(Image.new("RGB", (200, 150), "white"))
    labels = predict_two_stage(
        empty,
        predict_coarse,
        predict_nothing,
        input_size=120,
        cell_fraction=CELL_FRACTION,
        refinement=REFINEMENT_WITH_SKIPS,
    )
    assert sides == [(FIRST_STAGE_SIZE, FIRST_STAGE_SIZE, 3)]
    assert labels.shape == (150, 200, 3)
    assert not labels.argmax(axis=-1).any()
