"""The type model that comes with the package."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest
from builders import encode

import wbcseg
from wbcseg.celltypes import TYPE_NAMES, UNSURE, has_type_model, load_type_model
from wbcseg.cli import main
from wbcseg.datasets import open_dataset
from wbcseg.evaluation.types import load_types_result
from wbcseg.inference import Catalog
from wbcseg.paths import TYPES_FOLDER


def test_it_is_small_and_its_figures_are_those_of_the_result_file() -> None:
    assert has_type_model()
    card, result = load_type_model().card, load_types_result()
    assert card.files["network"].size < 4_000_000
    assert result is not None
    assert result.network == card.files["network"].sha256
    assert card.test_metrics == result.summarise()
    assert {"pbc", "zheng-1", "zheng-2", "lisc"} <= {score.name for score in result.scores}
    assert TYPES_FOLDER not in [entry.name for entry in Catalog().entries]


def test_the_result_of_an_image_has_types() -> None:
    image = open_dataset("synthetic").read("synthetic/002").image
    typed = wbcseg.segment(image, types=True)
    (cell,) = typed.cells
    assert cell.type in (*TYPE_NAMES, UNSURE)
    assert list(cell.type_probabilities) == list(TYPE_NAMES)
    assert sum(cell.type_probabilities.values()) == pytest.approx(1)
    assert wbcseg.segment(image).cells[0].type == ""
    corrected = typed.correct([wbcseg.Edit("set_type", ids=(1,), type="basophil")])
    assert corrected.cells[0].type == "basophil"
    assert corrected.cells[0].type_probabilities == cell.type_probabilities


def test_the_command_writes_types_into_the_table(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(encode(open_dataset("synthetic").read("synthetic/003").image))
    arguments = ["--types", "--prior", "none", "--measurements", "--formats", "geojson"]
    assert main(["segment", str(tmp_path / "a.png"), "--out", str(tmp_path / "out"), *arguments]) == 0
    with (tmp_path / "out" / "cells.csv").open(encoding="utf-8-sig") as file:
        (row,) = csv.DictReader(file)
    assert row["type"] in (*TYPE_NAMES, UNSURE)
    assert float(row["probability_neutrophil"]) >= 0
    assert row["type"].capitalize() in (tmp_path / "out" / "unet-general" / "a.geojson").read_text(encoding="utf-8")
