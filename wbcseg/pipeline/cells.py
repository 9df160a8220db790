"""The cells that a model found in a picture, one by one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from wbcseg.features import extract_features
from wbcseg.inference import BBox, Segmentation, is_field_of_view
from wbcseg.inference.detection import detect_nuclei
from wbcseg.inference.postprocess import keep_main_cell
from wbcseg.labels import BACKGROUND, Labels
from wbcseg.metrics import CELL, REGIONS, score
from wbcseg.quality import MAX_REASONS, OK, OUT_OF_RANGE, REVIEW, ImageEdges, QualityModel
from wbcseg.results import CellResult, build_in_memory_loader

MIN_MODEL_AGREEMENT: Final = 0.8
"""Models disagree whose whole cells have a Dice with each other below this."""

DISAGREEMENT_REASON: Final = "The models disagree about the cell."

OFF_CENTRE_REASON: Final = (
    "Several white cells seem to lie in the picture, none of them in its middle. Bring crops of one cell each."
)

MAX_CENTRE_DISTANCE: Final = 0.15
"""Distance from the middle, as a share of each side, within which a nucleus may belong to the crop's own cell."""

UNLIKE_CELLS_REASON: Final = "Most of what was found in the picture is unlike white cells."


def analyze_cells(
    name: str,
    image: NDArray[np.uint8],
    segmentation: Segmentation,
    *,
    mask: Labels | None = None,
    quality_model: QualityModel | None = None,
    second_labels: Labels | None = None,
) -> list[CellResult]:
    """Measure every cell that a model found, and judge it.

    Args:
        name: What the picture's file is called.
        image: ``uint8[H, W, 3]``, RGB.
        segmentation: What the model makes of it.
        mask: The expert's mask, ``uint8[H, W]`` of class ids, to score against.
        quality_model: Says whether the results look right; see :func:`wbcseg.quality.load_quality_model`. Without it there is no status.
        second_labels: What another model makes of the picture, ``uint8[H, W]`` of class ids: cells that it sees otherwise are
            to be checked.

    Returns:
        Of a crop, its main cell, or one finding without figures where there is none. Of a field of view (see
        :func:`wbcseg.inference.is_field_of_view`), every cell, from top to bottom; none where there is none.
    """
    height, width = image.shape[:2]
    in_field = is_field_of_view(image)
    crops = [(item.bbox, item.probabilities, item.cell_mask) for item in segmentation.cells]
    if not in_field:
        crops = [(BBox(0, 0, height, width), segmentation.probabilities, np.ones((height, width), np.bool_))]
    cells = []
    for cell_index, (bbox, probabilities, cell_mask) in enumerate(crops, start=1):
        crop, labels = image[bbox.slices], segmentation.labels[bbox.slices]
        cell_labels = keep_main_cell(_blank_outside(labels, cell_mask))
        image_edges = _find_image_edges(bbox, (height, width))
        quality = (
            quality_model.assess(crop, probabilities, cell_labels, image_edges=image_edges if in_field else None)
            if quality_model
            else None
        )
        dice: Mapping[str, float] = {}
        if mask is not None:
            dice = (
                compute_cell_dice(mask, segmentation.labels, bbox, cell_labels)
                if in_field
                else score(mask, labels).dice
            )
        item = CellResult(
            name,
            build_in_memory_loader(crop, cell_labels),
            segmentation.model,
            extract_features(crop, cell_labels, image_edges=image_edges),
            (height, width),
            offset=(bbox.left, bbox.top) if in_field else None,
            cell_index=cell_index if in_field else 0,
            status=quality.status if quality else "",
            reasons=quality.reasons if quality else (),
            dice={region: dice[region] for region in REGIONS if region in dice},
        )
        is_disputed = False
        if second_labels is not None:
            is_free = cell_mask | (labels == BACKGROUND.id)
            is_disputed = _models_disagree(
                cell_labels, keep_main_cell(_blank_outside(second_labels[bbox.slices], is_free))
            )
        if not in_field and item.status not in ("", OK) and _is_off_centre(crop):
            item = replace(item, reasons=(OFF_CENTRE_REASON, *item.reasons)[:MAX_REASONS])
        cells.append(_flag_disagreement(item) if is_disputed else item)
    return _flag_unlike_field(cells) if in_field else cells


