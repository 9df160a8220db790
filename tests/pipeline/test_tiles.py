"""Cells cut out as squares of one size."""

from __future__ import annotations

import numpy as np
import pytest

from wbcseg.io.encode import decode_preview
from wbcseg.pipeline.tiles import COORDINATE_SCALE, TILE_SIDE, cut_square, render_large_tile, render_tile
from wbcseg.results import CellResult, build_in_memory_loader

COLOURS = np.array([[240, 230, 235], [190, 150, 200], [90, 40, 130]], np.uint8)


def make_field(height: int = 200, width: int = 300) -> tuple[np.ndarray, np.ndarray]:
    """Return an image with a cell of 40 by 40 pixels at column 100 and row 80, and its class ids."""
    labels = np.zeros((height, width), np.uint8)
    labels[80:120, 100:140] = 1
    labels[90:110, 110:130] = 2
    return COLOURS[labels], labels


def make_cell(image: np.ndarray, labels: np.ndarray, left: int, top: int, side: int) -> CellResult:
    part = np.s_[top : top + side, left : left + side]
    return CellResult(
        "a",
        build_in_memory_loader(image[part], labels[part]),
        "m",
        None,
        labels.shape,
        offset=(left, top),
        cell_index=1,
    )


def test_the_cell_is_in_the_middle_with_its_outlines() -> None:
    image, labels = make_field()
    tile = render_tile(image, make_cell(image, labels, 90, 70, 60))
    assert tile.square == pytest.approx(52)
    pixels = decode_preview(tile.jpeg)
    assert pixels.shape == (TILE_SIDE, TILE_SIDE, 3)
    assert np.abs(pixels[48, 48].astype(int) - COLOURS[2]).max() < 12
    assert np.abs(pixels[3, 3].astype(int) - COLOURS[0]).max() < 12
    # 6 of the 52 pixels are beside the cell, on each side.
    low, high = COORDINATE_SCALE * TILE_SIDE * 6 / 52, COORDINATE_SCALE * TILE_SIDE * 46 / 52
    assert np.min(tile.outline, axis=0) == pytest.approx([low, low], abs=3)
    assert np.max(tile.outline, axis=0) == pytest.approx([high, high], abs=3)
    (nucleus,) = tile.nuclei
    assert np.mean(nucleus, axis=0) == pytest.approx([TILE_SIDE, TILE_SIDE], abs=3)


def test_what_lies_beyond_the_image_has_the_colour_of_the_background() -> None:
    image, _ = make_field()
    square = cut_square(image, (0, 0), 100, 50)
    assert np.abs(square.astype(int) - COLOURS[0]).max() == 0
    square = cut_square(image, (-400, -400), 100, 50)
    assert square.shape == (50, 50, 3)


def test_a_tile_is_rendered_once() -> None:
    image, labels = make_field()
    cell = make_cell(image, labels, 90, 70, 60)
    assert render_tile(image, cell) is render_tile(image, cell)


def test_a_large_tile_shows_the_same_square() -> None:
    image, labels = make_field()
    cell = make_cell(image, labels, 90, 70, 60)
    large = decode_preview(render_large_tile(image, cell, 4 * TILE_SIDE)).astype(int)
    small = decode_preview(render_tile(image, cell).jpeg).astype(int)
    assert np.abs(large[2::4, 2::4] - small).mean() < 6


def test_every_cell_of_a_result_has_a_tile() -> None:
    import wbcseg
    from wbcseg.datasets.synthetic import draw_sample

    result = wbcseg.segment(draw_sample(3, 1).image).image_result
    assert len(result.tiles) == len(result.cells) == 1
