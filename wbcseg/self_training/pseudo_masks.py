"""Draw masks on the training images of ``pbc``, which has boxes and types but no masks, and keep the reliable ones.

A network that then trains on them, beside the expert masks, sees cells that the expert masks lack: basophils, immature
granulocytes, erythroblasts, pale cytoplasm (self-training; Lee 2013; Xie et al. 2020, arXiv 1911.04252).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from wbcseg.datasets.fields import FieldInfo, choose_by_type, load_detector_split, open_pbc
from wbcseg.inference import Segmenter
from wbcseg.inference.segmentation import DetectedCell
from wbcseg.labels import Labels, find_bounds
from wbcseg.self_training.checks import Drawing, find_failed_check

IMAGES_FOLDER: Final = "images"
MASKS_FOLDER: Final = "masks"
REPORT_FILE: Final = "report.json"

CROP_FRACTION: Final = 0.5
"""Longer side of the cell, as a fraction of the side of the crop that is kept."""

MASK_CODES: Final = (0, 128, 255)
"""Values of background, cytoplasm and nucleus in the mask files."""


@dataclass(frozen=True)
class PseudoMaskReport:
    """What was drawn and kept.

    Attributes:
        teacher: Name of the model that drew the masks.
        second: Name of the model that they were compared with.
        drawn: Number of cells by type.
        kept: Number of kept masks by type.
        failed: Number of masks by the first check that they failed.
    """

    teacher: str
    second: str
    drawn: Mapping[str, int]
    kept: Mapping[str, int]
    failed: Mapping[str, int]

    @property
    def kept_share(self) -> float:
        """Share of the masks that were kept."""
        return sum(self.kept.values()) / max(1, sum(self.drawn.values()))


def draw_pseudo_masks(
    folder: Path,
    teacher: Segmenter,
    second: Segmenter,
    *,
    max_per_type: int = 250,
    on_progress: Callable[[int, int], None] = lambda _done, _total: None,
) -> PseudoMaskReport:
    """Write crops and masks of cells as a data set that :func:`wbcseg.datasets.open_dataset` opens.

    Only images that may train are used (:func:`wbcseg.datasets.fields.load_detector_split`).

    Args:
        folder: Where ``images`` and ``masks`` are written.
        teacher: The model that draws, with test-time averaging.
        second: The model that it is compared with.
        max_per_type: Maximum number of cells of each type that are drawn.
        on_progress: Called with the number of cells done and in total.

    Raises:
        DatasetError: If ``pbc`` is not on this computer.
        OSError: If the folder cannot be written.
    """
    for name in (IMAGES_FOLDER, MASKS_FOLDER):
        (folder / name).mkdir(parents=True, exist_ok=True)
    chosen = _choose(max_per_type)
    drawn: Counter[str] = Counter()
    kept: Counter[str] = Counter()
    failed: Counter[str] = Counter()
    for number, info in enumerate(chosen, start=1):
        failure = _draw(info, teacher, second, folder)
        drawn[info.note] += 1
        kept[info.note] += failure is None
        failed.update([] if failure is None else [failure])
        on_progress(number, len(chosen))
    return PseudoMaskReport(teacher.name, second.name, dict(drawn), dict(kept), dict(failed))


def _choose(max_per_type: int) -> list[FieldInfo]:
    """Return cells that may train, evenly spread over those of each type."""
    split = load_detector_split()
    kept_apart = split.pbc_held_out | split.pbc_examples
    return choose_by_type((info for info in open_pbc() if info.name not in kept_apart), max_per_type)


def _draw(info: FieldInfo, teacher: Segmenter, second: Segmenter, folder: Path) -> str | None:
    """Draw and check the mask of a cell; write it if it passes, else return the check that it failed."""
    cell, image = (info.cells or ())[0], info.read()
    height, width = image.shape[:2]
    left, top, right, bottom = (
        float(value) for value in np.clip(np.array(cell.box), 0, (width, height, width, height))
    )
    first_cell = teacher.segment_cell(image, box=(left, top, right, bottom), tta=True)
    second_cell = second.segment_cell(image, box=(left, top, right, bottom), tta=True)
    if first_cell is None or second_cell is None:
        return "cell and nucleus"
    confidence = np.full((height, width), np.nan, np.float32)
    confidence[first_cell.bbox.slices] = first_cell.probabilities.max(axis=-1)
    labels = _place(first_cell, (height, width))
    failure = find_failed_check(Drawing(labels, confidence, _place(second_cell, (height, width)), cell))
    if failure is None:
        _write(folder, Path(info.name).stem, image, labels)
    return failure


def _place(cell: DetectedCell, shape: tuple[int, int]) -> Labels:
    labels = np.zeros(shape, np.uint8)
    labels[cell.bbox.slices] = cell.labels
    return labels


def _write(folder: Path, name: str, image: NDArray[np.uint8], labels: Labels) -> None:
    bounds = find_bounds(labels > 0)
    assert bounds is not None
    left, top, right, bottom = bounds
    half = round(max(right - left, bottom - top) / CROP_FRACTION / 2)
    y, x = (top + bottom) // 2, (left + right) // 2
    part = (slice(max(0, y - half), y + half), slice(max(0, x - half), x + half))
    Image.fromarray(image[part]).save(folder / IMAGES_FOLDER / f"{name}.png")
    Image.fromarray(np.array(MASK_CODES, np.uint8)[labels[part]]).save(folder / MASKS_FOLDER / f"{name}.png")
