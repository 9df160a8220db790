"""Build the library: segment every cell as the program does for users, cut it out and measure it."""

from __future__ import annotations

import io
import json
import multiprocessing
import shutil
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import astuple, dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from wbcseg.celltype_training.library import (
    ATTRIBUTES,
    INDEX_FILE,
    LIBRARY_ARRAYS,
    LIBRARY_SIDE,
    UNKNOWN,
    LibraryCell,
    Part,
    Source,
)
from wbcseg.celltypes.crops import cut_cell
from wbcseg.celltypes.measure import TYPE_FEATURES, measure_type_features
from wbcseg.celltypes.names import NOT_A_WHITE_CELL, SUBTYPE_NAMES, SUBTYPES, list_possible_subtypes
from wbcseg.datasets import open_dataset
from wbcseg.datasets.fields import FieldInfo, load_detector_split, open_chula, open_pbc
from wbcseg.datasets.fields.pbc import PLATELET
from wbcseg.inference import Catalog, Segmenter
from wbcseg.inference.detection import load_cell_detector
from wbcseg.inference.postprocess import keep_main_cell
from wbcseg.io.atomic import write_bytes
from wbcseg.labels import NUCLEUS, Labels, find_bounds
from wbcseg.metrics.boxes import compute_iou
from wbcseg.training.jobs.process import lower_priority

SEGMENTATION_MODEL: Final = "unet-general"

MIN_AGREEMENT: Final = 0.4
"""Least IoU of a segmented cell's box and the given one; otherwise the given box is segmented."""

MAX_NEGATIVES: Final = 6
"""Maximum number of things that are no white cells from one image."""

MAX_NEGATIVE_SCORE: Final = 0.3
"""Maximum probability of being a white cell, according to the cell detector, of what is taken for none."""

MIN_NEGATIVE_AREA: Final = 60
"""Minimum area in pixels of what is taken for no white cell."""

CHUNK_IMAGES: Final = 200
"""Images that a process segments at once."""

EMPTY_SHAPES: Final[dict[str, tuple[tuple[int, ...], type[np.generic]]]] = {
    "crops": ((LIBRARY_SIDE, LIBRARY_SIDE, 3), np.uint8),
    "labels": ((LIBRARY_SIDE, LIBRARY_SIDE), np.uint8),
    "backgrounds": ((3,), np.float32),
    "features": ((len(TYPE_FEATURES),), np.float32),
    "possible": ((len(SUBTYPES),), np.bool_),
    "attributes": ((len(ATTRIBUTES),), np.int8),
}
"""Shape and type of every array of a chunk without cells."""

ProgressCallback = Callable[[str], None]


@dataclass
class _Material:
    """Cells while they are collected."""

    cells: list[LibraryCell] = field(default_factory=list)
    arrays: dict[str, list[NDArray[Any]]] = field(default_factory=lambda: {name: [] for name in LIBRARY_ARRAYS})

    def add(
        self, cell: LibraryCell, image: NDArray[np.uint8], labels: Labels, attributes: dict[str, str] | None = None
    ) -> None:
        """Add a cell with its class ids in the image."""
        crop, large = cut_cell(image, labels), cut_cell(image, labels, side=LIBRARY_SIDE)
        if crop is None or large is None:
            return
        possible = list_possible_subtypes(cell.cell_type, cell.subtype or None)
        values: dict[str, NDArray[Any]] = {
            "crops": large.pixels,
            "labels": large.labels,
            "backgrounds": large.background,
            "features": measure_type_features(crop),
            "possible": possible,
            "attributes": _encode_attributes(attributes or {}),
        }
        self.cells.append(cell)
        for name, value in values.items():
            self.arrays[name].append(value)


@dataclass(frozen=True)
class _Chunk:
    """Some images of a data set, which one process segments.

    Attributes:
        source: The data set.
        names: Names or ids of the images.
        path: Where the cells are written.
    """

    source: Source
    names: tuple[str, ...]
    path: Path


