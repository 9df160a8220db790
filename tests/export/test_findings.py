"""Everything that is taken away: tables, the zip, the report."""

from __future__ import annotations

import csv
import io
import json
import re
import zipfile
import zlib
from datetime import UTC, datetime

import numpy as np
import pytest
from PIL import Image

from wbcseg.datasets import open_dataset
from wbcseg.export import Finding, bundle, figure_rows, held
from wbcseg.export.report import pdf_report
from wbcseg.measurement import MEASURES, measure

WHEN = datetime(2026, 11, 23, 9, 30, tzinfo=UTC)


def finding(number: int, name: str = "Jane Doe.png", **more: object) -> Finding:
    sample = open_dataset("synthetic").read(f"synthetic/{number:03}")
    assert sample.mask is not None
    figures = measure(sample.image, sample.mask)
    return Finding(name, held(sample.image, sample.mask), "unet-16", figures, sample.size, **more)  # type: ignore[arg-type]


@pytest.fixture
def findings() -> list[Finding]:
    empty = np.full((60, 90, 3), 240, np.uint8)
    pixels = held(empty, np.zeros((60, 90), np.uint8))
    reasons = ("No cell was found.",)
    nothing = Finding("=1+1.png", pixels, "unet-16", None, (60, 90), status="check", reasons=reasons)
    return [finding(1), finding(2, scores={"nucleus": 0.97}, place=(40, 7)), nothing]


def read(data: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(data.decode("utf-8-sig"))))


def test_the_table_has_every_figure(findings: list[Finding]) -> None:
    head, first, second, third = figure_rows(findings)
    assert {"picture", "status", "nucleus_area_px2", "nucleus_to_cell", "dice_nucleus"} <= set(head)
    measures = findings[0].measures
    assert measures is not None
    row = dict(zip(head, first, strict=True))
    for name, value in measures.values.items():
        column = next(c for c in head if c == name or c.startswith(f"{name}_px"))
        assert float(row[column] or "nan") == pytest.approx(value, rel=1e-4, nan_ok=True)
    assert dict(zip(head, second, strict=True))["left"] == "40"
    assert set(third[7:]) == {""}
    scaled = figure_rows(findings, micrometres=0.1)
    assert "nucleus_area_um2" in scaled[0]
    assert float(scaled[1][scaled[0].index("cell_perimeter_um")]) == pytest.approx(
        0.1 * measures.values["cell_perimeter"], rel=1e-4
    )


def test_the_zip_holds_everything_and_no_formula(findings: list[Finding]) -> None:
    data = bundle(findings, report=b"%PDF-")
    assert data == bundle(findings, report=b"%PDF-")
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        names = archive.namelist()
        assert len(names) == len(set(names)) == 3 * 3 + 5
        masks = [name for name in names if name.startswith("masks/")]
        with Image.open(io.BytesIO(archive.read(masks[0]))) as mask:
            assert (np.array(mask) == np.array([0, 128, 255])[findings[0].load()[1]]).all()
            assert not mask.info
        rows = read(archive.read("measurements.csv"))
        assert [row["picture"] for row in rows] == ["Jane Doe.png", "Jane Doe.png", "'=1+1.png"]
        assert len(read(archive.read("definitions.csv"))) == len(MEASURES)
        assert len(json.loads(archive.read("outlines.coco.json"))["images"]) == 3
        outline = json.loads(archive.read(next(name for name in names if name.endswith(".geojson"))))
        assert outline["features"][0]["properties"]["measurements"]["lobes"] >= 1
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


def test_the_report_says_what_how_and_when_but_no_name(findings: list[Finding]) -> None:
    data = pdf_report(findings, when=WHEN, settings=[("Model", "unet-16, 1a2b3c4d")], micrometres=0.1)
    assert data.startswith(b"%PDF-")
    text = text_of(data)
    assert "2026-11-23 09:30" in text
    assert "unet-16, 1a2b3c4d" in text
    assert "0.1 µm a pixel" in text
    assert "Picture 3" in text
    assert "No cell was found." in text
    assert "N:C, nucleus / cell" in text
    assert "Not a medical device" in text
    assert b"Jane" not in data
    assert "Jane" not in text


def test_a_long_report_has_many_pages_and_odd_letters(findings: list[Finding]) -> None:
    many = [finding(1 + n % 9, status="looks fine – \u4e2d", reasons=("Aé " * 200,)) for n in range(14)]
    data = pdf_report(many, when=WHEN, settings=[])
    assert data.count(b"/Type /Page\n") >= 4
    assert f"Picture {len(many)}" in text_of(data)
