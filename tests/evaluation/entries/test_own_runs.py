"""Scores of a run's held-out images, which its training leaves in its folder."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from wbcseg.errors import RunError
from wbcseg.evaluation.entries.own_runs import HELDOUT_FILE, load_run_result
from wbcseg.models.card import ModelCard
from wbcseg.training import Run

pytestmark = pytest.mark.usefixtures("toy_network")


@pytest.mark.training
def test_a_finished_run_has_the_scores_of_its_heldout_images(toy_runs: Path) -> None:
    run = Run(toy_runs / "toy")
    result, card = load_run_result(run), ModelCard.read(run.folder)
    assert (result.title, result.architecture, result.parameters) == ("toy", "toy", card.parameters)
    assert sorted(image.id for image in result.images) == sorted(card.split["test"])
    mean = np.mean([image.single["dice"]["cell"] for image in result.images])
    assert mean == pytest.approx(card.test_metrics.regions["cell"].dice, abs=1e-3)
    assert [row["epoch"] for row in result.curve] == [1, 2]
    assert result.pixels is not None
    assert result.manifest_digest == card.split["manifest_digest"]
    # The path of the folder with the images is not in the file.
    assert result.config["dataset"] == "cells"


@pytest.mark.training
def test_damaged_scores_are_an_error(toy_runs: Path, tmp_path: Path) -> None:
    run = Run(tmp_path / "toy")
    shutil.copytree(toy_runs / "toy", run.folder)
    for damage in ({"images": []}, {"images": [{"id": 1}]}, {"environment": 3}, {"further": 1}):
        values = json.loads((toy_runs / "toy" / HELDOUT_FILE).read_text()) | damage
        (run.folder / HELDOUT_FILE).write_text(json.dumps(values))
        with pytest.raises(RunError, match="damaged"):
            load_run_result(run)
    (run.folder / HELDOUT_FILE).unlink()
    with pytest.raises(RunError, match=HELDOUT_FILE):
        load_run_result(run)
