"""Build the library: decode, cut out and outline the material of composed fields once."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from wbcseg.datasets import open_dataset
from wbcseg.datasets.fields import FieldInfo, load_detector_split, open_chula, open_pbc
from wbcseg.datasets.fields.pbc import PLATELET
from wbcseg.datasets.synthetic import draw_sample
from wbcseg.detector_training.library.arrays import (
    CUTOUT_FACTOR,
    CUTOUT_SIDE,
    LIBRARY_ARRAYS,
    PBC,
    SCENE_SIDE,
    SYNTHETIC,
    ZHENG,
    Part,
)
from wbcseg.detector_training.library.cutouts import (
    cut_out,
    cut_out_platelet,
    cut_square,
    estimate_background,
    find_other_cells,
    shows_white_cell,
)
from wbcseg.detector_training.library.red_cell_tiles import draw_tile
from wbcseg.inference import Catalog
from wbcseg.inference.postprocess import keep_main_cell
from wbcseg.inference.tflite import TFLiteModel
from wbcseg.labels import NUCLEUS, Labels, fast_argmax, find_bounds
from wbcseg.metrics.boxes import compute_iou

OUTLINE_MODEL: Final = "unet-general"
"""The model that outlines the cells of ``pbc``, which have boxes but no masks."""

MIN_AGREEMENT: Final = 0.72
"""Least IoU of an outline's box and the given box; otherwise the cell is not cut out."""

MIN_NUCLEUS_FRACTION: Final = 0.02
"""Least share of a cut-out that is nucleus."""

RED_CELL_FIELD_SIZE: Final = (640, 480)
SYNTHETIC_COUNTS: Final[dict[Part, int]] = {"train": 500, "held_out": 60}
SYNTHETIC_SEEDS: Final[dict[Part, int]] = {"train": 11, "held_out": 12}
TILE_COUNTS: Final[dict[Part, int]] = {"train": 1400, "held_out": 150}
TILE_SEEDS: Final[dict[Part, int]] = {"train": 7, "held_out": 8}

ProgressCallback = Callable[[str], None]


@dataclass
class _Material:
    """Arrays of a part while they are collected, by their name in the library."""

    arrays: dict[str, list[NDArray[Any]]] = field(default_factory=lambda: {name: [] for name in LIBRARY_ARRAYS})

    def add_cutout(self, image: NDArray[np.uint8], mask: Labels, plasma: NDArray[np.float32], source: int) -> None:
        """Add a cell."""
        for name, value in (("cutouts", image), ("masks", mask), ("plasma", plasma), ("sources", np.uint8(source))):
            self.arrays[name].append(np.asarray(value))

    def add_scene(
        self, scene: NDArray[np.uint8], mask: Labels, box: NDArray[np.float32], plasma: NDArray[np.float32]
    ) -> None:
        """Add a scene."""
        ignored = find_other_cells(scene, mask, plasma)
        for name, value in (("scenes", scene), ("masks", mask), ("boxes", box), ("ignored", ignored)):
            self.arrays[name if name == "scenes" else f"scene_{name}"].append(value)


def build_library(folder: Path, *, max_images: int | None = None, on_progress: ProgressCallback = print) -> None:
    """Decode and outline all material and write it to a folder, which appears when it is complete.

    Args:
        folder: The library's folder.
        max_images: Use at most this many images of each source and part, to try things out; all by default.
        on_progress: Called with sentences about what is done.

    Raises:
        DatasetError: If ``pbc``, ``chula-rbc-12`` or the Zheng data sets are not on this computer.
        ModelError: If the model for the outlines cannot be used.
    """
    entry = Catalog().get(OUTLINE_MODEL)
    model_bytes = (entry.folder / entry.card.files["model"].name).read_bytes()
    outline_model = TFLiteModel(model_bytes, name=OUTLINE_MODEL)
    partial_folder = folder.with_name(f"{folder.name}.part")
    shutil.rmtree(partial_folder, ignore_errors=True)
    partial_folder.mkdir(parents=True)
    parts: tuple[Part, ...] = ("held_out", "train")
    for part in parts:
        material = _Material()
        _add_pbc(material, part, outline_model, max_images)
        count = len(material.arrays["cutouts"])
        on_progress(f"{part}: {count} cells cut out of {len(material.arrays['scenes'])} images of pbc")
        _add_zheng(material, part, max_images)
        _add_synthetic(material, part, max_images)
        _add_red_cells(material, part, max_images)
        for name in LIBRARY_ARRAYS:
            np.save(partial_folder / f"{part}-{name}.npy", np.stack(material.arrays.pop(name)))
        on_progress(f"{part}: complete")
    shutil.rmtree(folder, ignore_errors=True)
    partial_folder.rename(folder)


def _select_pbc(part: Part, max_images: int | None) -> list[FieldInfo]:
    split, pbc = load_detector_split(), open_pbc()
    if part == "held_out":
        infos = pbc.select(split.pbc_held_out)
    else:
        infos = pbc.exclude(split.pbc_held_out | split.pbc_examples)
    if max_images is None or len(infos) <= max_images:
        return list(infos)
    # Evenly, so that every type is among them.
    return [infos[round(index)] for index in np.linspace(0, len(infos) - 1, max_images)]


