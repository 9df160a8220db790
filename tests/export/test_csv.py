"""CSV that is safe to open in a spreadsheet."""

from __future__ import annotations

import csv
import io
import re

import pytest

from wbcseg.export import encode_csv


def read(data: bytes) -> list[list[str]]:
    return list(csv.reader(io.StringIO(data.decode("utf-8-sig"))))


@pytest.mark.parametrize(
    "cell", ['=HYPERLINK("http://x")', "+1+cmd", "-2+3", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "\uff1d1+1"]
)
def test_names_are_never_formulas(cell: str) -> None:
    assert read(encode_csv([["name"], [cell]]))[1] == ["'" + re.sub(r"\s", " ", cell)]


def test_control_characters_and_line_breaks_become_spaces() -> None:
    assert read(encode_csv([["name"], ["a\x1b[2J\n=b\u202e"]]))[1] == ["a [2J =b"]


@pytest.mark.parametrize("cell", ["0.95", "-0.0031", "+2", "U-Net, general", 'a "quoted" name', "Zählung zwei", ""])
def test_numbers_and_names_are_unchanged(cell: str) -> None:
    data = encode_csv([["a", "b"], [cell, "x"]])
    assert data.startswith(b"\xef\xbb\xbf")
    assert read(data)[1] == [cell, "x"]


def test_a_decimal_comma_comes_with_semicolons_and_leaves_names_alone() -> None:
    rows = [["image", "cell_index", "cell_area_px2"], ["3.14", "1", "12.5"], ["=a;b", "2", "-1.5e-05"]]
    text = encode_csv(rows, decimal_comma=True).decode("utf-8-sig")
    assert text.splitlines() == ["image;cell_index;cell_area_px2", "3.14;1;12,5", '"\'=a;b";2;-1,5e-05']
