"""Tables of measurements: of many images and cells, a row for each, and of a single cell, a row per measurement."""

from __future__ import annotations

import base64
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Final

from wbcseg.errors import Problem
from wbcseg.export import format_mean_dice
from wbcseg.features import CellFeatures
from wbcseg.io import format_display_name
from wbcseg.pipeline import ImageResult
from wbcseg.pipeline.merge import describe_edits
from wbcseg.quality import OK, format_counts
from wbcseg.results import CellResult
from wbcseg.ui.components import quality_badges
from wbcseg.ui.formatting import (
    MISSING_TEXT,
    format_cell_count,
    format_feature,
    format_feature_label,
    format_mean_colour,
    pluralise,
)

DISPLAYED_FEATURES: Final = (
    *("nucleus_area", "cytoplasm_area", "cell_area", "nucleus_to_cell", "nucleus_to_cytoplasm"),
    *("cell_perimeter", "nucleus_perimeter", "cell_circularity"),
    *("nucleus_solidity", "nucleus_eccentricity", "nucleus_lobes"),
)
"""The measurements in the table, besides mean colours and whether the cell touches the edge; downloads have all."""

EDGE_FEATURE: Final = "touches_edge"
COLOURED_PARTS: Final = ("nucleus", "cytoplasm")
"""Parts of a cell whose mean colour is measured."""

TABLE_FEATURES: Final = {
    "nucleus_to_cell": "Nuclear fraction",
    "nucleus_area": "Nucleus area",
    "cell_area": "Cell area",
    "nucleus_lobes": "Lobes",
}
"""Measurements in the table, with short titles; downloads have all of them."""

DICE_TITLES: Final = {"nucleus": "Dice nucleus", "cytoplasm": "Dice cytoplasm", "cell": "Dice cell"}

_WIDE_CSS: Final = """
.cells { overflow-x: auto; width: 100%; container-type: inline-size; }
.cells:focus-visible { outline: 2px solid currentColor; outline-offset: 2px; }
.cells table { border-collapse: collapse; width: 100%; margin: 0; font-size: 0.9rem; line-height: 1.35; }
.cells caption { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%);
  white-space: nowrap; }
.cells th, .cells td { padding: 0.25rem 0.75rem; border: 0; text-align: right; vertical-align: middle;
  border-bottom: 1px solid color-mix(in srgb, currentColor 16%, transparent); font-variant-numeric: tabular-nums;
  white-space: nowrap; }
.cells thead th { font-weight: 600; vertical-align: bottom; white-space: normal; min-width: 4.2rem; }
.cells thead th:first-child { padding-left: 0; }
.cells tbody th { font-weight: 400; }
.cells .text { text-align: left; white-space: normal; }
.cells .name { min-width: 9rem; overflow-wrap: anywhere; }
.cells .name > div { max-width: min(44rem, calc(100vw - 8rem)); }
.cells .thumb { width: 48px; min-width: 48px; height: 54px; padding: 0.2rem 0; }
.cells .thumb img { display: block; margin: 0 auto; max-width: 48px; max-height: 48px; border-radius: 4px; }
.cells .status { min-width: 10rem; max-width: 20rem; }
.cells .of-field .name { padding-left: 2rem; }
.cells small { display: block; font-size: 0.8rem; opacity: 0.85; }
.cells b { font-weight: 600; }
.cells .number { opacity: 0.85; font-variant-numeric: tabular-nums; margin-right: 0.35em; }
"""
"""Colours are derived from the text colour, so that they suit every theme."""

_NARROW_CSS: Final = """
.cells thead { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
.cells table, .cells tbody { display: block; }
.cells tbody tr { display: grid; grid-template-columns: 48px minmax(0, 5fr) minmax(0, 6fr); gap: 0.1rem 1rem;
  align-items: baseline; padding: 0.5rem 0;
  border-bottom: 1px solid color-mix(in srgb, currentColor 16%, transparent); }
.cells tbody th, .cells tbody td { border: 0; padding: 0; }
.cells tbody .thumb { grid-row: 1 / span 8; align-self: start; height: auto; padding: 0; }
.cells tbody tr .name, .cells tbody tr.of-field .name, .cells tbody tr .type, .cells tbody tr .status {
  grid-column: 2 / -1; min-width: 0; max-width: none; padding: 0; }
.cells tbody .name > div { max-width: none; font-weight: 600; }
.cells tbody .name small { font-weight: 400; }
.cells td[data-title] { display: flex; justify-content: space-between; gap: 0.4rem; font-size: 0.85rem; }
.cells td[data-title]::before { content: attr(data-title); text-align: left; white-space: normal; opacity: 0.85; }
"""
"""On a phone, a row is a block: its measurements are below its name, each beside its title."""

STYLE_HTML: Final = f"<style>{_WIDE_CSS}{quality_badges.CSS}@container (max-width: 640px) {{{_NARROW_CSS}}}</style>"


