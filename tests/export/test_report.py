"""The report as a person reads it: its summary, its rows, and what they say of types."""

from __future__ import annotations

import io
import logging
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from cells_with_types import make_cell
from pypdf import PdfReader

from wbcseg.export.glyphs import find_unprintable
from wbcseg.export.pdf import ReportDetails, build_pdf_report
from wbcseg.results import CellFeatures, CellResult, ImageReport

WHEN = datetime(2026, 11, 29, 9, 30, tzinfo=UTC)
FEATURES = {"cell_area": 1234.5, "nucleus_area": 600.0, "nucleus_to_cell": 0.486, "nucleus_lobes": 3.0}


def make_typed(index: int, predicted: str = "neutrophil", assigned: str = "", **more: object) -> CellResult:
    probabilities = {"neutrophil": 0.84, "monocyte": 0.12, "lymphocyte": 0.04}
    cell = replace(make_cell(predicted, assigned), type_probabilities=probabilities, image_name=f"Jane Doe {index}.png")
    return replace(cell, features=CellFeatures(FEATURES), **more)  # type: ignore[arg-type]


def make_reports(cells: list[CellResult]) -> list[ImageReport]:
    return [ImageReport(cell.image_name, (4, 4), (cell,), ("m",)) for cell in cells]


def pages_of(cells: list[CellResult], details: ReportDetails | None = None, **more: object) -> list[str]:
    data = build_pdf_report(make_reports(cells), date=WHEN, settings=[("Model", "m")], details=details, **more)  # type: ignore[arg-type]
    return [page.extract_text() for page in PdfReader(io.BytesIO(data)).pages]


def test_the_summary_has_the_differential_count_with_its_intervals() -> None:
    summary = pages_of([make_typed(n) for n in range(5)] + [make_typed(n, "lymphocyte") for n in range(5, 100)])[0]
    assert "Not a medical device" in summary
    # Wilson, for 5 of 100.
    assert "Neutrophil 5 5.0 2.2 to 11.2" in summary
    assert "100 % are 100 white cells with a type." in summary
    assert "Median 0.486" in summary
    assert "2026-11-29 09:30 UTC" in summary


def test_a_row_says_the_type_its_probability_and_who_gave_it() -> None:
    cells = [
        make_typed(0, subtype="band neutrophil"),
        make_typed(1, assigned="monocyte"),
        make_typed(2, "unsure"),
        make_typed(3, "unsure", "lymphocyte", origin="person"),
        make_typed(4, "", status="review", reasons=("Image blurred.",)),
    ]
    text = "\n".join(pages_of(cells))
    assert "Neutrophil, 84 %\nband neutrophil" in text
    assert "Monocyte\nfiled by a person\nmodel: neutrophil 84 %" in text
    assert "Unsure\nperhaps neutrophil 84 %" in text
    assert "Lymphocyte\nfiled by a person\nmodel: unsure, neutrophil 84 %\nCorrected by a person" in text
    assert "Image blurred." in text
    assert "A person filed 2 cells, 2 of them under another type than the model." in text
    assert text.count("1234 px²") == 0
    assert text.count("1234") >= 5


def test_a_page_has_at_least_eight_cells() -> None:
    rows = [page.count("Nucleus/cell") for page in pages_of([make_typed(n) for n in range(40)])]
    assert max(rows) >= 8
    assert sum(rows) == 40


def test_one_cell_needs_no_page_of_its_own_and_without_types_there_is_no_count() -> None:
    pages = pages_of([replace(make_typed(0), predicted_type="", type_probabilities={})])
    assert len(pages) == 2
    assert "Image 1" in pages[0]
    assert "Differential" not in pages[0]
    assert "Cell types" not in pages[1]


def test_numbers_may_have_a_decimal_comma() -> None:
    text = "\n".join(pages_of([make_typed(n) for n in range(6)], ReportDetails(decimal_comma=True), pixel_size=0.1))
    assert "0,486" in text
    assert "0,1 µm/pixel" in text
    assert "Neutrophil 6 100,0 61,0 to 100,0" in text
    assert "0.486" not in text


def test_what_a_person_adds_and_image_names_are_in_it() -> None:
    assert "Doe" not in "\n".join(pages_of([make_typed(0)], ReportDetails(with_image_names=False)))
    details = ReportDetails("S 12", "Łukasz Ωμέγα", "First line.\nSecond line.")
    text = "\n".join(pages_of([make_typed(n) for n in range(30)], details))
    for expected in ("S 12", "Łukasz Ωμέγα", "First line.\nSecond line.", "Jane Doe 7.png"):
        assert expected in text


def test_letters_that_the_font_lacks_are_known_and_counted() -> None:
    assert find_unprintable(["Łukasz Ωμέγα Жанна ñ", "plain.png"]) == ""
    assert find_unprintable(["検査.png", "査 å"]) == "検査"
    text = "\n".join(pages_of([replace(make_typed(0), image_name="検査 7.png")]))
    assert "2 letters" in text
    assert "\N{REPLACEMENT CHARACTER}" * 2 + " 7.png" in text
    assert "letters" not in pages_of([make_typed(0)])[0]


@pytest.mark.parametrize("text", ["x" * 400, "検査 \u202e\x00\ud800", "(a) \\ <b> {nb} **c** --d--"])
def test_odd_and_long_texts_are_shown_and_not_logged(text: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    cell = replace(make_typed(0), image_name=text)
    pages = pages_of([cell], ReportDetails(text[:120], text[:120], text * 5, with_image_names=True))
    assert len(pages) == 2
    assert not [
        record for record in caplog.records if any(word in record.getMessage() for word in ("xxx", "検", "(a)"))
    ]


def test_samples_have_their_own_tables() -> None:
    cells = [make_typed(n) for n in range(2)]
    text = pages_of(cells, samples={cells[0].image_name: "Anna", cells[1].image_name: "Ben"})[0]
    assert "Differential count: Anna" in text
    assert "Differential count: Ben" in text
