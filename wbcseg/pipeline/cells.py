"""Measure and assess each cell that a model found in an image."""

from __future__ import annotations

from collections.abc import Mapping, MutableMapping, Sequence
from dataclasses import replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from wbcseg.celltypes import PriorName, TypeModel
from wbcseg.features import extract_features
from wbcseg.inference import BBox, DetectedCell, Segmentation
from wbcseg.inference.postprocess import keep_main_cell
from wbcseg.labels import BACKGROUND, Labels
from wbcseg.metrics import CELL, REGIONS, score, score_marked
from wbcseg.quality import MAX_REASONS, OK, OUT_OF_RANGE, REVIEW, UNFAMILIAR, QualityModel
from wbcseg.results import CellResult, build_in_memory_loader, find_cut_edges
from wbcseg.turns import pause

MIN_MODEL_AGREEMENT: Final = 0.8
"""Two models disagree on a cell if the Dice between their masks of the whole cell is below this."""

DISAGREEMENT_REASON: Final = "The models disagree on this cell."

UNLIKE_CELLS_REASON: Final = "Most of the detected objects do not resemble white blood cells."


def analyze_cells(
    name: str,
    image: NDArray[np.uint8],
    segmentation: Segmentation,
    *,
    mask: Labels | None = None,
    quality_model: QualityModel | None = None,
    second_labels: Labels | None = None,
    known: MutableMapping[DetectedCell, CellResult] | None = None,
    type_model: TypeModel | None = None,
    prior: PriorName | None = None,
) -> list[CellResult]:
    """Measure every cell that a model found, and assess its quality.

    Args:
        name: Name of the image.
        image: ``uint8[H, W, 3]``, RGB.
        segmentation: The model's segmentation of it.
        mask: Expert mask, ``uint8[H, W]`` of class ids, to score against.
        quality_model: See :func:`wbcseg.quality.load_quality_model`. Without it, cells have no status.
        second_labels: Another model's class ids, ``uint8[H, W]``; cells on which the models disagree are flagged.
        known: Cells of the same image that were measured with the same models; they are not measured again, and new
            ones are added.
        type_model: See :func:`wbcseg.celltypes.load_type_model`. Without it, cells have no type.
        prior: How common the types are taken to be; by default as the type model's card says.

    Returns:
        For a crop, its main cell, or one result without features if there is none. For a field of view (see
        :attr:`wbcseg.inference.Segmentation.is_field_of_view`), every cell, in the order of the segmentation.
    """
    in_field = segmentation.is_field_of_view
    detected_cells = segmentation.cells if in_field else (_build_crop_cell(segmentation),)
    known = {} if known is None else known
    cells = []
    for number, detected in enumerate(detected_cells, 1):
        pause()
        if detected not in known:
            known[detected] = _measure_cell(name, image, segmentation, detected, quality_model, type_model)
        item = known[detected]
        if in_field and item.cell_index != number:
            item = replace(item, cell_index=number)
        bbox, cell_labels = detected.bbox, item.load()[1]
        labels = segmentation.labels[bbox.slices]
        if mask is not None:
            dice = (
                compute_cell_dice(mask, segmentation.labels, bbox, cell_labels)
                if in_field
                else score_marked(mask, labels).dice
            )
            item = replace(item, dice={region: dice[region] for region in REGIONS if region in dice})
        if second_labels is not None:
            is_free = detected.cell_mask | (labels == BACKGROUND.id)
            second_cell_labels = keep_main_cell(_blank_outside(second_labels[bbox.slices], is_free))
            item = _flag_disagreement(item) if _models_disagree(cell_labels, second_cell_labels) else item
        cells.append(item)
    if type_model is not None:
        cells = list(type_model.assign(cells, prior))
    return _flag_unlike_field(cells) if in_field else cells


def _measure_cell(
    name: str,
    image: NDArray[np.uint8],
    segmentation: Segmentation,
    detected: DetectedCell,
    quality_model: QualityModel | None,
    type_model: TypeModel | None,
) -> CellResult:
    """Measure and assess one cell, apart from what depends on others."""
    bbox, in_field, size = detected.bbox, segmentation.is_field_of_view, (image.shape[0], image.shape[1])
    crop = image[bbox.slices]
    cell_labels = keep_main_cell(_blank_outside(segmentation.labels[bbox.slices], detected.cell_mask))
    image_edges = bbox.find_image_edges(*size)
    quality = (
        quality_model.assess(crop, detected.probabilities, cell_labels, image_edges=image_edges if in_field else None)
        if quality_model
        else None
    )
    evidence = type_model.examine(image, cell_labels, (bbox.left, bbox.top)) if type_model else None
    return CellResult(
        name,
        build_in_memory_loader(crop, cell_labels),
        segmentation.model,
        extract_features(crop, cell_labels, image_edges=image_edges),
        size,
        offset=(bbox.left, bbox.top) if in_field else None,
        cell_index=int(in_field),
        id=detected.id,
        score=detected.score,
        cut_edges=find_cut_edges(cell_labels != BACKGROUND.id, image_edges),
        status=quality.status if quality else "",
        reasons=quality.reasons if quality else (),
        origin=detected.origin,
        centroid=detected.centroid if in_field else None,
        type_evidence=() if evidence is None else tuple(evidence.tolist()),
    )


