"""Let the type model look at cells whose types are known."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from wbcseg.celltype_training.library import CellLibrary, cut_library_crop
from wbcseg.celltypes import TYPE_NAMES, TypeModel
from wbcseg.celltypes.names import sum_subtypes
from wbcseg.celltypes.network import LOOKS
from wbcseg.celltypes.probabilities import Probabilities
from wbcseg.datasets.fields import FieldInfo, load_detector_split, open_lisc_fields, open_pbc
from wbcseg.inference import Segmenter
from wbcseg.inference.postprocess import keep_main_cell
from wbcseg.labels import Labels, find_bounds
from wbcseg.metrics.boxes import compute_iou

MIN_AGREEMENT: Final = 0.4
"""Least IoU of the box around a segmented cell and the box that people drew around it; else it was not found."""


@dataclass(frozen=True, eq=False)
class ExaminedCells:
    """What the type model says of cells whose types are known.

    Attributes:
        even: Probabilities of types if all are equally likely, ``float64[N, 8]``.
        truth: Index of the true type of each, ``int[N]``.
        missed: Number of cells that were not found, where they had to be; they are not among the others.
    """

    even: Probabilities
    truth: NDArray[np.intp]
    missed: int = 0


def examine_library(
    model: TypeModel, library: CellLibrary, indices: Sequence[int], *, looks: int = LOOKS
) -> ExaminedCells:
    """Let the model look at cells of a library.

    Args:
        model: The type model.
        library: The library.
        indices: Which of its cells.
        looks: Number of orientations in which each is looked at.
    """
    evidence = [
        model.examine_crop(cut_library_crop(library, index), library.features[index], looks=looks) for index in indices
    ]
    return ExaminedCells(sum_subtypes(np.stack(evidence)), library.get_truth(indices))


def examine_lisc(model: TypeModel, segmenter: Segmenter) -> ExaminedCells:
    """Let the model look at the cells that are found in the fields of LISC, each of which has cells of one type.

    Args:
        model: The type model.
        segmenter: Finds and segments the cells.
    """
    evidence, truth = [], []
    for info in open_lisc_fields():
        image = info.read()
        for cell in segmenter.predict(image).cells:
            found = model.examine(image, cell.labels, (cell.bbox.left, cell.bbox.top))
            if found is not None:
                evidence.append(found)
                truth.append(TYPE_NAMES.index(info.note))
    return ExaminedCells(sum_subtypes(np.stack(evidence)), np.array(truth, np.intp))


def examine_pbc_images(model: TypeModel, segmenter: Segmenter, count: int) -> ExaminedCells:
    """Let the model look at the cells of whole held-out images of ``pbc``: found, segmented and told as by the program.

    Args:
        model: The type model.
        segmenter: Finds and segments the cells.
        count: Number of images, taken evenly from all held-out ones, so that every type is among them.

    Raises:
        DatasetError: If ``pbc`` is not on this computer.
    """
    infos = [info for info in open_pbc().select(load_detector_split().pbc_held_out) if info.cells]
    chosen = {round(index) for index in np.linspace(0, len(infos) - 1, min(count, len(infos)))}
    evidence, truth = [], []
    for info in (infos[index] for index in sorted(chosen)):
        image = info.read()
        outline = _find_marked_cell(image, info, segmenter)
        found = None if outline is None else model.examine(image, outline)
        if found is not None:
            evidence.append(found)
            truth.append(TYPE_NAMES.index(info.note))
    return ExaminedCells(sum_subtypes(np.stack(evidence)), np.array(truth, np.intp), len(chosen) - len(evidence))


def _find_marked_cell(image: NDArray[np.uint8], info: FieldInfo, segmenter: Segmenter) -> Labels | None:
    """Return the class ids of the marked cell of an image, as large as the image; ``None`` if it was not found."""
    result = segmenter.predict(image)
    outlines = [np.where(result.instances == cell.id, result.labels, 0).astype(np.uint8) for cell in result.cells]
    outlines += [] if result.is_field_of_view else [keep_main_cell(result.labels)]
    for outline in outlines:
        bounds = find_bounds(outline > 0)
        if bounds is not None and compute_iou(np.array([bounds], np.float32), info.boxes).max() >= MIN_AGREEMENT:
            return outline
    return None
