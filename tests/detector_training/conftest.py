"""A small library of synthetic cells, as composed fields are made of."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from wbcseg.datasets.synthetic import draw_sample
from wbcseg.detector_training.library import Library
from wbcseg.detector_training.library.arrays import LIBRARY_ARRAYS, SYNTHETIC, ZHENG
from wbcseg.detector_training.library.cutouts import cut_out, estimate_background, find_other_cells
from wbcseg.detector_training.library.red_cell_tiles import draw_tile
from wbcseg.labels import find_bounds

CELL_COUNT = 6


def build_small_library() -> Library:
    """Return a library of synthetic cells and scenes; half of the cells count as Zheng's."""
    cells = [draw_sample(31, number, size=(120, 120)) for number in range(CELL_COUNT)]
    cutouts = [cut_out(cell.image, cell.mask) for cell in cells if cell.mask is not None]
    scenes = [draw_sample(32, number, size=(180, 180)) for number in range(4)]
    masks = [scene.mask if number < 3 else np.zeros((180, 180), np.uint8) for number, scene in enumerate(scenes)]
    plasma = [estimate_background(scene.image) for scene in scenes]
    platelet = np.zeros((48, 48, 4), np.uint8)
    platelet[16:32, 16:32] = (120, 60, 140, 255)
    rng = np.random.default_rng(5)
    field = np.asarray(Image.fromarray(scenes[3].image).resize((640, 480)))
    return Library(
        cutouts=np.stack([image for image, _ in cutouts]),
        masks=np.stack([mask for _, mask in cutouts]),
        plasma=np.stack([estimate_background(cell.image) for cell in cells]),
        sources=np.array([ZHENG] * (CELL_COUNT // 2) + [SYNTHETIC] * (CELL_COUNT - CELL_COUNT // 2), np.uint8),
        scenes=np.stack([scene.image for scene in scenes]),
        scene_masks=np.stack(masks),
        scene_boxes=np.array([find_bounds(mask > 0) or (0, 0, 0, 0) for mask in masks], np.float32),
        scene_ignored=np.stack(
            [find_other_cells(scene.image, mask, p) for scene, mask, p in zip(scenes, masks, plasma, strict=True)]
        ),
        red_cell_fields=field[None],
        red_cell_tiles=np.stack([draw_tile(rng) for _ in range(2)]),
        platelets=platelet[None],
        platelet_plasma=np.full((1, 3), 240, np.float32),
    )


@pytest.fixture(scope="session")
def small_library() -> Library:
    return build_small_library()


@pytest.fixture(scope="session")
def library_folder(small_library: Library, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of a small library, the same for training and for tests."""
    folder = tmp_path_factory.mktemp("library")
    for part in ("train", "held_out"):
        for name in LIBRARY_ARRAYS:
            np.save(folder / f"{part}-{name}.npy", getattr(small_library, name))
    return folder