def compute_cell_dice(mask: Labels, labels: Labels, bbox: BBox, cell_labels: Labels) -> dict[str, float]:
    """Compare one cell of a field of view with the expert's mask.

    Of the mask, the pieces count that the cell lies on, without what other cells were found on: where cells touch in
    the mask, nothing in it says which is whose.

    Args:
        mask: The expert's, ``uint8[H, W]`` of class ids.
        labels: What was found in the whole field, ``uint8[H, W]``.
        bbox: Where the cell's crop is.
        cell_labels: The cell alone in its crop, ``uint8[h, w]``.

    Returns:
        Dice by region.
    """
    # Loaded here, because those who only list models should not wait for it.
    from scipy import ndimage

    is_cell = cell_labels != BACKGROUND.id
    truth = _blank_outside(mask[bbox.slices], is_cell | (labels[bbox.slices] == BACKGROUND.id))
    pieces, count = ndimage.label(truth != BACKGROUND.id)
    is_matched = np.zeros(count + 1, np.bool_)
    is_matched[pieces[is_cell]] = True
    is_matched[0] = False
    return score(_blank_outside(truth, is_matched[pieces]), cell_labels).dice


def _blank_outside(labels: Labels, region_mask: NDArray[np.bool_]) -> Labels:
    """Return class ids with background wherever a part is not."""
    return np.where(region_mask, labels, np.uint8(BACKGROUND.id))


def _flag_unlike_field(cells: list[CellResult]) -> list[CellResult]:
    """Doubt every cell of a field of view in which most are unlike any: it is hardly a smear."""
    if 2 * sum(cell.status == OUT_OF_RANGE for cell in cells) <= len(cells):
        return cells
    return [
        replace(cell, status=REVIEW, reasons=(UNLIKE_CELLS_REASON, *cell.reasons)[:MAX_REASONS])
        if cell.status != OUT_OF_RANGE
        else cell
        for cell in cells
    ]


def _is_off_centre(image: NDArray[np.uint8]) -> bool:
    """Whether a crop, ``uint8[H, W, 3]``, has several nuclei apart from each other, none of them in its middle."""
    height, width = image.shape[:2]
    centres = [
        np.array([(item.top + item.bottom) / (2 * height), (item.left + item.right) / (2 * width)])
        for item in detect_nuclei(image)
    ]
    apart = any(np.abs(item - other).max() > 2 * MAX_CENTRE_DISTANCE for item in centres for other in centres)
    return apart and all(np.abs(item - 0.5).max() > MAX_CENTRE_DISTANCE for item in centres)


def _find_image_edges(bbox: BBox, size: tuple[int, int]) -> ImageEdges:
    """Return which sides of a crop are borders of its field of view."""
    return bbox.top == 0, bbox.bottom == size[0], bbox.left == 0, bbox.right == size[1]


def flag_disagreements(cells_by_model: Mapping[str, Sequence[CellResult]]) -> dict[str, tuple[CellResult, ...]]:
    """Say of judged findings of a crop where models disagree about the cell.

    Args:
        cells_by_model: Of one picture, by the model's name.

    Returns:
        The same; where a judged model's cell and any other's have a Dice below :data:`MIN_MODEL_AGREEMENT`, it is to be
        checked. Those without a status, and cells of a field of view, stay as they are.
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
    """Whether two models mean different pixels by a cell. Where neither sees one, they agree."""
    return score(first_labels, second_labels).dice[CELL] < MIN_MODEL_AGREEMENT


def _flag_disagreement(cell: CellResult) -> CellResult:
    """Return a finding as one that models disagree about; one that nobody judges as it is."""
    if not cell.status:
        return cell
    status = REVIEW if cell.status == OK else cell.status
    return replace(cell, status=status, reasons=(DISAGREEMENT_REASON, *cell.reasons)[:MAX_REASONS])
