"""Read Excel workbooks in tests, with what a cell is: text, number or formula."""

from __future__ import annotations

import io
import re
import zipfile
from xml.etree import ElementTree

MAIN = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"


def read_workbook(data: bytes) -> dict[str, list[list[str | float]]]:
    """Return the rows of each sheet: numbers as floats, texts as texts. A formula or a link fails the test."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        names = archive.namelist()
        assert not [name for name in names if "rels" in name and b"hyperlink" in archive.read(name)]
        workbook = ElementTree.fromstring(archive.read("xl/workbook.xml"))
        shared = ElementTree.fromstring(archive.read("xl/sharedStrings.xml"))
        texts = ["".join(part.text or "" for part in item.iter(f"{MAIN}t")) for item in shared]
        titles = [sheet.attrib["name"] for sheet in workbook.iter(f"{MAIN}sheet")]
        return {
            title: _read_sheet(archive.read(f"xl/worksheets/sheet{number}.xml"), texts)
            for number, title in enumerate(titles, start=1)
        }


def read_records(data: bytes, sheet: str) -> list[dict[str, str | float]]:
    """Return the rows of a sheet by the names in its header."""
    header, *rows = read_workbook(data)[sheet]
    return [dict(zip(map(str, header), row, strict=True)) for row in rows]


def _read_sheet(xml: bytes, texts: list[str]) -> list[list[str | float]]:
    rows: list[list[str | float]] = []
    width = 0
    for row in ElementTree.fromstring(xml).iter(f"{MAIN}row"):
        values: dict[int, str | float] = {}
        for cell in row:
            assert cell.find(f"{MAIN}f") is None, "a formula"
            value = cell.findtext(f"{MAIN}v") or ""
            values[_column(cell.attrib["r"])] = texts[int(value)] if cell.get("t") == "s" else float(value)
        width = max(width, *values) if values else width
        rows.append([values.get(column, "") for column in range(1, width + 1)])
    return rows


def _column(reference: str) -> int:
    number = 0
    for letter in re.match("[A-Z]+", reference)[0]:  # type: ignore[index]
        number = 26 * number + ord(letter) - 64
    return number