@dataclass(frozen=True, eq=False)
class Row:
    """A row of the table.

    Attributes:
        result: The result for the image.
        cell: The cell, or ``None`` if the row is for the image as a whole.
        thumbnail: A small PNG, or ``None``.
        image_index: Number of the image, from 1, as in the downloads; 0 where images are not numbered.
    """

    result: ImageResult
    cell: CellResult | None
    thumbnail: bytes | None
    image_index: int = 0

    @property
    def title(self) -> str:
        """Its title in a list."""
        name = format_display_name(self.result.name)
        return f"{name}, cell {self.cell.cell_index}" if self.cell and self.cell.cell_index else name


def build_rows(results: Sequence[ImageResult], *, numbered: bool = False) -> list[Row]:
    """Return the rows of the table, in order.

    Args:
        results: The result for each image.
        numbered: Whether to number the images.
    """
    rows = []
    for position, result in enumerate(results, start=1):
        image_index = position if numbered else 0
        thumbnails = list(result.thumbnails)
        if result.is_field_of_view or not result.cells:
            rows.append(Row(result, None, thumbnails.pop(0) if thumbnails else None, image_index))
        rows += [Row(result, cell, png, image_index) for cell, png in zip(result.cells, thumbnails, strict=True)]
    return rows


def select_rows_to_review(rows: Sequence[Row]) -> list[Row]:
    """Return the rows that need attention: cells whose status is not OK, and files and masks that were not used."""
    flagged = []
    for row in rows:
        status = row.cell.status if row.cell else row.result.status
        if status not in ("", OK) or row.result.problem or (row.result.mask_problem and _is_image_row(row)):
            flagged.append(row)
    return flagged


def render_table_html(
    rows: Sequence[Row], all_rows: Sequence[Row], pixel_size: float | None, caption: str, *, with_name: bool = True
) -> str:
    """Return rows as an HTML table.

    Args:
        rows: The rows to show.
        all_rows: All rows; they determine the columns.
        pixel_size: Pixel size in µm, or ``None``.
        caption: The table's caption for screen readers.
        with_name: Whether a cell shows the name of its field of view if that is not in the row above.
    """
    with_status = any(row.cell and row.cell.status for row in all_rows)
    with_type = any(row.cell and row.cell.type for row in all_rows)
    regions = [region for region in DICE_TITLES if any(row.cell and region in row.cell.dice for row in all_rows)]
    unit = "px²" if pixel_size is None else "µm²"
    titles = {name: f"{title} ({unit})" if name.endswith("_area") else title for name, title in TABLE_FEATURES.items()}
    titles |= {region: DICE_TITLES[region] for region in regions}
    header_cells = [_render_header_cell("Image", "text", span=2)]
    header_cells += [_render_header_cell("Type", "text")] if with_type else []
    header_cells += [_render_header_cell("Quality check", "text")] if with_status else []
    header_cells += [_render_header_cell(title) for title in titles.values()]
    body_rows = []
    for index, row in enumerate(rows):
        is_new = index == 0 or rows[index - 1].result is not row.result
        body_rows.append(
            _render_row(
                row, titles, pixel_size, with_type=with_type, with_status=with_status, with_name=with_name and is_new
            )
        )
    return (
        f'{STYLE_HTML}<div class="cells" role="region" tabindex="0" aria-label="{escape(caption)}"><table>'
        f"<caption>{escape(caption)}</caption><thead><tr>{''.join(header_cells)}</tr></thead>"
        f"<tbody>{''.join(body_rows)}</tbody></table></div>"
    )


def summarize_results(results: Sequence[ImageResult]) -> tuple[str, str]:
    """Return a short summary of the results and its details, both as plain text."""
    readable = [result for result in results if result.size is not None]
    all_cells = [cell_result for result in readable for cell_result in result.cells]
    detected = [cell_result for cell_result in all_cells if cell_result.features is not None]
    parts = []
    empty_count = sum(1 for result in readable if not any(cell_result.features for cell_result in result.cells))
    if empty_count:
        parts.append(f"{empty_count} without a white blood cell")
    if len(readable) < len(results):
        parts.append(f"{len(results) - len(readable)} could not be read")
    status_text, dice_text = format_counts([cell.status for cell in detected]), format_mean_dice(all_cells)
    parts += [status_text] if status_text else []
    parts += [f"mean Dice {dice_text}"] if dice_text else []
    return f"{pluralise(len(readable), 'image')}, {pluralise(len(detected), 'cell')}", "; ".join(parts)


def _render_row(
    row: Row,
    titles: Mapping[str, str],
    pixel_size: float | None,
    *,
    with_type: bool,
    with_status: bool,
    with_name: bool,
) -> str:
    result, cell = row.result, row.cell
    thumbnail_cell = f'<td class="thumb">{_render_thumbnail(row)}</td>'
    if cell is None or cell.features is None:
        # Over all columns, so that it is legible on a phone without scrolling.
        return f"<tr>{thumbnail_cell}{_render_name(row, span=len(titles) + with_type + with_status + 1)}</tr>"
    value_cells = [f'<td class="text type">{_render_type(cell)}</td>'] if with_type else []
    value_cells += [f'<td class="text status">{_render_status(cell)}</td>'] if with_status else []
    for name, title in titles.items():
        text = _format_dice(cell.dice, name) if name in DICE_TITLES else format_feature(name, cell.features, pixel_size)
        value_cells.append(f'<td data-title="{escape(title)}">{escape(text)}</td>')
    class_attribute = ' class="of-field"' if result.is_field_of_view else ""
    return f"<tr{class_attribute}>{thumbnail_cell}{_render_name(row, with_name=with_name)}{''.join(value_cells)}</tr>"


