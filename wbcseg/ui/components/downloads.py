"""Download buttons for results: the measurements, a report, and everything in a zip."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from datetime import UTC, datetime
from typing import Final

import streamlit as st

from wbcseg.counting import DEFAULT_EDGE_RULE
from wbcseg.export import CELLS_FILE, DEFAULT_FORMATS, EXPORT_FORMATS, build_cell_rows, build_results_zip, encode_csv
from wbcseg.inference import ModelEntry
from wbcseg.io import PageChoice
from wbcseg.results import Results, group_by_image
from wbcseg.ui.components.pixel_size import CURRENT_PIXEL_SIZE
from wbcseg.ui.counting import EDGE_RULE_KEY
from wbcseg.ui.state import get_saved_choices, restore_widget, save_widget

_FORMATS_KEY: Final = "export_formats"
_DECIMAL_COMMA_KEY: Final = "csv_decimal_comma"


def show_download_buttons(
    get_results: Callable[[], Results],
    entries: Mapping[str, ModelEntry],
    *,
    tta: bool,
    page: PageChoice = None,
    second_entry: ModelEntry | None = None,
    reading_context: Callable[[], AbstractContextManager[None]] = nullcontext,
) -> None:
    """Show buttons to download results.

    Files are built on the click, with the pixel size, the edge rule and the formats that are set then.

    Args:
        get_results: Returns the images with their cells, or the cells alone.
        entries: The models by name.
        tta: Whether test-time averaging was used.
        page: The page that was read from TIFF files, from 0.
        second_entry: The model that gave a second opinion, or ``None``.
        reading_context: Entered while images are read one by one.
    """
    # Taken along, because a click does not run the page.
    choices = get_saved_choices()

    def get_pixel_size() -> float | None:
        return choices.get(CURRENT_PIXEL_SIZE)

    def get_rule() -> str:
        return str(choices.get(EDGE_RULE_KEY, DEFAULT_EDGE_RULE))

    def build_report(results: Results) -> bytes:
        settings = _list_settings(results, entries, tta, page, second_entry)
        with reading_context():
            return _build_report(results, settings, get_pixel_size(), get_rule())

    def build_csv() -> bytes:
        rows = build_cell_rows(get_results(), pixel_size=get_pixel_size(), edge_rule=get_rule())
        return encode_csv(rows, decimal_comma=choices.get(_DECIMAL_COMMA_KEY, False))

    def build_zip() -> bytes:
        results = get_results()
        with reading_context():
            report = build_report(results)
            return build_results_zip(
                results,
                pixel_size=get_pixel_size(),
                edge_rule=get_rule(),
                formats=choices.get(_FORMATS_KEY, DEFAULT_FORMATS),
                report=report,
            )

    restore_widget(_DECIMAL_COMMA_KEY, False)
    st.toggle(
        "Decimal comma",
        key=_DECIMAL_COMMA_KEY,
        on_change=save_widget,
        args=(_DECIMAL_COMMA_KEY,),
        help="Write numbers in the CSV with a decimal comma and separate columns by semicolons, as spreadsheets expect "
        "in many countries.",
    )
    st.download_button(
        "Download measurements (CSV)",
        build_csv,
        CELLS_FILE,
        "text/csv",
        icon=":material/table:",
        on_click="ignore",
    )
    st.download_button(
        "Download report (PDF)",
        lambda: build_report(get_results()),
        "report.pdf",
        "application/pdf",
        icon=":material/picture_as_pdf:",
        on_click="ignore",
    )
    st.download_button(
        "Download all (zip)",
        build_zip,
        "results.zip",
        "application/zip",
        icon=":material/folder_zip:",
        on_click="ignore",
        help="Masks, overlays, the cells in the chosen formats, all measurements as CSV, the report.",
    )
    _select_formats()


def _select_formats() -> None:
    """Ask for the formats of the cells in the zip."""
    restore_widget(_FORMATS_KEY, list(DEFAULT_FORMATS))
    with st.popover("Formats", icon=":material/tune:"):
        st.pills(
            "Cells in the zip",
            list(EXPORT_FORMATS),
            selection_mode="multi",
            format_func=lambda name: EXPORT_FORMATS[name].label,
            key=_FORMATS_KEY,
            on_change=save_widget,
            args=(_FORMATS_KEY,),
        )
        for export_format in EXPORT_FORMATS.values():
            st.caption(f"**{export_format.label}**: {export_format.description}")


def _list_settings(
    results: Results, entries: Mapping[str, ModelEntry], tta: bool, page: PageChoice, second_entry: ModelEntry | None
) -> list[tuple[str, str]]:
    """Return how the results were computed, for the report."""
    model_names = dict.fromkeys(model for image in group_by_image(results) for model in image.models)
    settings = [("Model", _describe_model(entries[name])) for name in model_names]
    settings += [("Second opinion", _describe_model(second_entry))] if second_entry else []
    settings.append(("Prediction", "test-time averaging" if tta else "single pass"))
    return [*settings, ("TIFF page", str(page + 1))] if isinstance(page, int) and page else settings


def _describe_model(entry: ModelEntry) -> str:
    _, checksum = entry.key
    return f"{entry.name}: {entry.title}, file {checksum[:8]}, created {entry.card.created[:10]}"


def _build_report(
    results: Results, settings: Sequence[tuple[str, str]], pixel_size: float | None, edge_rule: str
) -> bytes:
    # Imported here, because no other page needs the PDF library.
    from wbcseg.export.pdf import build_pdf_report

    return build_pdf_report(
        results, date=datetime.now(UTC), settings=settings, pixel_size=pixel_size, edge_rule=edge_rule
    )
