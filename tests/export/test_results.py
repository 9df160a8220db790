"""Exported results: tables, the zip, the report."""

from __future__ import annotations

import csv
import io
import json
import zipfile
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from pypdf import PdfReader

import wbcseg
from wbcseg.counting import EDGE_RULES
from wbcseg.datasets import open_dataset
from wbcseg.errors import ErrorCode, Problem
from wbcseg.export import build_cell_rows, build_definition_rows, build_results_zip, format_edge_counts
from wbcseg.export.csv import CELLS_FILE, IMAGES_FILE, NO_CELL, NOT_USED
from wbcseg.export.pdf import ReportDetails, build_pdf_report
from wbcseg.features import FEATURES, extract_features
from wbcseg.metrics import REGIONS
from wbcseg.quality import EMPTY_FIELD_REASON, OK, OUT_OF_RANGE, REVIEW, STATUS_DESCRIPTIONS, STATUSES
from wbcseg.results import CellResult, ImageReport, build_in_memory_loader, group_by_image

NO_NAMES = ReportDetails(with_image_names=False)
WHEN = datetime(2026, 11, 23, 9, 30, tzinfo=UTC)


def cell_result(drawing: int, name: str = "Jane Doe.png", **more: object) -> CellResult:
    sample = open_dataset("synthetic").read(f"synthetic/{drawing:03}")
    assert sample.mask is not None
    values = extract_features(sample.image, sample.mask)
    return CellResult(name, build_in_memory_loader(sample.image, sample.mask), "unet-16", values, sample.size, **more)  # type: ignore[arg-type]


@pytest.fixture
def cells() -> list[CellResult]:
    empty = np.full((60, 90, 3), 240, np.uint8)
    pixels = build_in_memory_loader(empty, np.zeros((60, 90), np.uint8))
    reasons = ("No cell was found.",)
    nothing = CellResult("=1+1.png", pixels, "unet-16", None, (60, 90), status=REVIEW, reasons=reasons)
    return [cell_result(1), cell_result(2, dice={"nucleus": 0.97}, offset=(40, 7)), nothing]


def render() -> np.ndarray:
    return np.full((300, 400, 3), 200, np.uint8)


@pytest.fixture
def reports() -> list[ImageReport]:
    """Two crops with one name, a field with two cells, one without any, and an unreadable file."""
    doe = cell_result(1, status=OK, dice={"nucleus": 0.9, "cytoplasm": float("nan")})
    two = [cell_result(n, "Doe field.tif", cell_index=n, offset=(9 * n, 0), status=REVIEW) for n in (1, 2)]
    problem = Problem(
        "Image Jane Doe (3).png could not be read. The file is truncated.",
        "Jane Doe (3).png",
        "The file is truncated.",
        ErrorCode.TRUNCATED,
        "Copy it again.",
    )
    unet = ("unet-16",)
    return [
        ImageReport(
            "Jane Doe.png", doe.image_size, (doe,), unet, note="Mask Jane Doe_mask.png is odd.", mask_rejected=True
        ),
        ImageReport("b/Jane Doe.png", doe.image_size, (cell_result(3, "b/Jane Doe.png", status=REVIEW),), unet),
        ImageReport("Doe field.tif", (600, 900), tuple(two), unet, field_renderers={"unet-16": render}),
        ImageReport("Doe empty.tif", (700, 800), (), unet, field_renderers={"unet-16": render}),
        ImageReport("Jane Doe (3).png", None, problem=problem),
    ]


def read(data: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(data.decode("utf-8-sig"))))


def test_table_has_every_feature(cells: list[CellResult]) -> None:
    head, first, second, third = build_cell_rows(cells)
    assert {
        "image_index",
        "image",
        "cell_index",
        "status",
        "nucleus_area_px2",
        "nucleus_to_cell",
        "dice_nucleus",
    } <= set(head)
    measures = cells[0].features
    assert measures is not None
    row = dict(zip(head, first, strict=True))
    for name, value in measures.values.items():
        column = next(c for c in head if c == name or c.startswith(f"{name}_px"))
        assert float(row[column] or "nan") == pytest.approx(value, rel=1e-4, nan_ok=True)
    assert dict(zip(head, second, strict=True))["bbox_x"] == "40"
    assert dict(zip(head, third, strict=True))["status"] == NO_CELL
    assert set(third[head.index("bbox_x") :]) == {""}
    scaled = build_cell_rows(cells, pixel_size=0.1)
    assert "nucleus_area_um2" in scaled[0]
    assert float(scaled[1][scaled[0].index("cell_perimeter_um")]) == pytest.approx(
        0.1 * measures.values["cell_perimeter"], rel=1e-4
    )


