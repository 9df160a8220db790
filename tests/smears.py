"""Fields of view of synthetic cells on plain plasma, whose masks are known."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from wbcseg.datasets.synthetic.generator import draw_sample
from wbcseg.labels import Labels

CROP = 120


def compose_smear(
    places: Sequence[tuple[int, int]],
    size: tuple[int, int],
    *,
    stain: str = "white",
    first: int = 0,
    scale: float = 1.0,
) -> tuple[NDArray[np.uint8], Labels, NDArray[np.uint16]]:
    """Compose a field of view.

    Args:
        places: Top and left of the crop of each cell, 120 × 120 pixels, which may reach beyond the field.
        size: Height and width.
        stain: Stain of the synthetic cells.
        first: Number of the first cell.
        scale: Factor by which everything is enlarged in the end.

    Returns:
        The image; class ids; and the number of the cell that each pixel belongs to, from 1. Later cells cover earlier.
    """
    samples = [draw_sample(4, first + index, size=(CROP, CROP), stain=stain) for index in range(len(places))]
    assert samples[0].mask is not None
    plasma = np.median(samples[0].image[samples[0].mask == 0], axis=0)
    grain = np.random.default_rng(first).normal(0, 3, (*size, 3))
    field = np.clip(plasma + grain, 0, 255).astype(np.uint8)
    labels, instances = np.zeros(size, np.uint8), np.zeros(size, np.uint16)
    for number, (sample, (top, left)) in enumerate(zip(samples, places, strict=True), start=1):
        assert sample.mask is not None
        y, x = max(0, -top), max(0, -left)
        height, width = min(CROP, size[0] - top) - y, min(CROP, size[1] - left) - x
        target = np.s_[top + y : top + y + height, left + x : left + x + width]
        source = np.s_[y : y + height, x : x + width]
        is_cell = sample.mask[source] > 0
        field[target][is_cell] = sample.image[source][is_cell]
        labels[target][is_cell] = sample.mask[source][is_cell]
        instances[target][is_cell] = number
    if scale != 1:
        shape = (round(size[1] * scale), round(size[0] * scale))
        field = np.asarray(Image.fromarray(field).resize(shape, Image.Resampling.BICUBIC))
        labels, instances = (
            np.asarray(Image.fromarray(item).resize(shape, Image.Resampling.NEAREST)) for item in (labels, instances)
        )
    return field, labels, instances


def list_grid_places(count: int, columns: int, step: int = 130, margin: int = 20) -> list[tuple[int, int]]:
    """Return places of cells in rows and columns."""
    return [(margin + index // columns * step, margin + index % columns * step) for index in range(count)]