def _add_pbc(material: _Material, part: Part, outline_model: TFLiteModel, max_images: int | None) -> None:
    for info in _select_pbc(part, max_images):
        pixels = info.read()
        height, width = pixels.shape[:2]
        scene = np.asarray(Image.fromarray(pixels).resize((SCENE_SIDE, SCENE_SIDE), Image.Resampling.BOX))
        plasma = estimate_background(scene)
        mask, box = np.zeros((SCENE_SIDE, SCENE_SIDE), np.uint8), np.zeros(4, np.float32)
        if info.note == PLATELET:
            platelet = cut_out_platelet(scene, plasma)
            if platelet is not None:
                material.arrays["platelets"].append(platelet)
                material.arrays["platelet_plasma"].append(plasma)
        else:
            left, top, right, bottom = given = info.boxes[0]
            crop = cut_square(pixels, given)
            labels = keep_main_cell(fast_argmax(outline_model(crop.astype(np.float32) / np.float32(255.0))))
            if _is_good_outline(labels, given):
                is_whole = min(left, top, width - right, height - bottom) > 2
                bounds = find_bounds(labels > 0) or (0, 0, 0, 0)
                if is_whole and min(bounds[:2]) > 4 and max(bounds[2:]) < CUTOUT_SIDE - 4:
                    material.add_cutout(crop, labels, plasma, PBC)
            _paste_mask(mask, labels, given, SCENE_SIDE / width)
            box = np.asarray(given * np.array([SCENE_SIDE / width, SCENE_SIDE / height] * 2), np.float32)
        material.add_scene(scene, mask, box, plasma)


def _is_good_outline(labels: Labels, given: NDArray[np.float32]) -> bool:
    """Return whether the outline of a cut-out agrees with the box that it was cut out by."""
    bounds = find_bounds(labels > 0)
    if bounds is None or (labels == NUCLEUS.id).mean() < MIN_NUCLEUS_FRACTION:
        return False
    size = given[2:] - given[:2]
    scaled = size / (CUTOUT_FACTOR * size.max() / CUTOUT_SIDE) / 2
    expected = np.concatenate([CUTOUT_SIDE / 2 - scaled, CUTOUT_SIDE / 2 + scaled])
    return bool(compute_iou(np.array([bounds], np.float32), expected[None])[0, 0] >= MIN_AGREEMENT)


def _paste_mask(mask: Labels, labels: Labels, box: NDArray[np.float32], scale: float) -> None:
    """Write the labels of a cut-out where it lies in its scene."""
    size = max(1, round(float(CUTOUT_FACTOR * (box[2:] - box[:2]).max() * scale)))
    small = np.asarray(Image.fromarray(labels).resize((size, size), Image.Resampling.NEAREST))
    x, y = (box[:2] + box[2:]) / 2 * scale
    top, left = round(float(y) - size / 2), round(float(x) - size / 2)
    first_row, first_column = max(0, top), max(0, left)
    last_row, last_column = min(len(mask), top + size), min(len(mask), left + size)
    mask[first_row:last_row, first_column:last_column] = small[
        first_row - top : last_row - top, first_column - left : last_column - left
    ]


def _add_zheng(material: _Material, part: Part, max_images: int | None) -> None:
    held_out = load_detector_split().zheng_held_out
    dataset = open_dataset("zheng", download=True)
    sample_ids = [sample_id for sample_id in dataset.ids if (sample_id in held_out) == (part == "held_out")]
    for sample_id in sample_ids[:max_images]:
        sample = dataset.read(sample_id)
        if sample.mask is not None and sample.mask.any():
            material.add_cutout(*cut_out(sample.image, sample.mask), estimate_background(sample.image), ZHENG)


def _add_synthetic(material: _Material, part: Part, max_images: int | None) -> None:
    count = min(SYNTHETIC_COUNTS[part], max_images or SYNTHETIC_COUNTS[part])
    for number in range(count):
        sample = draw_sample(SYNTHETIC_SEEDS[part], number + 10, size=(120, 120))
        if sample.mask is not None and sample.mask.any():
            material.add_cutout(*cut_out(sample.image, sample.mask), estimate_background(sample.image), SYNTHETIC)


def _add_red_cells(material: _Material, part: Part, max_images: int | None) -> None:
    material.arrays["red_cell_fields"] += list(_iter_red_cell_fields(part, max_images))
    rng = np.random.default_rng(TILE_SEEDS[part])
    count = min(TILE_COUNTS[part], max_images or TILE_COUNTS[part])
    material.arrays["red_cell_tiles"] += [draw_tile(rng) for _ in range(count)]


def _iter_red_cell_fields(part: Part, max_images: int | None) -> Iterator[NDArray[np.uint8]]:
    held_out, chula = load_detector_split().chula_held_out, open_chula()
    infos = chula.select(held_out) if part == "held_out" else chula.exclude(held_out)
    for info in infos[:max_images]:
        if info.cell_count:
            continue
        image = np.asarray(Image.fromarray(info.read()).resize(RED_CELL_FIELD_SIZE))
        if not shows_white_cell(image):
            yield image