def test_zip_holds_all_files_and_no_formulas(cells: list[CellResult]) -> None:
    data = build_results_zip(cells, report=b"%PDF-")
    assert data == build_results_zip(cells, report=b"%PDF-")
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        names = archive.namelist()
        assert len(names) == len(set(names)) == 3 * 2 + 3 * 4 + 7
        masks = [name for name in names if name.startswith("masks/")]
        with Image.open(io.BytesIO(archive.read(masks[0]))) as mask:
            assert (np.array(mask) == np.array([0, 128, 255])[cells[0].load()[1]]).all()
            assert not mask.info
        rows = read(archive.read(CELLS_FILE))
        assert [row["image"] for row in rows] == ["Jane Doe.png", "Jane Doe.png", "'=1+1.png"]
        assert (
            len(read(archive.read("definitions.csv"))) == len(FEATURES) + len(REGIONS) + len(STATUSES) + 2 + 2 + 3 + 4
        )
        assert len(json.loads(archive.read("outlines.coco.json"))["images"]) == 3
        outline = json.loads(archive.read(next(name for name in names if name.endswith(".geojson"))))
        values = outline["features"][0]["properties"]["measurements"]
        assert values["nucleus_lobes"] >= 1
        assert values["nucleus_area_px2"] == float(rows[0]["nucleus_area_px2"])
        assert "Not a medical device" in archive.read("NOTICE.txt").decode()


def test_tables_in_the_zip_and_of_a_saved_result_may_have_a_decimal_comma(
    cells: list[CellResult], tmp_path: Path
) -> None:
    with zipfile.ZipFile(io.BytesIO(build_results_zip(cells, decimal_comma=True))) as archive:
        for name in (CELLS_FILE, "images.csv", "definitions.csv"):
            assert ";" in archive.read(name).decode("utf-8-sig").splitlines()[0]
    result = wbcseg.segment(cells[0].load()[0], "unet-16")
    result.save(tmp_path, decimal_comma=True)
    header, row = csv.reader(io.StringIO((tmp_path / CELLS_FILE).read_text(encoding="utf-8-sig")), delimiter=";")
    assert float(row[header.index("nucleus_area_px2")].replace(",", ".")) > 0
    assert "," in row[header.index("nucleus_to_cell")]


def text_of(pdf: bytes) -> str:
    """Return the text of a PDF's pages, with single spaces."""
    pages = PdfReader(io.BytesIO(pdf)).pages
    return "\n".join(" ".join(line.split()) for page in pages for line in page.extract_text().splitlines())


def test_report_has_settings_date_and_features_and_no_file_name_if_so_wished(cells: list[CellResult]) -> None:
    data = build_pdf_report(
        cells, date=WHEN, settings=[("Model", "unet-16, 1a2b3c4d")], pixel_size=0.1, details=NO_NAMES
    )
    assert data.startswith(b"%PDF-")
    text = text_of(data)
    assert "2026-11-23 09:30 UTC" in text
    assert "unet-16, 1a2b3c4d" in text
    assert "0.1 µm/pixel" in text
    assert "Image 3" in text
    assert "No white blood cell found." in text
    assert FEATURES["nucleus_to_cell"].title in text
    assert "Not a medical device" in text
    assert b"Jane" not in data
    assert "Jane" not in text


def test_long_report_has_many_pages_and_replaces_unsupported_characters(cells: list[CellResult]) -> None:
    many = [cell_result(1 + n % 9, status=OK, reasons=("Aé – \u4e2d " * 200,)) for n in range(14)]
    data = build_pdf_report(many, date=WHEN, settings=[])
    assert data.count(b"/Type /Page\n") >= 4
    assert f"Image {len(many)}" in text_of(data)


def test_every_image_has_a_row(reports: list[ImageReport]) -> None:
    head, *rows = build_cell_rows(reports)
    table = [dict(zip(head, row, strict=True)) for row in rows]
    assert [row["image_index"] for row in table] == ["1", "2", "3", "3", "4", "5"]
    assert [row["cell_index"] for row in table] == ["1", "1", "1", "2", "", ""]
    assert [row["image"] for row in table[-2:]] == ["Doe empty.tif", "Jane Doe (3).png"]
    empty, unused = table[-2:]
    assert (empty["status"], empty["width"], empty["height"]) == (NO_CELL, "800", "700")
    assert (empty["model"], empty["reasons"]) == ("unet-16", EMPTY_FIELD_REASON)
    assert (unused["status"], unused["width"]) == (NOT_USED, "")
    assert unused["note"].endswith("The file is truncated. Copy it again.")
    assert [row["status"] for row in table[:4]] == [OK, REVIEW, REVIEW, REVIEW]
    assert table[1]["status_label"] == "Review"
    assert table[0]["note"] == "Mask Jane Doe_mask.png is odd."
    assert "mask_file" not in head


