"""The workbook: its sheets, numbers as numbers, and text that stays text."""

from __future__ import annotations

import io
import zipfile
from dataclasses import replace

import pytest
from cells_with_types import PIXELS, make_cell
from spreadsheets import read_records, read_workbook

from wbcseg.errors import Problem
from wbcseg.export import build_cell_rows, build_results_zip, build_workbook
from wbcseg.export.csv import TEXT_COLUMNS
from wbcseg.results import CellFeatures, CellResult, ImageReport

FORMULAS = ("=1+1", "+1", "-2", "@SUM(A1)", "=HYPERLINK(A1)", "http://example.org", "3.14", "{=1}")


def make_reports() -> list[ImageReport]:
    typed = replace(make_cell("neutrophil"), type_probabilities={"neutrophil": 0.876543})
    features = CellFeatures({"cell_area": 1234.5678, "nucleus_to_cell": 0.123456})
    first = replace(typed, features=features, image_name="a.png", cell_index=1, offset=(0, 0))
    cells = (first, replace(make_cell("monocyte", "basophil"), cell_index=2, offset=(0, 0)))
    nothing = CellResult("b.png", lambda: PIXELS, "m", None, (4, 4))
    problem = Problem("Image c.png could not be read.", "c.png")
    return [
        ImageReport("a.png", (4, 4), cells, ("m",)),
        ImageReport("b.png", (4, 4), (nothing,), ("m",)),
        ImageReport("c.png", None, problem=problem),
    ]


def test_its_sheets_say_the_same_as_the_csv_files() -> None:
    sheets = read_workbook(build_workbook(make_reports()))
    assert list(sheets) == ["cells", "images", "differential", "problems", "definitions"]
    header, *rows = build_cell_rows(make_reports())
    assert sheets["cells"][0] == header
    for row, written in zip(rows, sheets["cells"][1:], strict=True):
        for column, text, value in zip(header, row, written, strict=False):
            if text and column not in TEXT_COLUMNS and text.replace(".", "").isdigit():
                assert value == pytest.approx(float(text))
            else:
                assert value == text
    counts = {row["type"]: row["count"] for row in read_records(build_workbook(make_reports()), "differential")}
    assert (counts["neutrophil"], counts["basophil"], counts["monocyte"]) == (1, 1, 0)
    assert [row["status"] for row in read_records(build_workbook(make_reports()), "problems")] == [
        "no_cell",
        "not_used",
    ]


def test_numbers_are_shown_with_sensible_digits() -> None:
    with zipfile.ZipFile(io.BytesIO(build_workbook(make_reports()))) as archive:
        styles = archive.read("xl/styles.xml").decode()
    assert 'formatCode="0.000"' in styles
    assert 'formatCode="0.0"' in styles


@pytest.mark.parametrize("name", FORMULAS)
def test_text_from_outside_is_no_formula_no_link_and_no_number(name: str) -> None:
    cell = replace(make_cell("neutrophil"), image_name=name, reasons=(name,))
    report = ImageReport(name, (4, 4), (cell,), ("m",), note=name)
    data = build_workbook([report], samples={name: name})
    (row,) = read_records(data, "cells")
    assert (row["image"], row["reasons"], row["note"]) == (name, name, name)
    assert read_records(data, "differential")[0]["sample"] == name


def test_long_and_odd_text_is_written() -> None:
    cell = replace(make_cell("neutrophil"), reasons=("x" * 40_000,))
    report = ImageReport("a\x00b\udc80\nc.png", (4, 4), (replace(cell, image_name="a"),), ("m",))
    (row,) = read_records(build_workbook([report]), "cells")
    assert row["image"] == "a b\N{REPLACEMENT CHARACTER} c.png"
    assert len(str(row["reasons"])) == 32_000


def test_samples_have_their_own_counts() -> None:
    reports = [replace(report, name=f"{index}.png") for index, report in enumerate(make_reports()[:1] * 2)]
    rows = read_records(build_workbook(reports, samples={"0.png": "A", "1.png": "B"}), "differential")
    assert [row["sample"] for row in rows if row["type"] == "neutrophil"] == ["A", "B"]


def test_the_zip_holds_the_workbook_and_the_differential_count() -> None:
    with zipfile.ZipFile(io.BytesIO(build_results_zip(make_reports()))) as archive:
        assert read_records(archive.read("results.xlsx"), "cells")[0]["mask_file"] == "masks/a-m-cell-1.png"
        assert "neutrophil" in archive.read("differential.csv").decode()
    untyped = [replace(report, cells=(make_cell(""),)) for report in make_reports()[:1]]
    with zipfile.ZipFile(io.BytesIO(build_results_zip(untyped))) as archive:
        assert "differential.csv" not in archive.namelist()
