"""Everything that is taken away: tables, the zip, the report."""

from __future__ import annotations

import csv
import io
import json
import re
import zipfile
import zlib
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import numpy as np
import pytest
from PIL import Image

from wbcseg.datasets import open_dataset
from wbcseg.export import build_cell_rows, build_definition_rows, build_results_zip
from wbcseg.export.csv import NO_CELL_STATUS, UNREADABLE_STATUS
from wbcseg.export.pdf import build_pdf_report
from wbcseg.features import FEATURES, extract_features
from wbcseg.metrics import REGIONS
from wbcseg.quality import STATUS_DESCRIPTIONS, STATUSES
from wbcseg.results import CellResult, ImageReport, build_in_memory_loader, group_by_image

WHEN = datetime(2026, 11, 23, 9, 30, tzinfo=UTC)


def finding(drawing: int, name: str = "Jane Doe.png", **more: object) -> CellResult:
    sample = open_dataset("synthetic").read(f"synthetic/{drawing:03}")
    assert sample.mask is not None
    figures = extract_features(sample.image, sample.mask)
    return CellResult(name, build_in_memory_loader(sample.image, sample.mask), "unet-16", figures, sample.size, **more)  # type: ignore[arg-type]


@pytest.fixture
def findings() -> list[CellResult]:
    empty = np.full((60, 90, 3), 240, np.uint8)
    pixels = build_in_memory_loader(empty, np.zeros((60, 90), np.uint8))
    reasons = ("No cell was found.",)
    nothing = CellResult("=1+1.png", pixels, "unet-16", None, (60, 90), status="check", reasons=reasons)
    return [finding(1), finding(2, scores={"nucleus": 0.97}, place=(40, 7)), nothing]


def drawn() -> np.ndarray:
    return np.full((300, 400, 3), 200, np.uint8)


@pytest.fixture
def pictures() -> list[ImageReport]:
    """Two crops of one name, a field with two cells, one without any, and a file that is no picture."""
    doe = finding(1, status="looks fine", scores={"nucleus": 0.9, "cytoplasm": float("nan")})
    two = [finding(n, "Doe field.tif", number=n, place=(9 * n, 0), status="check") for n in (1, 2)]
    problem = "Picture Jane Doe (3).png cannot be used. It is truncated: the file ends too early."
    unet = ("unet-16",)
    return [
        ImageReport(
            "Jane Doe.png", doe.image_size, (doe,), unet, note="Mask Jane Doe_mask.png is odd.", mask_rejected=True
        ),
        ImageReport("b/Jane Doe.png", doe.image_size, (finding(3, "b/Jane Doe.png", status="check"),), unet),
        ImageReport("Doe field.tif", (600, 900), tuple(two), unet, field_renderers={"unet-16": drawn}),
        ImageReport("Doe empty.tif", (700, 800), (), unet, field_renderers={"unet-16": drawn}),
        ImageReport("Jane Doe (3).png", None, problem=problem),
    ]


def read(data: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(data.decode("utf-8-sig"))))


def test_the_table_has_every_figure(findings: list[CellResult]) -> None:
    head, first, second, third = build_cell_rows(findings)
    assert {"number", "picture", "status", "nucleus_area_px2", "nucleus_to_cell", "dice_nucleus"} <= set(head)
    measures = findings[0].features
    assert measures is not None
    row = dict(zip(head, first, strict=True))
    for name, value in measures.values.items():
        column = next(c for c in head if c == name or c.startswith(f"{name}_px"))
        assert float(row[column] or "nan") == pytest.approx(value, rel=1e-4, nan_ok=True)
    assert dict(zip(head, second, strict=True))["left"] == "40"
    assert dict(zip(head, third, strict=True))["status"] == "no white cell found"
    assert set(third[head.index("left") :]) == {""}
    scaled = build_cell_rows(findings, pixel_size=0.1)
    assert "nucleus_area_um2" in scaled[0]
    assert float(scaled[1][scaled[0].index("cell_perimeter_um")]) == pytest.approx(
        0.1 * measures.values["cell_perimeter"], rel=1e-4
    )