def test_table_names_the_mask_files_in_the_zip(reports: list[ImageReport]) -> None:
    with zipfile.ZipFile(io.BytesIO(build_results_zip(reports, pixel_size=0.1))) as archive:
        rows = read(archive.read(CELLS_FILE))
        assert [row["mask_file"] for row in rows] == [
            "masks/Jane Doe-unet-16.png",
            "masks/Jane Doe-2-unet-16.png",
            "masks/Doe field-unet-16-cell-1.png",
            "masks/Doe field-unet-16-cell-2.png",
            "",
            "",
        ]
        assert {row["mask_file"] for row in rows} - {""} == {n for n in archive.namelist() if n.startswith("masks/")}
        document = json.loads(archive.read("outlines.coco.json"))
        names = {image["id"]: image["file_name"] for image in document["images"]}
        assert list(names.values()) == ["Jane Doe.png", "b/Jane Doe.png", "Doe field.tif", "Doe empty.tif"]
        assert {names[item["image_id"]] for item in document["annotations"]} == set(list(names.values())[:3])
        assert json.loads(archive.read("outlines/Doe empty-unet-16.geojson"))["features"] == []
        features = json.loads(archive.read("outlines/Doe field-unet-16.geojson"))["features"]
        assert [feature["properties"]["name"] for feature in features] == [
            "Cell 1",
            "Cell 2",
        ]
        area = features[0]["properties"]["measurements"]["nucleus_area_um2"]
        assert area == pytest.approx(float(rows[2]["nucleus_area_um2"]), rel=1e-4)
        values = {row["column"]: row["definition"] for row in read(archive.read("definitions.csv"))}
        assert {name for name in values if not name.startswith("dice_")} <= set(rows[0])
        assert "µm²; the pixel size is 0.1 µm" in values["nucleus_area_um2"]


def test_long_names_keep_their_end_and_the_model() -> None:
    named = [cell_result(n, f"Slide {'x' * 150} field {n}.png") for n in (1, 2)]
    with zipfile.ZipFile(io.BytesIO(build_results_zip(named))) as archive:
        masks = [name for name in archive.namelist() if name.startswith("masks/")]
    assert [name[-20:] for name in masks] == [f" field {n}-unet-16.png" for n in (1, 2)]
    assert all(name.startswith("masks/Slide x") for name in masks)


def test_each_model_has_its_own_coco_file() -> None:
    item = cell_result(1)
    other = CellResult(item.image_name, item.load, "segnet-16", item.features, item.image_size)
    (image_cells,) = group_by_image([item, other])
    assert image_cells.models == ("unet-16", "segnet-16")
    with zipfile.ZipFile(io.BytesIO(build_results_zip([image_cells]))) as archive:
        for model in image_cells.models:
            document = json.loads(archive.read(f"outlines-{model}.coco.json"))
            assert [image["file_name"] for image in document["images"]] == ["Jane Doe.png"]
        assert "outlines.coco.json" not in archive.namelist()


def test_cells_whose_numbering_restarts_are_of_another_image() -> None:
    field = [cell_result(1, cell_index=n, offset=(0, 0)) for n in (1, 2)]
    assert [len(item.cells) for item in group_by_image([*field, *field])] == [2, 2]


def test_definitions_without_pixel_size_are_in_pixels() -> None:
    table = {row[0]: row[3] for row in build_definition_rows()}
    assert table["nucleus_area_px2"].endswith("In square pixels.")
    assert table["cell_perimeter_px"].endswith("In pixels.")
    assert {f"dice_{region}" for region in REGIONS} < set(table)


def test_definitions_explain_every_status() -> None:
    definitions = {row[1]: row[3] for row in build_definition_rows() if row[0] == "status"}
    assert definitions.items() >= STATUS_DESCRIPTIONS.items()
    assert tuple(definitions) == (*STATUSES, NO_CELL, NOT_USED)


@pytest.mark.parametrize("status", ["", REVIEW])
def test_report_explains_statuses_if_there_are_any(status: str) -> None:
    definitions = text_of(build_pdf_report([replace(cell_result(1), status=status)], date=WHEN, settings=[]))
    assert ("Quality check" in definitions) is bool(status)
    assert (STATUS_DESCRIPTIONS[OUT_OF_RANGE][:60] in definitions) is bool(status)


