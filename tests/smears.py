"""Fields of view and files of synthetic cells, whose masks are known."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from wbcseg.datasets.fields import FieldInfo
from wbcseg.datasets.sample import MarkedCell, Sample
from wbcseg.datasets.synthetic.generator import draw_sample
from wbcseg.io import encode_png
from wbcseg.labels import Labels, find_bounds

CROP = 120


def write_boxed_smears(folder: Path, count: int, seed: int) -> tuple[list[FieldInfo], dict[str, Sample]]:
    """Write synthetic smears to a folder; return them with the box of the cell, and the samples by file stem."""
    fields, samples = [], {}
    for number in range(count):
        sample = draw_sample(seed, number)
        assert sample.mask is not None
        path = folder / f"smear-{number}.png"
        path.write_bytes(encode_png(sample.image))
        bounds = find_bounds(sample.mask > 0)
        assert bounds is not None
        fields.append(FieldInfo(path.name, path, (MarkedCell(bounds, sample.cell_type),), 1, sample.cell_type or ""))
        samples[path.stem] = sample
    return fields, samples


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
