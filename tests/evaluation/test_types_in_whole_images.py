"""The type model tested from whole images of ``pbc``: the cell is found, segmented and told what it is."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from wbcseg.celltypes import PRIORS, TYPE_NAMES, TypeModel
from wbcseg.cli import main
from wbcseg.datasets.examples import list_examples, read_example_file
from wbcseg.datasets.fields import load_detector_split
from wbcseg.evaluation.types import TYPES_FOLDER, TypesResult, evaluate_types, load_types_result
from wbcseg.evaluation.types import evaluate as module
from wbcseg.inference import Catalog
from wbcseg.io import open_image
from wbcseg.labels import find_bounds
from wbcseg.paths import get_types_folder

TYPES = ("neutrophil", "eosinophil", "lymphocyte")


@pytest.fixture
def images(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Held-out images of ``pbc``, of which the last has its box where no cell is; and one that is not held out."""
    folder = tmp_path / "data" / "pbc"
    (folder / "images").mkdir(parents=True)
    held_out = sorted(load_detector_split().pbc_held_out)[: len(TYPES) + 1]
    segmenter, rows = Catalog().load("unet-general"), ["file,type,subtype,left,top,right,bottom"]
    for name, cell_type in zip([*held_out, "other.jpg"], [*TYPES, TYPES[0], TYPES[0]], strict=True):
        data = read_example_file(next(e for e in list_examples() if e.type == cell_type and not e.composed))
        (folder / "images" / name).write_bytes(data)
        bounds = find_bounds(segmenter.predict(open_image(data).pixels).labels > 0)
        box = (0, 0, 12, 12) if name == held_out[-1] else bounds
        rows.append(f"{name},{cell_type},,{','.join(map(str, box or ()))}")
    (folder / "cells.csv").write_text("\n".join(rows))
    monkeypatch.setenv("WBCSEG_DATA", str(tmp_path / "data"))
    return held_out


def test_cells_are_found_and_told_and_those_not_found_are_counted(images: list[str]) -> None:
    result = evaluate_types(TypeModel(get_types_folder()), None, ["pbc-images"])
    assert {score.prior for score in result.scores} == set(PRIORS)
    for score in result.scores:
        assert (score.name, score.cells, score.missed) == ("pbc-images", len(images) - 1, 1)
        confusions = np.array(score.confusions)
        assert confusions.sum(axis=1)[[TYPE_NAMES.index(name) for name in TYPES]].tolist() == [1, 1, 1]
        assert np.trace(confusions) >= 2, "Examples that the shipped model knows."
    assert TypesResult.from_dict(json.loads(json.dumps(result.to_dict()))) == result
    assert all(row["missed"] == 1 for row in result.summarise()["scores"])


def test_the_command_needs_no_library_for_it(images: list[str], tmp_path: Path, capsys: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr(module, "PBC_IMAGES", 2)
    assert main(["types", "evaluate", "--tests", "pbc-images", "--out", str(tmp_path / "out")]) == 0
    assert "1 not found" in capsys.readouterr().out
    result = load_types_result(tmp_path / "out")
    assert result is not None
    # The first and the last of the held-out ones.
    assert {(score.cells, score.missed) for score in result.scores} == {(1, 1)}


def test_tests_that_are_not_made_again_are_kept(images: list[str], tmp_path: Path, monkeypatch: Any) -> None:
    shutil.copytree(get_types_folder().parent, tmp_path / "weights")
    shutil.copytree(TYPES_FOLDER, tmp_path / "results")
    stored = load_types_result()
    assert stored is not None
    monkeypatch.setenv("WBCSEG_WEIGHTS", str(tmp_path / "weights"))
    monkeypatch.setattr("wbcseg.evaluation.types.TYPES_FOLDER", tmp_path / "results")
    monkeypatch.setattr("wbcseg.evaluation.types.load_types_result", lambda: stored)
    arguments = ["types", "evaluate", "--tests", "pbc-images", "--update-package"]
    assert main(arguments) == 0
    result = load_types_result(tmp_path / "results")
    assert result is not None
    kept = tuple(score for score in stored.scores if score.name != "pbc-images")
    assert result.scores[: len(kept)] == kept
    assert {score.cells for score in result.scores[len(kept) :]} == {len(images) - 1}
    assert result.comparison == stored.comparison
    assert TypeModel(tmp_path / "weights" / "cell-types").card.test_metrics == result.summarise()
    # Those of another network say nothing about this one.
    monkeypatch.setattr("wbcseg.evaluation.types.load_types_result", lambda: replace(stored, network="other"))
    assert main(arguments) == 1