def build_library(
    folder: Path, *, max_images: int | None = None, workers: int = 2, on_progress: ProgressCallback = print
) -> None:
    """Segment and cut out all cells and write them to a folder, which appears when it is complete.

    A build that was interrupted goes on where it stopped.

    Args:
        folder: The library's folder.
        max_images: Use at most this many images of each data set, to try things out; all by default.
        workers: Number of processes that segment.
        on_progress: Called with sentences about what is done.

    Raises:
        DatasetError: If ``pbc``, ``chula-rbc-12`` or the Zheng data sets are not on this computer.
        ModelError: If the segmentation model cannot be used.
    """
    partial_folder = folder.with_name(f"{folder.name}.part")
    partial_folder.mkdir(parents=True, exist_ok=True)
    names: dict[Source, list[str]] = {
        "pbc": [info.name for info in open_pbc()],
        "zheng-1": list(open_dataset("zheng-1", download=True).ids),
        "zheng-2": list(open_dataset("zheng-2", download=True).ids),
        "chula-rbc-12": [info.name for info in open_chula()],
    }
    chunks = []
    for source, all_names in names.items():
        chosen = _spread(all_names, max_images)
        for start in range(0, len(chosen), CHUNK_IMAGES):
            path = partial_folder / f"{source}-{start:05}.npz"
            chunks.append(_Chunk(source, tuple(chosen[start : start + CHUNK_IMAGES]), path))
    pending = [chunk for chunk in chunks if not chunk.path.exists()]
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(workers, mp_context=context, initializer=lower_priority) as pool:
        for number, _ in enumerate(pool.map(_build_chunk, pending), start=len(chunks) - len(pending) + 1):
            on_progress(f"{number} of {len(chunks)} parts")
    parts = [np.load(chunk.path) for chunk in chunks]
    for name in LIBRARY_ARRAYS:
        np.save(partial_folder / f"{name}.npy", np.concatenate([part[name] for part in parts]))
    rows = [row for part in parts for row in json.loads(str(part["cells"]))]
    (partial_folder / INDEX_FILE).write_text(json.dumps(rows), encoding="utf-8")
    for chunk in chunks:
        chunk.path.unlink()
    shutil.rmtree(folder, ignore_errors=True)
    partial_folder.rename(folder)
    on_progress(f"Complete: {len(rows)} cells")


def _build_chunk(chunk: _Chunk) -> None:
    """Segment the images of a chunk and write their cells."""
    segmenter, material = Catalog().load(SEGMENTATION_MODEL), _Material()
    if chunk.source == "pbc":
        for info in open_pbc().select(chunk.names):
            _add_pbc(material, info, segmenter)
    elif chunk.source == "chula-rbc-12":
        for info in open_chula().select(chunk.names):
            _add_chula(material, info, segmenter)
    else:
        _add_zheng(material, chunk.source, chunk.names, segmenter)
    arrays: dict[str, NDArray[Any]] = {
        name: np.stack(values) if values else np.zeros(0) for name, values in material.arrays.items()
    }
    if not material.cells:
        arrays = {name: np.zeros((0, *shape), dtype) for name, (shape, dtype) in EMPTY_SHAPES.items()}
    buffer = io.BytesIO()
    arrays["cells"] = np.array(json.dumps([astuple(cell) for cell in material.cells]))
    np.savez(buffer, allow_pickle=False, **arrays)
    write_bytes(chunk.path, buffer.getvalue())


def _spread(items: list[Any], max_items: int | None) -> list[Any]:
    """Return at most so many, evenly, so that every type is among them."""
    if max_items is None or len(items) <= max_items:
        return items
    return [items[round(index)] for index in np.linspace(0, len(items) - 1, max_items)]


def _add_pbc(material: _Material, info: FieldInfo, segmenter: Segmenter) -> None:
    split, image = load_detector_split(), info.read()
    part: Part = "train"
    if info.name in split.pbc_held_out:
        part = "held_out"
    elif info.name in split.pbc_examples:
        part = "example"
    if info.note == PLATELET:
        for labels in _iter_negatives(image, segmenter):
            material.add(LibraryCell(info.name, "pbc", part, NOT_A_WHITE_CELL, NOT_A_WHITE_CELL), image, labels)
        return
    (cell,) = info.cells or ()
    box = np.array(cell.box, np.float32)
    # What is learned from is segmented in its box, three times as fast; what is tested on, as the program does it.
    outline = _segment_box(image, box, segmenter) if part == "train" else None
    outline = _segment_marked_cell(image, box, segmenter) if outline is None else outline
    if outline is not None:
        subtype = cell.subtype or cell.cell_type or ""
        known = LibraryCell(info.name, "pbc", part, cell.cell_type or "", subtype if subtype in SUBTYPE_NAMES else "")
        material.add(known, image, outline, dict(cell.attributes))


def _segment_marked_cell(image: NDArray[np.uint8], box: NDArray[np.float32], segmenter: Segmenter) -> Labels | None:
    """Return the class ids of the cell in a box, or ``None`` if none is segmented there."""
    result = segmenter.predict(image)
    if not result.is_field_of_view:
        labels = keep_main_cell(result.labels)
        if _agrees(labels, box):
            return labels
    for cell in result.cells:
        labels = np.where(result.instances == cell.id, result.labels, 0).astype(np.uint8)
        if _agrees(labels, box):
            return labels
    return _segment_box(image, box, segmenter)


