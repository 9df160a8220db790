"""Tables for spreadsheets; fault 12."""

from __future__ import annotations

import csv
import io

import pytest

from wbcseg.export import encode_csv


def read(data: bytes) -> list[list[str]]:
    return list(csv.reader(io.StringIO(data.decode("utf-8-sig"))))


@pytest.mark.parametrize("cell", ['=HYPERLINK("http://x")', "+1+cmd", "-2+3", "@SUM(A1)", "\t=1", "\r=1"])
def test_fault_12_a_name_is_never_a_formula(cell: str) -> None:
    assert read(encode_csv([["name"], [cell]]))[1] == [f"'{cell}"]


@pytest.mark.parametrize("cell", ["0.95", "-0.0031", "+2", "U-Net, width 16", 'a "quoted" name', "Zählung\nzwei", ""])
def test_figures_and_names_stay_what_they_are(cell: str) -> None:
    data = encode_csv([["a", "b"], [cell, "x"]])
    assert data.startswith(b"\xef\xbb\xbf")
    assert read(data)[1] == [cell, "x"]