def _render_name(row: Row, *, span: int = 1, with_name: bool = True) -> str:
    result, cell = row.result, row.cell
    title, name = f' title="{escape(result.name)}"', escape(format_display_name(result.name)).replace("/", "/<wbr>")
    if cell is not None and cell.cell_index:
        # The row of the field of view has the rest.
        name, notes = f"Cell {cell.cell_index}", [name] if with_name else []
        notes += ["added or changed by hand"] if cell.origin == "person" else []
    else:
        name = f'<span class="number">{row.image_index}</span> {name}' if row.image_index else name
        notes = [escape(notice) for notice in (*result.notices, describe_edits(result.edits)) if notice]
        notes += [_render_mask_problem(result)] if result.mask_problem else []
    if cell is None or cell.features is None:
        notes.insert(0, _render_missing(row))
    notes_html = "".join(f"<small>{note}</small>" for note in notes)
    colspan = f' colspan="{span}"' if span > 1 else ""
    return f'<th scope="row" class="text name"{colspan}{title}><div>{name}{notes_html}</div></th>'


def _render_missing(row: Row) -> str:
    """Return why a row has no measurements."""
    result, cell = row.result, row.cell
    if result.problem:
        return f"<b>Could not be read.</b> {escape(_format_reason(result.problem))}"
    if cell is None and result.status:
        return f"{quality_badges.render_status_html(result.status)} {escape(result.message)}"
    if cell is None:
        return f"Field of view: {format_cell_count(len(result.cells))}"
    # That no cell was found is the reason for the status.
    status = f" {quality_badges.render_status_html(cell.status)}" if cell.status else ""
    return f"<b>No white blood cell found.</b>{status}"


def _render_mask_problem(result: ImageResult) -> str:
    return f"<b>Mask not used.</b> {escape(_format_reason(result.mask_problem))}" if result.mask_problem else ""


def _format_reason(problem: Problem) -> str:
    """Return why a file was not used; the row names the file already."""
    return problem.text_without_names or str(problem)


def _is_image_row(row: Row) -> bool:
    """Return whether the row is the one with the notices of its image."""
    return row.cell is None or row.cell.cell_index == 0


def _render_thumbnail(row: Row) -> str:
    if row.thumbnail is None:
        return ""
    data = base64.b64encode(row.thumbnail).decode()
    return f'<img src="data:image/png;base64,{data}" alt="{escape(row.title)} with overlay">'


def _render_type(cell: CellResult) -> str:
    """Return a cell's type, and how probable it is or that a person gave it."""
    if not cell.type:
        return MISSING_TEXT
    note = "filed by a person" if cell.assigned_type else ""
    if not note and cell.type_probabilities:
        likeliest = max(cell.type_probabilities, key=cell.type_probabilities.__getitem__)
        note = f"{'' if likeliest == cell.type else likeliest} {100 * cell.type_probabilities[likeliest]:.0f} %"
    return f"{escape(cell.type.capitalize())}{f'<small>{escape(note)}</small>' if note else ''}"


def _render_status(cell: CellResult) -> str:
    reasons = "".join(f"<small>{escape(reason)}</small>" for reason in cell.reasons)
    return f"{quality_badges.render_status_html(cell.status) if cell.status else ''}{reasons}"


def _format_dice(scores: Mapping[str, float], region: str) -> str:
    value = scores.get(region, math.nan)
    return MISSING_TEXT if math.isnan(value) else f"{value:.3f}"


def _render_header_cell(text: str, css_class: str = "", span: int = 1) -> str:
    colspan = f' colspan="{span}"' if span > 1 else ""
    return f'<th scope="col"{colspan} class="{css_class}">{escape(text)}</th>'


def build_feature_table(all_features: Sequence[CellFeatures | None], pixel_size: float | None) -> list[list[str]]:
    """Return the measurements of cells as table rows in Markdown: a title, and the value of each cell.

    Args:
        all_features: The measurements of each cell; ``None`` where no cell was found.
        pixel_size: Pixel size in µm, or ``None``.
    """

    def build_row(name: str) -> list[str]:
        values = [format_feature(name, features, pixel_size) for features in all_features]
        return [format_feature_label(name, pixel_size), *values]

    colour_rows = [
        [f"Mean {part} colour (RGB)", *(format_mean_colour(part, features) for features in all_features)]
        for part in COLOURED_PARTS
    ]
    return [*map(build_row, DISPLAYED_FEATURES), *colour_rows, build_row(EDGE_FEATURE)]
