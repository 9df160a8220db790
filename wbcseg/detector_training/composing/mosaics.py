"""Mosaics: images of ``pbc`` side by side, stained as in one laboratory."""

from __future__ import annotations

from functools import lru_cache
from typing import Final

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray
from PIL import Image

from wbcseg.detector_training.composing.backgrounds import compute_density, estimate_plasma
from wbcseg.detector_training.composing.canvas import Canvas
from wbcseg.detector_training.composing.field import Boxes
from wbcseg.detector_training.composing.stains import Laboratory
from wbcseg.detector_training.composing.truth import MIN_BOX_SHARE, Truth, compute_area
from wbcseg.detector_training.library.arrays import SCENE_SIDE, Library
from wbcseg.labels import NUCLEUS, find_bounds
from wbcseg.metrics.boxes import compute_iou

MAX_TILES: Final = 8
"""Tiles along each axis."""

PLATELET_SHARE: Final = 0.15
"""Share of tiles with a platelet instead of a white cell."""

CELL_DIAMETER: Final = 70.0
"""Typical diameter of a white cell in a scene, in pixels."""

MIN_AGREEMENT: Final = 0.72
"""Least IoU of a scene's box and its outline's box for taking the latter, which is tighter."""


@lru_cache(maxsize=2)
def compute_tight_boxes(library: Library) -> Boxes:
    """Return the boxes of the scenes' main cells, ``float32[M, 4]``.

    They are those of the outlines where these agree with the published boxes, which leave room around their cells.
    """
    boxes = np.asarray(library.scene_boxes)
    tight = boxes.copy()
    for number, (box, mask) in enumerate(zip(boxes, library.scene_masks, strict=True)):
        bounds = find_bounds(mask > 0)
        if bounds is None:
            continue
        own = np.array(bounds, np.float32)
        if compute_iou(own[None], box[None])[0, 0] > MIN_AGREEMENT:
            tight[number] = own
    return tight


def compose_mosaic(
    rng: Generator, library: Library, laboratory: Laboratory, side: int, diameter: float
) -> tuple[Canvas, Truth]:
    """Return a field of one scene, or of several side by side.

    Args:
        rng: Random generator.
        library: The material.
        laboratory: How they are stained.
        side: Side of the field in pixels.
        diameter: Typical diameter of its white cells in pixels.
    """
    zoom, tight_boxes = diameter / CELL_DIAMETER, compute_tight_boxes(library)
    tile = SCENE_SIDE * zoom
    canvas, truth = Canvas(np.zeros((side, side, 3), np.float32)), Truth()
    start = -rng.uniform(0, tile, 2) if tile < side else rng.uniform(side - 1.1 * tile, 0.1 * tile, 2)
    for top in np.arange(start[0], side, tile)[:MAX_TILES]:
        for left in np.arange(start[1], side, tile)[:MAX_TILES]:
            number = _choose_scene(rng, library)
            _lay_scene(rng, canvas, truth, library, tight_boxes[number], number, laboratory, zoom, (top, left))
    return canvas, truth


def _choose_scene(rng: Generator, library: Library) -> int:
    has_cell = library.scene_boxes[:, 2] > 0
    with_cell, without_cell = np.flatnonzero(has_cell), np.flatnonzero(~has_cell)
    number = int(with_cell[int(rng.integers(len(with_cell)))])
    if rng.random() < PLATELET_SHARE:
        number = int(without_cell[int(rng.integers(len(without_cell)))])
    return number


def _lay_scene(
    rng: Generator,
    canvas: Canvas,
    truth: Truth,
    library: Library,
    box: Boxes,
    number: int,
    laboratory: Laboratory,
    zoom: float,
    corner: tuple[float, float],
) -> None:
    """Lay a scene on the canvas, with the cell that it shows."""
    scene, mask = np.asarray(library.scenes[number]), np.asarray(library.scene_masks[number])
    plasma = estimate_plasma(scene)
    boxes = np.concatenate([box[None], library.scene_ignored[number]])
    is_used = boxes[:, 2] > 0
    planes, boxes = _flip(rng, np.dstack([scene, _to_planes(mask)]), boxes)
    size = round(SCENE_SIDE * zoom) + 1
    method = Image.Resampling.BOX if zoom < 0.8 else Image.Resampling.BICUBIC
    resized = np.dstack(
        [
            np.asarray(Image.fromarray(np.ascontiguousarray(plane)).resize((size, size), method))
            for plane in (planes[..., :3], planes[..., 3], planes[..., 4])
        ]
    )
    top, left = round(corner[0]), round(corner[1])
    first_row, first_column = max(0, top), max(0, left)
    last_row, last_column = min(canvas.side, top + size), min(canvas.side, left + size)
    if first_row >= last_row or first_column >= last_column:
        return
    there = slice(first_row, last_row), slice(first_column, last_column)
    part = resized[first_row - top : last_row - top, first_column - left : last_column - left].astype(np.float32)
    density, coverage = compute_density(part[..., :3], plasma), part[..., 3] / np.float32(255)
    white_cell = density @ laboratory.stain.T * laboratory.nucleus
    background = laboratory.stain_background(density, coverage)
    share = coverage[..., None]
    canvas.density[there] = np.where(share > 0.02, share * white_cell + (1 - share) * background, background)
    cell_id = len(truth.boxes) + 1
    placed = boxes * zoom + np.array((left, top, left, top), np.float32)
    edges = np.array((first_column, first_row, last_column, last_row), np.float32)
    counts = _record_boxes(truth, cell_id, placed, is_used, edges)
    # A tile may cover the last row or column of its neighbour's cell.
    canvas.instances[there] = np.where((coverage > 0.5) & counts, cell_id, 0)
    canvas.nuclei[there] = part[..., 4] > 127


def _record_boxes(truth: Truth, cell_id: int, boxes: Boxes, is_used: NDArray[np.bool_], edges: Boxes) -> bool:
    """Record the main cell and what may be other cells; return whether the main cell counts."""
    counts = False
    for index in np.flatnonzero(is_used):
        whole = boxes[index]
        inside = np.concatenate([np.maximum(whole[:2], edges[:2]), np.minimum(whole[2:], edges[2:])])
        if (inside[2:] <= inside[:2]).any():
            continue
        if index or compute_area(inside) < (MIN_BOX_SHARE + 0.15) * compute_area(whole):
            truth.ignored.append(inside.astype(np.float32))
        else:
            truth.boxes[cell_id] = inside.astype(np.float32)
            counts = True
    return counts


def _to_planes(mask: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return coverage of the cell and of its nucleus, 0 or 255, ``uint8[H, W, 2]``."""
    return np.dstack([np.where(mask > 0, 255, 0), np.where(mask == NUCLEUS.id, 255, 0)]).astype(np.uint8)


def _flip(rng: Generator, planes: NDArray[np.uint8], boxes: Boxes) -> tuple[NDArray[np.uint8], Boxes]:
    """Return a scene and its boxes in one of eight orientations."""
    boxes = boxes.copy()
    flips_rows, flips_columns = rng.random(2) < 0.5
    if flips_rows:
        planes = planes[::-1]
        boxes[:, [1, 3]] = SCENE_SIDE - boxes[:, [3, 1]]
    if flips_columns:
        planes = planes[:, ::-1]
        boxes[:, [0, 2]] = SCENE_SIDE - boxes[:, [2, 0]]
    if rng.random() < 0.5:
        planes = planes.transpose(1, 0, 2)
        boxes = boxes[:, [1, 0, 3, 2]]
    return planes, boxes