def test_the_zip_holds_everything_and_no_formula(findings: list[CellResult]) -> None:
    data = build_results_zip(findings, report=b"%PDF-")
    assert data == build_results_zip(findings, report=b"%PDF-")
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        names = archive.namelist()
        assert len(names) == len(set(names)) == 3 * 3 + 5
        masks = [name for name in names if name.startswith("masks/")]
        with Image.open(io.BytesIO(archive.read(masks[0]))) as mask:
            assert (np.array(mask) == np.array([0, 128, 255])[findings[0].load()[1]]).all()
            assert not mask.info
        rows = read(archive.read("measurements.csv"))
        assert [row["picture"] for row in rows] == ["Jane Doe.png", "Jane Doe.png", "'=1+1.png"]
        assert len(read(archive.read("definitions.csv"))) == len(FEATURES) + len(REGIONS) + len(STATUSES) + 2
        assert len(json.loads(archive.read("outlines.coco.json"))["images"]) == 3
        outline = json.loads(archive.read(next(name for name in names if name.endswith(".geojson"))))
        figures = outline["features"][0]["properties"]["measurements"]
        assert figures["nucleus_lobes"] >= 1
        assert figures["nucleus_area_px2"] == float(rows[0]["nucleus_area_px2"])
        assert "Not a medical device" in archive.read("NOTICE.txt").decode()


def text_of(pdf: bytes) -> str:
    """What a PDF's pages write, as far as its fonts are those of every reader."""
    streams = []
    for raw in re.findall(rb"stream\r?\n(.*?)\r?\nendstream", pdf, flags=re.DOTALL):
        try:
            streams.append(zlib.decompress(raw))
        except zlib.error:
            continue
    shown = re.findall(rb"\(((?:\\.|[^()\\])*)\) Tj", b"\n".join(streams))
    return "\n".join(one.decode("latin-1") for one in shown)


def test_the_report_says_what_how_and_when_but_no_name(findings: list[CellResult]) -> None:
    data = build_pdf_report(findings, date=WHEN, settings=[("Model", "unet-16, 1a2b3c4d")], pixel_size=0.1)
    assert data.startswith(b"%PDF-")
    text = text_of(data)
    assert "2026-11-23 09:30 UTC" in text
    assert "unet-16, 1a2b3c4d" in text
    assert "0.1 µm a pixel" in text
    assert "Picture 3" in text
    assert "No cell was found." in text
    assert "N:C, nucleus / cell" in text
    assert "Not a medical device" in text
    assert b"Jane" not in data
    assert "Jane" not in text


def test_a_long_report_has_many_pages_and_odd_letters(findings: list[CellResult]) -> None:
    many = [finding(1 + n % 9, status="looks fine – \u4e2d", reasons=("Aé " * 200,)) for n in range(14)]
    data = build_pdf_report(many, date=WHEN, settings=[])
    assert data.count(b"/Type /Page\n") >= 4
    assert f"Picture {len(many)}" in text_of(data)


def test_every_picture_has_a_row(pictures: list[ImageReport]) -> None:
    head, *rows = build_cell_rows(pictures)
    table = [dict(zip(head, row, strict=True)) for row in rows]
    assert [row["number"] for row in table] == ["1", "2", "3", "3", "4", "5"]
    assert [row["cell"] for row in table] == ["", "", "1", "2", "", ""]
    assert [row["picture"] for row in table[-2:]] == ["Doe empty.tif", "Jane Doe (3).png"]
    empty, unused = table[-2:]
    assert (empty["status"], empty["width"], empty["height"]) == ("no white cell found", "800", "700")
    assert empty["model"] == "unet-16"
    assert (unused["status"], unused["width"]) == ("not used", "")
    assert "It is truncated" in unused["note"]
    assert table[0]["note"] == "Mask Jane Doe_mask.png is odd."
    assert "mask_file" not in head


def test_files_of_the_zip_are_joined_to_the_table(pictures: list[ImageReport]) -> None:
    with zipfile.ZipFile(io.BytesIO(build_results_zip(pictures, pixel_size=0.1))) as archive:
        rows = read(archive.read("measurements.csv"))
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
        assert {names[one["image_id"]] for one in document["annotations"]} == set(list(names.values())[:3])
        assert json.loads(archive.read("outlines/Doe empty-unet-16.geojson"))["features"] == []
        cells = json.loads(archive.read("outlines/Doe field-unet-16.geojson"))["features"]
        assert [cell["properties"]["name"] for cell in cells] == [
            "Doe field-unet-16-cell-1",
            "Doe field-unet-16-cell-2",
        ]
        area = cells[0]["properties"]["measurements"]["nucleus_area_um2"]
        assert area == pytest.approx(float(rows[2]["nucleus_area_um2"]), rel=1e-4)
        figures = {row["figure"]: row["definition"] for row in read(archive.read("definitions.csv"))}
        assert {name for name in figures if not name.startswith("dice_")} <= set(rows[0])
        assert "µm²; a pixel is 0.1 µm wide" in figures["nucleus_area_um2"]


def test_long_names_keep_their_model_and_their_end() -> None:
    named = [finding(n, f"Slide {'x' * 150} field {n}.png") for n in (1, 2)]
    with zipfile.ZipFile(io.BytesIO(build_results_zip(named))) as archive:
        masks = [name for name in archive.namelist() if name.startswith("masks/")]
    assert [name[-20:] for name in masks] == [f" field {n}-unet-16.png" for n in (1, 2)]
    assert all(name.startswith("masks/Slide x") for name in masks)