def test_report_counts_images_and_lists_unused_files(reports: list[ImageReport]) -> None:
    east = WHEN.astimezone(timezone(timedelta(hours=8)))
    data = build_pdf_report(reports, date=east, settings=[("TIFF page", "3")], details=NO_NAMES)
    text = text_of(data)
    assert "2026-11-23 09:30 UTC" in text
    assert "4; 1 without a white blood cell; 1 more file not used; 1 expert mask not used" in text
    assert "4 (1 without issues, 3 to review)" in text
    assert "nucleus 0.900 (1 cell with a mask; the mask of 1 cell has no cytoplasm, which is not scored there)" in text
    assert "TIFF page" in text
    assert "Image 5: The file is truncated. Copy it again." in text
    assert f"Image 1: Expert mask not used. The reason is in {CELLS_FILE}." in text
    assert "Image 3, field of view, unet-16: 2 white blood cells" in text
    assert "Image 3, cell 2" in text
    assert "Image 4, field of view, unet-16: no white blood cell found" in text
    assert data.count(b"/DCTDecode") >= 1
    assert "Doe" not in text
    assert b"Doe" not in data


@pytest.fixture
def cut_reports() -> list[ImageReport]:
    """A field with a complete cell and two cut ones, and a crop whose cell is cut by the bottom edge."""
    edges = ((False, False, False, False), (True, False, True, False), (False, False, False, True))
    field = [
        cell_result(n, "field.png", cell_index=n, offset=(0, 0), cut_edges=cut_edges, status=OK)
        for n, cut_edges in enumerate(edges, start=1)
    ]
    crop = cell_result(4, "crop.png", cut_edges=(False, True, False, False))
    unet = ("unet-16",)
    return [
        ImageReport("field.png", (600, 900), tuple(field), unet, field_renderers={"unet-16": render}),
        ImageReport("crop.png", crop.image_size, (crop,), unet),
        ImageReport("gone.png", None, problem=Problem("Image gone.png could not be read.", "gone.png")),
    ]


@pytest.mark.parametrize(
    ("edge_rule", "counted", "totals"),
    [("all", "1111", ["3", "1", ""]), ("two_edges", "1100", ["2", "0", ""]), ("complete", "1000", ["1", "0", ""])],
)
def test_an_edge_rule_changes_every_count(
    cut_reports: list[ImageReport], edge_rule: str, counted: str, totals: list[str]
) -> None:
    report = build_pdf_report(cut_reports, date=WHEN, settings=[], edge_rule=edge_rule)
    with zipfile.ZipFile(io.BytesIO(build_results_zip(cut_reports, edge_rule=edge_rule))) as archive:
        cell_rows, image_rows = read(archive.read(CELLS_FILE)), read(archive.read(IMAGES_FILE))
        definitions = {row["column"]: row["definition"] for row in read(archive.read("definitions.csv"))}
    assert [row["cut_by_edge"] for row in cell_rows] == ["", "top left", "right", "bottom", ""]
    assert "".join(row["counted"] for row in cell_rows) == counted
    assert EDGE_RULES[edge_rule].description in definitions["counted"]
    assert [row["cells_counted"] for row in image_rows] == totals
    assert [row["cells_cut_by_edge"] for row in image_rows] == ["2", "1", ""]
    assert [(row["image_index"], row["cells"], row["cells_ok"]) for row in image_rows] == [
        ("1", "3", "3"),
        ("2", "1", "0"),
        ("3", "", ""),
    ]
    assert [row["edge_rule"] for row in image_rows] == [edge_rule, edge_rule, ""]
    assert image_rows[2]["note"] == "Image gone.png could not be read."
    text = text_of(report)
    assert EDGE_RULES[edge_rule].label in text
    assert f"{counted.count('1')} of 4 counted" in text
    assert f"{totals[0]} of 3 counted" in text
    assert text.count("Not counted.") == counted.count("0")


def test_counts_are_not_repeated_where_the_edge_cuts_no_cell(cells: list[CellResult]) -> None:
    assert format_edge_counts(cells) == ""
    assert format_edge_counts(cells, "complete").startswith("2 of 2 counted")


def test_report_counts_the_cells_of_each_model() -> None:
    item = cell_result(1, status=OK)
    nothing = CellResult(item.image_name, item.load, "segnet-16", None, item.image_size, status=REVIEW)
    text = text_of(build_pdf_report([item, nothing], date=WHEN, settings=[]))
    assert "unet-16: 1 (1 without issues)" in text
    assert "segnet-16: 0\n" in text


def test_report_names_no_file_even_if_the_reason_is_unknown() -> None:
    problem = Problem("Something is wrong with Jane Doe.png.", "Jane Doe.png")
    text = text_of(build_pdf_report([ImageReport("Jane Doe.png", None, problem=problem)], date=WHEN, settings=[]))
    assert f"Image 1: The reason is in {CELLS_FILE}." in text
    assert "Doe" not in text
    assert "Jane" not in text
