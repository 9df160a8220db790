"""Field sets: images whose white cells are marked or counted, beside the Zheng data sets or in the same folder."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from builders import encode

from wbcseg.datasets.fields import (
    load_detector_split,
    open_chula,
    open_lisc_fields,
    open_pbc,
    open_raabin_fields,
)
from wbcseg.errors import DatasetError, ErrorCode

IMAGE = encode(np.full((20, 30, 3), 200, np.uint8))


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("WBCSEG_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("WBCSEG_DATA", str(tmp_path / "data"))
    for name in (
        "pbc/images/BA_1.jpg",
        "pbc/images/PL_2.jpg",
        "raabin-fields/images/a.jpg",
        "lisc-fields/images/x.png",
    ):
        (tmp_path / "data" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "data" / name).write_bytes(IMAGE)
    for name in ("1.jpg", "120.jpg"):
        (tmp_path / "data" / "chula-rbc-12").mkdir(exist_ok=True)
        (tmp_path / "data" / "chula-rbc-12" / name).write_bytes(IMAGE)
    tables = {
        "pbc/cells.csv": "file,type,subtype,left,top,right,bottom\n"
        "BA_1.jpg,basophil,,2,3,20,18\nPL_2.jpg,platelet,,,,,\n",
        "pbc/attributes.csv": "file,nucleus_shape\nBA_1.jpg,irregular\n",
        "raabin-fields/boxes.csv": "file,left,top,right,bottom\na.jpg,1,2,9,12\na.jpg,10,2,19,12\n",
        "lisc-fields/types.csv": "file,type,white_cells\nx.png,basophil,2\n",
    }
    for name, text in tables.items():
        (tmp_path / "data" / name).write_text(text)
    return tmp_path / "data"


def test_the_cells_of_pbc_have_boxes_types_and_attributes(data: Path) -> None:
    cell, platelet = open_pbc()
    assert cell.boxes.tolist() == [[2, 3, 20, 18]]
    assert cell.cells is not None
    assert (cell.cells[0].cell_type, cell.cells[0].subtype) == ("basophil", None)
    assert cell.cells[0].attributes == {"nucleus_shape": "irregular"}
    assert cell.read().shape == (20, 30, 3)
    assert (platelet.cell_count, platelet.note) == (0, "platelet")
    assert "CC BY 4.0" in open_pbc().acknowledgement
    (data / "pbc" / "attributes.csv").unlink()
    assert open_pbc().fields[0].cells[0].attributes == {}  # type: ignore[index]


def test_other_fields_are_marked_or_counted(data: Path) -> None:
    (field,) = open_raabin_fields()
    assert field.boxes.shape == (2, 4)
    (counted,) = open_lisc_fields()
    assert (counted.cells, counted.cell_count, counted.note) == (None, 2, "basophil")
    assert [field.cell_count for field in open_chula()] == [0, 1]


def test_field_sets_may_lie_beside_the_named_folder(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (data / "segmentation_WBC").mkdir()
    monkeypatch.setenv("WBCSEG_DATA", str(data / "segmentation_WBC"))
    assert len(open_pbc()) == 2
    monkeypatch.setenv("WBCSEG_CACHE", str(data))
    monkeypatch.delenv("WBCSEG_DATA")
    assert len(open_pbc()) == 2


def test_missing_and_damaged_field_sets_are_refused(data: Path) -> None:
    (data / "raabin-fields" / "boxes.csv").write_text("file,left,top,right,bottom\na.jpg,9,2,1,12\n")
    with pytest.raises(DatasetError) as caught:
        open_raabin_fields()
    assert (caught.value.code, caught.value.file) == (ErrorCode.INVALID_VALUE, "raabin-fields/boxes.csv")
    (data / "lisc-fields" / "types.csv").write_text("file,type\nx.png,basophil\n")
    with pytest.raises(DatasetError) as caught:
        open_lisc_fields()
    assert caught.value.code == ErrorCode.INVALID_VALUE
    (data / "pbc" / "cells.csv").unlink()
    with pytest.raises(DatasetError) as caught:
        open_pbc()
    assert caught.value.code == ErrorCode.UNREADABLE
    (data / "pbc").rename(data / "other")
    with pytest.raises(DatasetError) as caught:
        open_pbc()
    assert caught.value.code == ErrorCode.NOT_FOUND
    assert "WBCSEG_DATA" in str(caught.value)


def test_the_detector_never_learns_from_held_out_images() -> None:
    split = load_detector_split()
    assert [len(names) for names in vars(split).values()] == [777, 60, 30, 33]
    assert not split.pbc_held_out & split.pbc_examples
    assert all(name.startswith(("zheng-1/", "zheng-2/")) for name in split.zheng_held_out)
