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
    results: Results, *, pixel_size: float | None = None, mask_files: Mapping[CellResult, str] | None = None
) -> list[list[str]]:
    """Return a table of all figures, the header first.

    Every cell has a row, and so has every picture without one and every file that could not be used. Pictures are
    numbered from 1, in the report as here.

    Args:
        results: Pictures, or the cells of each of them.
        pixel_size: Side of a pixel in µm; lengths and areas are then in µm and µm², as their headers say.
        mask_files: Where the mask of each finding was written, for a column of its own; ``None`` where none was.
    """
    reports = group_by_image(results)
    dice_regions = sorted({region for report in reports for cell in report.cells for region in cell.dice})
    header = ["number", "picture", "width", "height", "cell", "model", "status", "reasons", "note"]
    header += [] if mask_files is None else ["mask_file"]
    header += ["left", "top", *(format_column_name(name, pixel_size) for name in FEATURES)]
    header += [f"dice_{region}" for region in dice_regions]

    def build_row(image_index: int, report: ImageReport, model: str = "", cell: CellResult | None = None) -> list[str]:
        height, width = report.size or ("", "")
        entries = [str(image_index), report.name, str(width), str(height)]
        status = UNREADABLE_STATUS if report.problem else NO_CELL_STATUS
        reasons: tuple[str, ...] = ()
        if cell is not None:
            status, reasons = _get_status(cell), cell.reasons
        entries += [str(cell.cell_index or "") if cell else "", model, status, " ".join(reasons)]
        entries += [" ".join(filter(None, (report.problem, report.note)))]
        if mask_files is not None:
            entries.append(mask_files.get(cell, "") if cell else "")
        left, top = (cell.offset if cell else None) or ("", "")
        values = cell.features.to_units(pixel_size) if cell and cell.features else {}
        entries += [str(left), str(top), *(_format_number(values.get(name, math.nan)) for name in FEATURES)]
        return entries + [
            _format_number(cell.dice.get(region, math.nan) if cell else math.nan) for region in dice_regions
        ]

    rows = [header]
    for image_index, report in enumerate(reports, start=1):
        if not report.models:
            rows.append(build_row(image_index, report))
        for model, entries in report.iter_by_model():
            rows += [build_row(image_index, report, model, cell) for cell in entries or (None,)]
    return rows


def build_definition_rows(pixel_size: float | None = None) -> list[list[str]]:
    """Return a table of what figures and statuses mean, the header first, called as in the table of figures.

    Args:
        pixel_size: Side of a pixel in µm, or ``None``.
    """
    rows = [
        [format_column_name(name, pixel_size), spec.title, describe_feature(name, pixel_size)]
        for name, spec in FEATURES.items()
    ]
    rows += [[f"dice_{region}", f"Dice, {region}", DICE_DESCRIPTION] for region in REGIONS]
    rows += [["status", status, description] for status, description in _STATUS_DESCRIPTIONS.items()]
    return [["figure", "title", "definition"], *rows]


def describe_feature(name: str, pixel_size: float | None) -> str:
    """Say what a figure means, and what it is given in.

    Args:
        name: A key of :data:`wbcseg.features.FEATURES`.
        pixel_size: Side of a pixel in µm, or ``None``.
    """
    spec = FEATURES[name]
    if not spec.power or pixel_size is None:
        return spec.description + (" In pixels." if spec.power == 1 else "")
    exponent = "\u00b2" if spec.power == 2 else ""
    return f"{spec.description} Given in \u00b5m{exponent}; a pixel is {pixel_size:g} \u00b5m wide and high."


def format_column_name(name: str, pixel_size: float | None) -> str:
    """Return what a figure is called in files, its unit included, such as ``nucleus_area_px2``.

    Args:
        name: A key of :data:`wbcseg.features.FEATURES`.
        pixel_size: Side of a pixel in µm, or ``None`` for pixels.
    """
    power = FEATURES[name].power
    if not power:
        return name
    unit = "px" if pixel_size is None else "um"
    return f"{name}_{unit}{'2' if power == 2 else ''}"


def _get_status(cell: CellResult) -> str:
    """Return a cell's status as it is taken away."""
    return cell.status if cell.features is not None else NO_CELL_STATUS


def _format_number(value: float) -> str:
    return "" if math.isnan(value) else f"{value:.6g}"
