"""Tables of figures: a row for every cell, and for every picture without one."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Final

from wbcseg.features import FEATURES
from wbcseg.metrics import REGIONS
from wbcseg.quality import STATUS_DESCRIPTIONS
from wbcseg.results import CellResult, ImageReport, Results, group_by_image

NO_CELL_STATUS: Final = "no white cell found"
"""The status of a picture, or of a model's look at it, without a cell."""

UNREADABLE_STATUS: Final = "not used"
"""The status of a file that could not be used."""

DICE_DESCRIPTION: Final = (
    "Overlap with the expert's mask: twice the pixels in common over those of both, 0 to 1; not defined where both "
    "have none. In a crop, all that the model found counts, also pieces beside the main cell, which the other figures "
    "are of; models for any laboratory and careful looks leave none. In a field of view, the pieces of the mask count "
    "that the cell lies on."
)
"""What the columns of Dice mean."""

_STATUS_DESCRIPTIONS: Final = {
    **STATUS_DESCRIPTIONS,
    NO_CELL_STATUS: "The model found no white cell in the picture. Look whether there is one.",
    UNREADABLE_STATUS: "The file could not be used, or its picture was not reached; the note says why.",
}


def build_feature_rows(
    found: Results, *, micrometres: float | None = None, mask_files: Mapping[CellResult, str] | None = None
) -> list[list[str]]:
    """Return a table of all figures, the header first.

    Every cell has a row, and so has every picture without one and every file that could not be used. Pictures are
    numbered from 1, in the report as here.

    Args:
        found: Pictures, or the cells of each of them.
        micrometres: Side of a pixel in µm; lengths and areas are then in µm and µm², as their headers say.
        mask_files: Where the mask of each finding was written, for a column of its own; ``None`` where none was.
    """
    pictures = group_by_image(found)
    scores = sorted({region for picture in pictures for one in picture.cells for region in one.dice})
    head = ["number", "picture", "width", "height", "cell", "model", "status", "reasons", "note"]
    head += [] if mask_files is None else ["mask_file"]
    head += ["left", "top", *(format_column_name(name, micrometres) for name in FEATURES)]
    head += [f"dice_{region}" for region in scores]

    def row(number: int, picture: ImageReport, model: str = "", one: CellResult | None = None) -> list[str]:
        height, width = picture.size or ("", "")
        cells = [str(number), picture.name, str(width), str(height)]
        status = UNREADABLE_STATUS if picture.problem else NO_CELL_STATUS
        reasons: tuple[str, ...] = ()
        if one is not None:
            status, reasons = _get_status(one), one.reasons
        cells += [str(one.cell_index or "") if one else "", model, status, " ".join(reasons)]
        cells += [" ".join(filter(None, (picture.problem, picture.note)))]
        if mask_files is not None:
            cells.append(mask_files.get(one, "") if one else "")
        left, top = (one.offset if one else None) or ("", "")
        values = one.features.to_units(micrometres) if one and one.features else {}
        cells += [str(left), str(top), *(_format_number(values.get(name, math.nan)) for name in FEATURES)]
        return cells + [_format_number(one.dice.get(region, math.nan) if one else math.nan) for region in scores]

    rows = [head]
    for number, picture in enumerate(pictures, start=1):
        if not picture.models:
            rows.append(row(number, picture))
        for model, cells in picture.iter_by_model():
            rows += [row(number, picture, model, one) for one in cells or (None,)]
    return rows


def build_definition_rows(micrometres: float | None = None) -> list[list[str]]:
    """Return a table of what figures and statuses mean, the header first, called as in the table of figures.

    Args:
        micrometres: Side of a pixel in µm, or ``None``.
    """
    rows = [
        [format_column_name(name, micrometres), one.title, describe_feature(name, micrometres)]
        for name, one in FEATURES.items()
    ]
    rows += [[f"dice_{region}", f"Dice, {region}", DICE_DESCRIPTION] for region in REGIONS]
    rows += [["status", status, meaning] for status, meaning in _STATUS_DESCRIPTIONS.items()]
    return [["figure", "title", "definition"], *rows]


def describe_feature(name: str, micrometres: float | None) -> str:
    """Say what a figure means, and what it is given in.

    Args:
        name: A key of :data:`wbcseg.features.FEATURES`.
        micrometres: Side of a pixel in µm, or ``None``.
    """
    one = FEATURES[name]
    if not one.power or micrometres is None:
        return one.description + (" In pixels." if one.power == 1 else "")
    square = "\u00b2" if one.power == 2 else ""
    return f"{one.description} Given in \u00b5m{square}; a pixel is {micrometres:g} \u00b5m wide and high."


def format_column_name(name: str, micrometres: float | None) -> str:
    """Return what a figure is called in files, its unit included, such as ``nucleus_area_px2``.

    Args:
        name: A key of :data:`wbcseg.features.FEATURES`.
        micrometres: Side of a pixel in µm, or ``None`` for pixels.
    """
    power = FEATURES[name].power
    if not power:
        return name
    unit = "px" if micrometres is None else "um"
    return f"{name}_{unit}{'2' if power == 2 else ''}"


def _get_status(finding: CellResult) -> str:
    """Return a cell's status as it is taken away."""
    return finding.status if finding.features is not None else NO_CELL_STATUS


def _format_number(value: float) -> str:
    return "" if math.isnan(value) else f"{value:.6g}"