def _build_crop_cell(segmentation: Segmentation) -> DetectedCell:
    """Return a whole crop as if it were a cell of a field of view."""
    height, width = segmentation.labels.shape
    return DetectedCell(BBox(0, 0, height, width), segmentation.probabilities, np.ones((height, width), np.bool_), 1)


def compute_cell_dice(mask: Labels, labels: Labels, bbox: BBox, cell_labels: Labels) -> dict[str, float]:
    """Compare one cell of a field of view with the expert mask.

    The cell is compared with the connected regions of the mask that it overlaps, except where other cells were
    detected: a mask does not say which of two touching cells a pixel belongs to.

    Args:
        mask: Expert mask of the field, ``uint8[H, W]`` of class ids.
        labels: Segmentation of the field, ``uint8[H, W]``.
        bbox: The cell's crop.
        cell_labels: The cell alone in its crop, ``uint8[h, w]``.

    Returns:
        Dice by region, NaN where it is undefined or the mask does not mark a class.
    """
    # Imported here, so that listing models does not wait for it.
    from scipy import ndimage

    is_cell = cell_labels != BACKGROUND.id
    truth = _blank_outside(mask[bbox.slices], is_cell | (labels[bbox.slices] == BACKGROUND.id))
    pieces, count = ndimage.label(truth != BACKGROUND.id)
    is_matched = np.zeros(count + 1, np.bool_)
    is_matched[pieces[is_cell]] = True
    is_matched[0] = False
    return score_marked(_blank_outside(truth, is_matched[pieces]), cell_labels, mask).dice


def _blank_outside(labels: Labels, region_mask: NDArray[np.bool_]) -> Labels:
    """Return class ids with background outside a region."""
    return np.where(region_mask, labels, np.uint8(BACKGROUND.id))


def _flag_unlike_field(cells: list[CellResult]) -> list[CellResult]:
    """Flag every cell of a field of view in which most are out of range: it is probably not a smear."""
    if 2 * sum(cell.status == OUT_OF_RANGE for cell in cells) <= len(cells):
        return cells
    return [
        replace(cell, status=REVIEW, reasons=(UNLIKE_CELLS_REASON, *cell.reasons)[:MAX_REASONS])
        if cell.status != OUT_OF_RANGE
        else cell
        for cell in cells
    ]


def flag_disagreements(cells_by_model: Mapping[str, Sequence[CellResult]]) -> dict[str, tuple[CellResult, ...]]:
    """Flag results of a crop on which models disagree.

    Args:
        cells_by_model: The cells of one image, by model.

    Returns:
        The same, with a cell flagged if the Dice with any other model's is below :data:`MIN_MODEL_AGREEMENT`. Cells
        without a status, and cells of a field of view, stay as they are.
    """
    flagged = {name: tuple(model_cells) for name, model_cells in cells_by_model.items()}
    crop_cells = {
        name: model_cells[0] for name, model_cells in flagged.items() if model_cells and not model_cells[0].cell_index
    }
    labels_by_model = {name: crop_cell.load()[1] for name, crop_cell in crop_cells.items()}
    for name, cell_labels in labels_by_model.items():
        if crop_cells[name].status and any(
            _models_disagree(cell_labels, other_labels)
            for other_name, other_labels in labels_by_model.items()
            if other_name != name
        ):
            flagged[name] = (_flag_disagreement(crop_cells[name]),)
    return flagged


def _models_disagree(first_labels: Labels, second_labels: Labels) -> bool:
    """Return whether two models disagree on a cell. If neither found one, they agree."""
    return score(first_labels, second_labels).dice[CELL] < MIN_MODEL_AGREEMENT


def _flag_disagreement(cell: CellResult) -> CellResult:
    """Return a cell flagged as one on which models disagree; a cell without a status stays as it is."""
    if not cell.status:
        return cell
    status = REVIEW if cell.status in (OK, UNFAMILIAR) else cell.status
    return replace(cell, status=status, reasons=(DISAGREEMENT_REASON, *cell.reasons)[:MAX_REASONS])