def test_models_have_a_coco_file_each_so_that_a_picture_is_in_it_once() -> None:
    one = finding(1)
    other = CellResult(one.image_name, one.load, "segnet-16", one.features, one.image_size)
    (picture,) = group_by_image([one, other])
    assert picture.models == ("unet-16", "segnet-16")
    with zipfile.ZipFile(io.BytesIO(build_results_zip([picture]))) as archive:
        for model in picture.models:
            document = json.loads(archive.read(f"outlines-{model}.coco.json"))
            assert [image["file_name"] for image in document["images"]] == ["Jane Doe.png"]
        assert "outlines.coco.json" not in archive.namelist()


def test_a_model_that_begins_anew_is_at_another_picture() -> None:
    field = [finding(1, number=n, place=(0, 0)) for n in (1, 2)]
    assert [len(one.cells) for one in group_by_image([*field, *field])] == [2, 2]


def test_definitions_in_pixels_say_so() -> None:
    table = {row[0]: row[2] for row in build_definition_rows()}
    assert table["nucleus_area_px2"] == "Pixels of the nucleus."
    assert table["cell_perimeter_px"].endswith("In pixels.")
    assert {f"dice_{region}" for region in REGIONS} < set(table)


def test_definitions_explain_the_statuses_as_the_table_of_figures_calls_them() -> None:
    told = {row[1]: row[2] for row in build_definition_rows() if row[0] == "status"}
    assert told.items() >= STATUS_DESCRIPTIONS.items()
    assert tuple(told) == (*STATUSES, NO_CELL_STATUS, UNREADABLE_STATUS)


@pytest.mark.parametrize("status", ["", "check"])
def test_the_report_explains_statuses_where_there_are_some(status: str) -> None:
    told = text_of(build_pdf_report([replace(finding(1), status=status)], date=WHEN, settings=[]))
    assert ("What the program says of a result" in told) is bool(status)
    assert (STATUS_DESCRIPTIONS["unlike the training data"][:60] in told) is bool(status)


def test_the_report_counts_and_lists_what_was_not_used(pictures: list[ImageReport]) -> None:
    east = WHEN.astimezone(timezone(timedelta(hours=8)))
    data = build_pdf_report(pictures, date=east, settings=[("TIFF page", "3")])
    text = text_of(data)
    assert "2026-11-23 09:30 UTC" in text
    assert "4; 1 of them without a white cell; 1 more file not used; 1 expert mask not used" in unescaped(text)
    assert "4 (1 looks fine, 3 should be checked)" in unescaped(text)
    assert "nucleus 0.900 (1 cell with a mask)" in unescaped(text)
    assert "TIFF page" in text
    assert "Picture 5: It is truncated: the file ends too early." in text
    assert "Picture 1: The expert's mask; the table of figures says why." in text
    assert "Picture 3, field of view, unet-16: 2 white cells" in text
    assert "Picture 3, cell 2" in text
    assert "Picture 4, field of view, unet-16: no white cell was found" in text
    assert data.count(b"/DCTDecode") >= 1
    assert "Doe" not in text
    assert b"Doe" not in data


def unescaped(text: str) -> str:
    return text.replace("\\", "")


def test_a_report_counts_the_cells_of_each_model() -> None:
    one = finding(1, status="looks fine")
    nothing = CellResult(one.image_name, one.load, "segnet-16", None, one.image_size, status="check")
    text = text_of(build_pdf_report([one, nothing], date=WHEN, settings=[]))
    assert "unet-16: 1 (1 looks fine)" in unescaped(text)
    assert "segnet-16: 0\n" in text


@pytest.mark.parametrize(
    "problem",
    [
        "Mask Jane Doe_mask.png is not used: there is no picture of its name.",
        "Mask Jane Doe.png is not used: there are 2 pictures of its name, and nothing says which one it belongs to.",
        "The file Jane/Doe.png in the zip cannot be read by Doe.zip is damaged. Pack it again from the original.",
        "Jane Doe.png is in the zip twice; the first is used.",
        "There was not enough memory for Jane Doe.png. Crop or shrink it.",
        "The zip Jane Doe.zip holds no pictures: no PNG, JPEG, BMP or TIFF.",
        "The file cannot be read: /srv/Jane Doe",
        "Something new about Jane Doe.png.",
    ],
)
def test_the_report_holds_no_name_whatever_was_wrong(problem: str) -> None:
    text = text_of(build_pdf_report([ImageReport("Jane Doe.png", None, problem=problem)], date=WHEN, settings=[]))
    assert "Picture 1: " in text
    assert "Doe" not in text
    assert "Jane" not in text
