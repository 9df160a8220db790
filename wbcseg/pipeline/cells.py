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
    found: Segmentation,
    *,
    mask: Labels | None = None,
    judge: QualityModel | None = None,
    second: Labels | None = None,
) -> list[CellResult]:
    """Measure every cell that a model found, and judge it.

    Args:
        name: What the picture's file is called.
        image: ``uint8[H, W, 3]``, RGB.
        found: What the model makes of it.
        mask: The expert's mask, ``uint8[H, W]`` of class ids, to score against.
        judge: Says whether the results look right; see :func:`wbcseg.quality.load_quality_model`. Without it there is no status.
        second: What another model makes of the picture, ``uint8[H, W]`` of class ids: cells that it sees otherwise are
            to be checked.

    Returns:
        Of a crop, its main cell, or one finding without figures where there is none. Of a field of view (see
        :func:`wbcseg.inference.is_field_of_view`), every cell, from top to bottom; none where there is none.
    """
    height, width = image.shape[:2]
    field = is_field_of_view(image)
    parts = [(one.bbox, one.probabilities, one.cell_mask) for one in found.cells]
    if not field:
        parts = [(BBox(0, 0, height, width), found.probabilities, np.ones((height, width), np.bool_))]
    findings = []
    for number, (place, probabilities, own) in enumerate(parts, start=1):
        crop, labels = image[place.slices], found.labels[place.slices]
        cell = keep_main_cell(_blank_outside(labels, own))
        sides = _find_image_edges(place, (height, width))
        verdict = judge.assess(crop, probabilities, cell, sides=sides if field else None) if judge else None
        dice: Mapping[str, float] = {}
        if mask is not None:
            dice = compute_cell_dice(mask, found.labels, place, cell) if field else score(mask, labels).dice
        one = CellResult(
            name,
            build_in_memory_loader(crop, cell),
            found.model,
            extract_features(crop, cell, borders=sides),
            (height, width),
            offset=(place.left, place.top) if field else None,
            cell_index=number if field else 0,
            status=verdict.status if verdict else "",
            reasons=verdict.reasons if verdict else (),
            dice={region: dice[region] for region in REGIONS if region in dice},
        )
        disputed = False
        if second is not None:
            is_free = own | (labels == BACKGROUND.id)
            disputed = _models_disagree(cell, keep_main_cell(_blank_outside(second[place.slices], is_free)))
        if not field and one.status not in ("", OK) and _is_off_centre(crop):
            one = replace(one, reasons=(OFF_CENTRE_REASON, *one.reasons)[:MAX_REASONS])
        findings.append(_flag_disagreement(one) if disputed else one)
    return _flag_unlike_field(findings) if field else findings


def compute_cell_dice(mask: Labels, labels: Labels, place: BBox, cell: Labels) -> dict[str, float]:
    """Compare one cell of a field of view with the expert's mask.

    Of the mask, the pieces count that the cell lies on, without what other cells were found on: where cells touch in
    the mask, nothing in it says which is whose.

    Args:
        mask: The expert's, ``uint8[H, W]`` of class ids.
        labels: What was found in the whole field, ``uint8[H, W]``.
        place: Where the cell's crop is.
        cell: The cell alone in its crop, ``uint8[h, w]``.

    Returns:
        Dice by region.
    """
    # Loaded here, because those who only list models should not wait for it.
    from scipy import ndimage

    is_cell = cell != BACKGROUND.id
    truth = _blank_outside(mask[place.slices], is_cell | (labels[place.slices] == BACKGROUND.id))
    pieces, count = ndimage.label(truth != BACKGROUND.id)
    meant = np.zeros(count + 1, np.bool_)
    meant[pieces[is_cell]] = True
    meant[0] = False
    return score(_blank_outside(truth, meant[pieces]), cell).dice


def _blank_outside(labels: Labels, part: NDArray[np.bool_]) -> Labels:
    """Return class ids with background wherever a part is not."""
    return np.where(part, labels, np.uint8(BACKGROUND.id))


def _flag_unlike_field(cells: list[CellResult]) -> list[CellResult]:
    """Doubt every cell of a field of view in which most are unlike any: it is hardly a smear."""
    if 2 * sum(one.status == OUT_OF_RANGE for one in cells) <= len(cells):
        return cells
    return [
        replace(one, status=REVIEW, reasons=(UNLIKE_CELLS_REASON, *one.reasons)[:MAX_REASONS])
        if one.status != OUT_OF_RANGE
        else one
        for one in cells
    ]


def _is_off_centre(image: NDArray[np.uint8]) -> bool:
    """Whether a crop, ``uint8[H, W, 3]``, has several nuclei apart from each other, none of them in its middle."""
    height, width = image.shape[:2]
    centres = [
        np.array([(one.top + one.bottom) / (2 * height), (one.left + one.right) / (2 * width)])
        for one in detect_nuclei(image)
    ]
    apart = any(np.abs(one - other).max() > 2 * MAX_CENTRE_DISTANCE for one in centres for other in centres)
    return apart and all(np.abs(one - 0.5).max() > MAX_CENTRE_DISTANCE for one in centres)


def _find_image_edges(place: BBox, size: tuple[int, int]) -> ImageEdges:
    """Return which sides of a crop are borders of its field of view."""
    return place.top == 0, place.bottom == size[0], place.left == 0, place.right == size[1]


def flag_disagreements(findings: Mapping[str, Sequence[CellResult]]) -> dict[str, tuple[CellResult, ...]]:
    """Say of judged findings of a crop where models disagree about the cell.

    Args:
        findings: Of one picture, by the model's name.

    Returns:
        The same; where a judged model's cell and any other's have a Dice below :data:`MIN_MODEL_AGREEMENT`, it is to be
        checked. Those without a status, and cells of a field of view, stay as they are.
    """
    result = {name: tuple(several) for name, several in findings.items()}
    crops = {name: several[0] for name, several in result.items() if several and not several[0].cell_index}
    cells = {name: one.load()[1] for name, one in crops.items()}
    for name, cell in cells.items():
        if crops[name].status and any(_models_disagree(cell, other) for key, other in cells.items() if key != name):
            result[name] = (_flag_disagreement(crops[name]),)
    return result


def _models_disagree(cell: Labels, other: Labels) -> bool:
    """Whether two models mean different pixels by a cell. Where neither sees one, they agree."""
    return score(cell, other).dice[CELL] < MIN_MODEL_AGREEMENT


def _flag_disagreement(one: CellResult) -> CellResult:
    """Return a finding as one that models disagree about; one that nobody judges as it is."""
    if not one.status:
        return one
    status = REVIEW if one.status == OK else one.status
    return replace(one, status=status, reasons=(DISAGREEMENT_REASON, *one.reasons)[:MAX_REASONS])