def _segment_box(image: NDArray[np.uint8], box: NDArray[np.float32], segmenter: Segmenter) -> Labels | None:
    height, width = image.shape[:2]
    left, top, right, bottom = (float(value) for value in np.clip(box, 0, (width, height, width, height)))
    cell = segmenter.segment_cell(image, box=(left, top, right, bottom))
    if cell is None:
        return None
    labels = np.zeros((height, width), np.uint8)
    labels[cell.bbox.slices] = cell.labels
    return labels


def _agrees(labels: Labels, box: NDArray[np.float32]) -> bool:
    bounds = find_bounds(labels > 0)
    return bounds is not None and bool(compute_iou(np.array([bounds], np.float32), box[None])[0, 0] >= MIN_AGREEMENT)


def _iter_negatives(image: NDArray[np.uint8], segmenter: Segmenter) -> Iterator[Labels]:
    """Yield the class ids of things in an image without white cells that are taken for one at first."""
    detector = load_cell_detector()
    boxes = detector.find_candidates(image).boxes
    found = detector.detect(image, min_score=0.0)
    doubtful = [d for d in found if d.score > MAX_NEGATIVE_SCORE]
    height, width = image.shape[:2]
    middle = np.array((0.4 * width, 0.4 * height, 0.6 * width, 0.6 * height), np.float32)
    count = 0
    for box in (middle, *boxes):
        is_doubtful = any(
            box[0] < d.right and d.left < box[2] and box[1] < d.bottom and d.top < box[3] for d in doubtful
        )
        if is_doubtful or count == MAX_NEGATIVES or min(box[2:] - box[:2]) < 8:
            continue
        segmented = _segment_box(image, box, segmenter)
        labels = _outline_dark_piece(image, box) if segmented is None else segmented
        if labels is not None and (labels > 0).sum() >= MIN_NEGATIVE_AREA:
            count += 1
            yield labels


def _outline_dark_piece(image: NDArray[np.uint8], box: NDArray[np.float32]) -> Labels | None:
    """Return the darkest piece in a box as a cell, its darker part as a nucleus."""
    left, top, right, bottom = np.rint(box).astype(int)
    part = image[max(0, top) : bottom, max(0, left) : right].astype(np.float32)
    if min(part.shape[:2]) < 6:
        return None
    darkness = ndimage.gaussian_filter(255 - part[..., :2].mean(axis=-1), 1.0)
    low, high = np.percentile(darkness, (10, 97))
    pieces, count = ndimage.label(darkness > (low + high) / 2)
    if not count or high - low < 15:
        return None
    own = ndimage.binary_fill_holes(pieces == 1 + int(np.argmax(np.bincount(pieces.ravel())[1:])))
    labels = np.zeros(image.shape[:2], np.uint8)
    target = labels[max(0, top) : bottom, max(0, left) : right]
    target[own] = 1
    target[own & (darkness > (low + 3 * high) / 4)] = NUCLEUS.id
    return labels


def _add_zheng(material: _Material, source: Source, sample_ids: Sequence[str], segmenter: Segmenter) -> None:
    held_out, dataset = load_detector_split().zheng_held_out, open_dataset(source, download=True)
    for sample_id in sample_ids:
        sample = dataset.read(sample_id)
        if sample.cell_type is None or sample.mask is None:
            continue
        bounds = find_bounds(sample.mask > 0)
        if bounds is None:
            continue
        labels = _segment_marked_cell(sample.image, np.array(bounds, np.float32), segmenter)
        if labels is not None:
            part: Part = "held_out" if sample_id in held_out else "train"
            subtype = sample.cell_type if sample.cell_type in SUBTYPE_NAMES else ""
            material.add(LibraryCell(sample_id, source, part, sample.cell_type, subtype), sample.image, labels)


def _add_chula(material: _Material, info: FieldInfo, segmenter: Segmenter) -> None:
    if info.cell_count:
        return
    image = info.read()
    part: Part = "held_out" if info.name in load_detector_split().chula_held_out else "train"
    for labels in _iter_negatives(image, segmenter):
        material.add(LibraryCell(info.name, "chula-rbc-12", part, NOT_A_WHITE_CELL, NOT_A_WHITE_CELL), image, labels)


def _encode_attributes(attributes: dict[str, str]) -> NDArray[np.int8]:
    return np.array(
        [
            values.index(attributes[name]) if attributes.get(name) in values else UNKNOWN
            for name, values in ATTRIBUTES.items()
        ],
        np.int8,
    )
