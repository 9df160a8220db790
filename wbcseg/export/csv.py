"""Tables of cells and of images as CSV."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from wbcseg.counting import DEFAULT_EDGE_RULE, count_cells, get_edge_rule, is_counted, list_cut_edges
from wbcseg.features import FEATURES
from wbcseg.metrics import REGIONS
from wbcseg.printable import make_printable
from wbcseg.quality import EMPTY_FIELD_REASON, STATUS_DESCRIPTIONS, STATUS_LABELS, STATUSES
from wbcseg.results import CellResult, ImageReport, Results, group_by_image

CELLS_FILE: Final = "cells.csv"
"""Name of the table of cells, wherever it is written."""

IMAGES_FILE: Final = "images.csv"
"""Name of the table of images, wherever it is written."""

DEFINITIONS_FILE: Final = "definitions.csv"
"""Name of the table that defines the columns and statuses of :data:`CELLS_FILE`."""

NO_CELL: Final = "no_cell"
"""Status of an image in which a model found no cell."""

NOT_USED: Final = "not_used"
"""Status of a file that could not be used."""

ROW_STATUS_LABELS: Final = {
    **STATUS_LABELS,
    NO_CELL: "No white blood cell found",
    NOT_USED: "Not used",
    "": "",
}
"""What people read instead of the status codes of a row; the empty code says that quality was not assessed."""

_STATUS_DESCRIPTIONS: Final = {
    **STATUS_DESCRIPTIONS,
    NO_CELL: "The model found no white blood cell in the image. Check whether there is one.",
    NOT_USED: "The file could not be read, or was not processed; the note says why.",
}

IN_REGION_DESCRIPTION: Final = (
    "1 if the centroid of the cell lies in the region that a person drew to count in, else 0; empty without a region."
)
"""Definition of the column ``in_region``."""

_TYPE_COLUMNS: Final = ("type", "type_origin", "predicted_type", "type_probability")

CUT_BY_EDGE_DESCRIPTION: Final = "The image edges that cut the cell: top, bottom, left, right; empty if it is complete."
"""Definition of the column ``cut_by_edge`` in the table of cells."""

DICE_DESCRIPTION: Final = (
    "Overlap with the expert mask: twice the shared pixels over the sum of both areas, 0 to 1; not defined if both are "
    "empty. In a crop, everything that the model found counts, including objects beside the main cell, which is the "
    "only one measured; general models and test-time averaging leave no such objects. In a field of view, the regions "
    "of the mask that the cell overlaps count."
)
"""Definition of the Dice columns."""


TEXT_COLUMNS: Final = frozenset(
    (
        *("image", "model", "note", "reasons", "mask_file", "status", "status_label", "type", "subtype"),
        *("definition", "title", "value", "network", "cell_type", "first", "second", "sample"),
    )
)
"""Columns whose cells are text even if they look like numbers, such as the name ``3.14``."""


FORMULA_STARTS: Final = ("=", "+", "-", "@", "\uff1d", "\uff0b", "\uff0d", "\uff20")
"""What a formula begins with in a spreadsheet; the last four are the full-width forms of the others."""


def encode_csv(rows: Iterable[Sequence[str]], *, decimal_comma: bool = False) -> bytes:
    """Encode a table as CSV that is safe to open in a spreadsheet.

    Spreadsheets execute a cell that begins with ``=``, ``+``, ``-`` or ``@``, also after spaces or as full-width
    characters, as a formula. Such cells get a leading apostrophe, unless they are numbers. Line breaks and control
    characters become spaces.

    Args:
        rows: The rows, header first.
        decimal_comma: Whether to write numbers with a decimal comma and separate columns by semicolons, as a
            spreadsheet expects in many countries; otherwise with a decimal point and commas.

    Returns:
        UTF-8 with a byte order mark, by which spreadsheets recognise the encoding. What UTF-8 cannot encode becomes
        U+FFFD.
    """
    buffer = io.StringIO()
    writer = csv.writer(buffer, delimiter=";" if decimal_comma else ",")
    header: Sequence[str] = ()
    for row in rows:
        header = header or row
        cells = [_escape_formula(cell) for cell in row]
        if decimal_comma:
            cells = [
                cell.replace(".", ",") if column not in TEXT_COLUMNS and _is_number(cell) else cell
                for cell, column in zip(cells, header, strict=False)
            ]
        writer.writerow(cells)
    return buffer.getvalue().encode("utf-8-sig", "replace")


def _escape_formula(cell: str) -> str:
    cell = make_printable(cell)
    return f"'{cell}" if cell.lstrip().startswith(FORMULA_STARTS) and not _is_number(cell) else cell


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True


def build_cell_rows(
    results: Results,
    *,
    pixel_size: float | None = None,
    edge_rule: str = DEFAULT_EDGE_RULE,
    mask_files: Mapping[CellResult, str] | None = None,
) -> list[list[str]]:
    """Return the table of cells, header first.

    Each cell has a row, and so has each image without one and each file that could not be used. Images are numbered
    from 1, as in the report.

    Args:
        results: Images, or the cells of each of them.
        pixel_size: Pixel size in µm; lengths and areas are then in µm and µm², as the column names say.
        edge_rule: Which of the cells cut by the image edge count, a key of :data:`wbcseg.counting.EDGE_RULES`.
        mask_files: The mask file of each cell, for a column ``mask_file``; without it there is no such column.
    """
    reports = group_by_image(results)
    dice_regions = sorted({region for report in reports for cell in report.cells for region in cell.dice})
    header = ["image_index", "image", "width", "height", "cell_index", "model"]
    header += [
        "counted",
        "cut_by_edge",
        "in_region",
        "origin",
        *_TYPE_COLUMNS,
        "status",
        "status_label",
        "reasons",
        "note",
    ]
    header += [] if mask_files is None else ["mask_file"]
    all_cells = [cell for report in reports for cell in report.cells]
    has_subtypes = any(cell.subtype for cell in all_cells)
    types = list(dict.fromkeys(name for cell in all_cells for name in cell.type_probabilities))
    header += ["subtype"] if has_subtypes else []
    header += ["bbox_x", "bbox_y", *(format_column_name(name, pixel_size) for name in FEATURES)]
    header += [f"dice_{region}" for region in dice_regions]
    header += [format_probability_column(name) for name in types]

    def build_row(image_index: int, report: ImageReport, model: str = "", cell: CellResult | None = None) -> list[str]:
        height, width = report.size or ("", "")
        entries = [str(image_index), report.name, str(width), str(height)]
        number = counted = cut_by_edge = in_region = origin = ""
        if cell is not None and cell.features is not None:
            # The cell of a crop is cell 1, as in label images and outlines.
            number, counted = str(cell.cell_index or 1), str(int(is_counted(cell, edge_rule)))
            cut_by_edge, origin = " ".join(list_cut_edges(cell)), cell.origin
            in_region = "" if cell.in_region is None else str(int(cell.in_region))
        entries += [number, model, counted, cut_by_edge, in_region, origin, *_list_type_entries(cell)]
        status = _get_status(report, cell)
        entries += [status, ROW_STATUS_LABELS.get(status, status), " ".join(_list_reasons(report, model, cell))]
        entries += [" ".join(filter(None, (str(report.problem or ""), report.note)))]
        if mask_files is not None:
            entries.append(mask_files.get(cell, "") if cell else "")
        entries += [cell.subtype if cell else ""] if has_subtypes else []
        x, y = (cell.offset if cell else None) or ("", "")
        values = cell.features.to_units(pixel_size) if cell and cell.features else {}
        entries += [str(x), str(y), *(_format_number(values.get(name, math.nan)) for name in FEATURES)]
        dice, probabilities = (cell.dice, cell.type_probabilities) if cell else ({}, {})
        entries += [_format_number(dice.get(region, math.nan)) for region in dice_regions]
        return entries + [_format_number(probabilities.get(name, math.nan)) for name in types]

    rows = [header]
    for image_index, report in enumerate(reports, start=1):
        if not report.models:
            rows.append(build_row(image_index, report))
        for model, cells in report.iter_by_model():
            rows += [build_row(image_index, report, model, cell) for cell in cells or (None,)]
    return rows


def build_image_rows(results: Results, *, edge_rule: str = DEFAULT_EDGE_RULE) -> list[list[str]]:
    """Return the table of images with their counts of cells, header first.

    Each image has a row for each model that segmented it, and so has each file that could not be used. Images are
    numbered from 1, as in the table of cells.

    Args:
        results: Images, or the cells of each of them.
        edge_rule: Which of the cells cut by the image edge count, a key of :data:`wbcseg.counting.EDGE_RULES`.
    """
    rows = [["image_index", "image", "width", "height", "model", "edge_rule", "cells", "cells_cut_by_edge"]]
    rows[0] += ["cells_counted", "cells_counted_in_region", *(f"cells_{status}" for status in STATUSES), "note"]
    for image_index, report in enumerate(group_by_image(results), start=1):
        height, width = report.size or ("", "")
        image_entries = [str(image_index), report.name, str(width), str(height)]
        note = " ".join(filter(None, (str(report.problem or ""), report.note)))
        if not report.models:
            rows.append([*image_entries, *[""] * (len(rows[0]) - len(image_entries) - 1), note])
        for model, cells in report.iter_by_model():
            counts = count_cells(cells, edge_rule)
            has_region = any(cell.in_region is not None for cell in cells)
            in_region = count_cells((cell for cell in cells if cell.in_region), edge_rule).counted if has_region else ""
            statuses = [cell.status for cell in cells if cell.features is not None]
            numbers = [counts.detected, counts.cut_by_edge, counts.counted, in_region, *map(statuses.count, STATUSES)]
            model_note = note if cells else " ".join(filter(None, (EMPTY_FIELD_REASON, note)))
            rows.append([*image_entries, model, edge_rule, *map(str, numbers), model_note])
    return rows


def build_definition_rows(pixel_size: float | None = None, *, edge_rule: str = DEFAULT_EDGE_RULE) -> list[list[str]]:
    """Return a table that defines the measurements and statuses in the table of cells, header first.

    Args:
        pixel_size: Pixel size in µm, or ``None``.
        edge_rule: Which of the cells cut by the image edge count, a key of :data:`wbcseg.counting.EDGE_RULES`.
    """
    rule = get_edge_rule(edge_rule)
    rows = [
        ["counted", "", "Counted", f"1 if the cell counts, else 0. {rule.label}: {rule.description}"],
        ["cut_by_edge", "", "Cut by the image edge", CUT_BY_EDGE_DESCRIPTION],
        ["in_region", "", "In the region", IN_REGION_DESCRIPTION],
        ["origin", "model", "Detected", "The model detected the cell, and nobody changed it."],
        ["origin", "person", "Corrected", "A person added the cell, or split or merged cells."],
        ["type", "", "Type", "Type of the cell: a person's, else the type model's; empty if it has none."],
        ["type_origin", "", "Type by", "Who gave the type: model or person."],
        ["predicted_type", "", "Type by the model", "What the type model said; empty without a type model."],
        ["type_probability", "", "Probability of the type", "The type model's probability of the type, 0 to 1."],
    ]
    rows += [
        [format_column_name(name, pixel_size), "", spec.title, describe_feature(name, pixel_size)]
        for name, spec in FEATURES.items()
    ]
    rows += [[f"dice_{region}", "", f"Dice, {region}", DICE_DESCRIPTION] for region in REGIONS]
    rows += [
        ["status", status, ROW_STATUS_LABELS[status], description]
        for status, description in _STATUS_DESCRIPTIONS.items()
    ]
    return [["column", "value", "title", "definition"], *rows]


def describe_feature(name: str, pixel_size: float | None) -> str:
    """Return the definition of a measurement, with its unit.

    Args:
        name: A key of :data:`wbcseg.features.FEATURES`.
        pixel_size: Pixel size in µm, or ``None``.
    """
    spec = FEATURES[name]
    if not spec.power or pixel_size is None:
        return spec.description + {0: "", 1: " In pixels.", 2: " In square pixels."}[spec.power]
    exponent = "\u00b2" if spec.power == 2 else ""
    return f"{spec.description} In \u00b5m{exponent}; the pixel size is {pixel_size:g} \u00b5m."


def format_column_name(name: str, pixel_size: float | None) -> str:
    """Return a measurement's column name, including its unit, such as ``nucleus_area_px2``.

    Args:
        name: A key of :data:`wbcseg.features.FEATURES`.
        pixel_size: Pixel size in µm, or ``None`` for pixels.
    """
    power = FEATURES[name].power
    if not power:
        return name
    unit = "px" if pixel_size is None else "um"
    return f"{name}_{unit}{'2' if power == 2 else ''}"


def _list_type_entries(cell: CellResult | None) -> list[str]:
    """Return a cell's entries in the columns of its type; all are empty without a cell or a type."""
    if cell is None or cell.features is None or not cell.type:
        return [""] * len(_TYPE_COLUMNS)
    probability = cell.type_probabilities.get(cell.type, math.nan)
    return [cell.type, "person" if cell.assigned_type else "model", cell.predicted_type, _format_number(probability)]


def format_probability_column(cell_type: str) -> str:
    """Return the name of the column with the probability of a type, such as ``probability_neutrophil``."""
    return f"probability_{cell_type.replace(' ', '_')}"


def _get_status(report: ImageReport, cell: CellResult | None) -> str:
    if report.problem:
        return NOT_USED
    return cell.status if cell is not None and cell.features is not None else NO_CELL


def _list_reasons(report: ImageReport, model: str, cell: CellResult | None) -> tuple[str, ...]:
    """Return the reasons for a row's status."""
    if cell is not None:
        return cell.reasons
    return (EMPTY_FIELD_REASON,) if model and not report.problem else ()


def _format_number(value: float) -> str:
    return "" if math.isnan(value) else f"{value:.6g}"
