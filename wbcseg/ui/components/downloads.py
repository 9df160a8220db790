"""Download buttons for results: the measurements, a workbook, a report, and everything in a zip."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from datetime import UTC, datetime
from typing import Any, Final

import streamlit as st

from wbcseg.celltypes import PriorName
from wbcseg.counting import DEFAULT_EDGE_RULE
from wbcseg.errors import ConfigError
from wbcseg.export import (
    CELLS_FILE,
    DEFAULT_FORMATS,
    EXPORT_FORMATS,
    WORKBOOK_FILE,
    build_cell_rows,
    build_results_zip,
    build_workbook,
    describe_type_model,
    encode_csv,
)
from wbcseg.export.glyphs import REPLACEMENT, find_unprintable
from wbcseg.inference import ModelEntry
from wbcseg.io import PageChoice
from wbcseg.results import Results, group_by_image
from wbcseg.ui.components.pixel_size import CURRENT_PIXEL_SIZE
from wbcseg.ui.counting import EDGE_RULE_KEY
from wbcseg.ui.formatting import escape_markdown
from wbcseg.ui.state import get_saved_choices, restore_widget, save_widget
from wbcseg.ui.workbench.samples import find_samples

_FORMATS_KEY: Final = "export_formats"
_DECIMAL_COMMA_KEY: Final = "csv_decimal_comma"
_DETAIL_KEYS: Final = {name: f"report_{name}" for name in ("sample", "operator", "note", "with_image_names")}
"""Keys of what a person adds to the report."""

_MEDIA_TYPES: Final = {
    ".csv": "text/csv",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    ".pdf": "application/pdf",
    ".zip": "application/zip",
}
"""Media types by the last four characters of a file name."""

MAX_LINE: Final = 120
MAX_NOTE: Final = 1000
"""Characters of what a person adds."""

MAX_LISTED: Final = 40
"""Most letters that are listed because the report cannot print them."""


def show_download_buttons(
    get_results: Callable[[], Results],
    entries: Mapping[str, ModelEntry],
    *,
    tta: bool,
    page: PageChoice = None,
    second_entry: ModelEntry | None = None,
    prior: PriorName | None = None,
    image_names: Sequence[str] = (),
    reading_context: Callable[[], AbstractContextManager[None]] = nullcontext,
) -> None:
    """Show buttons to download results.

    Files are built on the click, with the pixel size, the edge rule, the samples and the formats that are set then.

    Args:
        get_results: Returns the images with their cells, or the cells alone.
        entries: The models by name.
        tta: Whether test-time averaging was used.
        page: The page that was read from TIFF files, from 0.
        second_entry: The model that gave a second opinion, or ``None``.
        prior: How common the types were taken to be; ``None`` without a type model.
        image_names: Names of the images, as the report has them.
        reading_context: Entered while images are read one by one.
    """
    # Taken along, because a click does not run the page.
    choices = get_saved_choices()

    def get_settings(results: Results) -> dict[str, Any]:
        return {
            "pixel_size": choices.get(CURRENT_PIXEL_SIZE),
            "edge_rule": str(choices.get(EDGE_RULE_KEY, DEFAULT_EDGE_RULE)),
            "samples": _find_samples(results, choices),
        }

    def build_report(results: Results) -> bytes:
        made_with = _list_settings(results, entries, tta, page, second_entry, prior)
        with reading_context():
            return _build_report(results, made_with, choices, get_settings(results))

    def build_csv() -> bytes:
        results = get_results()
        settings = get_settings(results)
        rows = build_cell_rows(results, pixel_size=settings["pixel_size"], edge_rule=settings["edge_rule"])
        return encode_csv(rows, decimal_comma=uses_decimal_comma(choices))

    def build_xlsx() -> bytes:
        results = get_results()
        return build_workbook(results, **get_settings(results))

    def build_zip() -> bytes:
        results = get_results()
        with reading_context():
            return build_results_zip(
                results,
                formats=choices.get(_FORMATS_KEY, DEFAULT_FORMATS),
                report=build_report(results),
                decimal_comma=uses_decimal_comma(choices),
                **get_settings(results),
            )

    select_decimal_comma()
    _show_button("Download measurements (CSV)", build_csv, CELLS_FILE, ":material/table:")
    _show_button(
        "Download workbook (XLSX)",
        build_xlsx,
        WORKBOOK_FILE,
        ":material/table_view:",
        help="Sheets of cells, images, the differential count, and what needs a look.",
    )
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        _show_button(
            "Download report (PDF)", lambda: build_report(get_results()), "report.pdf", ":material/picture_as_pdf:"
        )
        _select_image_names()
        _ask_report_details()
    _warn_unprintable(image_names, choices)
    _show_button(
        "Download all (zip)",
        build_zip,
        "results.zip",
        ":material/folder_zip:",
        help="Masks, overlays, the cells in the chosen formats, all tables as CSV and XLSX, the report.",
    )
    _select_formats()


def _show_button(label: str, build: Callable[[], bytes], name: str, icon: str, **more: str) -> None:
    st.download_button(label, build, name, _MEDIA_TYPES[name[-4:]], icon=icon, on_click="ignore", **more)  # type: ignore[arg-type]


def _select_image_names() -> None:
    """Ask whether the report names the images."""
    key = _DETAIL_KEYS["with_image_names"]
    restore_widget(key, True)
    st.toggle(
        "Image names in the report",
        key=key,
        on_change=save_widget,
        args=(key,),
        help="Names of files can hold a patient's name. Without them, the report has only the numbers of the images, "
        "as in the table.",
    )


def _warn_unprintable(image_names: Sequence[str], choices: Mapping[str, Any]) -> None:
    """Say which letters the report cannot print."""
    details = _get_details(choices)
    names = image_names if details["with_image_names"] else ()
    letters = find_unprintable([*names, details["sample"], details["operator"], details["note"]])
    if letters:
        listed = escape_markdown(" ".join(letters[:MAX_LISTED])) + (" …" if len(letters) > MAX_LISTED else "")
        st.warning(
            f"The report's font lacks these letters, and shows {REPLACEMENT} for each: {listed}. Tables (CSV, XLSX) "
            "have them.",
            icon=":material/font_download_off:",
        )


def _ask_report_details() -> None:
    """Ask for what a person adds to the report. It goes into the report only."""
    with st.popover("Report details", icon=":material/edit_note:"):
        for name, label in (("sample", "Sample"), ("operator", "Operator")):
            key = _DETAIL_KEYS[name]
            restore_widget(key, "")
            st.text_input(label, key=key, max_chars=MAX_LINE, on_change=save_widget, args=(key,))
        key = _DETAIL_KEYS["note"]
        restore_widget(key, "")
        st.text_area("Note", key=key, max_chars=MAX_NOTE, on_change=save_widget, args=(key,))
        st.caption("This goes into the report that you download, and nowhere else.")


def _find_samples(results: Results, choices: Mapping[str, Any]) -> dict[str, str]:
    """Return the sample of each image; none if the pattern of names cannot be used, which the page says."""
    with contextlib.suppress(ConfigError):
        return find_samples([report.name for report in group_by_image(results)], choices)
    return {}


def select_decimal_comma() -> None:
    """Ask how numbers in tables are written."""
    restore_widget(_DECIMAL_COMMA_KEY, False)
    st.toggle(
        "Decimal comma",
        key=_DECIMAL_COMMA_KEY,
        on_change=save_widget,
        args=(_DECIMAL_COMMA_KEY,),
        help="Write numbers in CSV files with a decimal comma and separate columns by semicolons, as spreadsheets "
        "expect in many countries.",
    )


def uses_decimal_comma(choices: Mapping[str, Any]) -> bool:
    """Return whether numbers in tables have a decimal comma.

    Args:
        choices: The saved choices; see :func:`wbcseg.ui.state.get_saved_choices`.
    """
    return bool(choices.get(_DECIMAL_COMMA_KEY, False))


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
    results: Results,
    entries: Mapping[str, ModelEntry],
    tta: bool,
    page: PageChoice,
    second_entry: ModelEntry | None,
    prior: PriorName | None = None,
) -> list[tuple[str, str]]:
    """Return how the results were computed, for the report."""
    model_names = dict.fromkeys(model for image in group_by_image(results) for model in image.models)
    settings = [("Model", _describe_model(entries[name])) for name in model_names]
    settings += [("Second opinion", _describe_model(second_entry))] if second_entry else []
    settings.append(("Prediction", "test-time averaging" if tta else "single pass"))
    settings += describe_type_model(prior) if prior else []
    return [*settings, ("TIFF page", str(page + 1))] if isinstance(page, int) and page else settings


def _describe_model(entry: ModelEntry) -> str:
    _, checksum = entry.key
    return f"{entry.name}: {entry.title}, file {checksum[:8]}, created {entry.card.created[:10]}"


def _build_report(
    results: Results, made_with: Sequence[tuple[str, str]], choices: Mapping[str, Any], settings: Mapping[str, Any]
) -> bytes:
    # Imported here, because no other page needs the PDF library.
    from wbcseg.export.pdf import ReportDetails, build_pdf_report

    details = ReportDetails(**_get_details(choices), decimal_comma=uses_decimal_comma(choices))
    return build_pdf_report(results, date=datetime.now(UTC), settings=made_with, details=details, **settings)


def _get_details(choices: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a person added to the report, as fields of :class:`wbcseg.export.pdf.ReportDetails`."""
    texts = {name: str(choices.get(_DETAIL_KEYS[name], "")) for name in ("sample", "operator", "note")}
    return {**texts, "with_image_names": bool(choices.get(_DETAIL_KEYS["with_image_names"], True))}
