"""Robustness: models on images with other light, focus or stain, and on cells with hardly any cytoplasm."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from wbcseg.cli import main
from wbcseg.datasets import open_dataset
from wbcseg.evaluation import robustness
from wbcseg.evaluation.result_store import read_result
from wbcseg.evaluation.robustness import PERTURBATIONS, ROBUSTNESS_FOLDER, UNCHANGED, RobustnessResult
from wbcseg.inference import Catalog
from wbcseg.labels import CYTOPLASM
from wbcseg.metrics import FOREGROUND_REGIONS

COMMITTED = sorted(ROBUSTNESS_FOLDER.glob("*.json"))
THINNEST = "1/8 of the cytoplasm rim"


def read(path: Path) -> RobustnessResult:
    return RobustnessResult.from_dict(read_result(path))


@pytest.mark.parametrize("name", PERTURBATIONS)
def test_a_perturbation_changes_the_image_and_is_repeatable(name: str) -> None:
    sample = open_dataset("synthetic").read("synthetic/008")
    assert sample.mask is not None
    image, mask = PERTURBATIONS[name](sample.image, sample.mask)
    again, _ = PERTURBATIONS[name](sample.image, sample.mask)
    assert image.shape == sample.image.shape
    assert image.dtype == mask.dtype == np.uint8
    assert (image == again).all()
    assert (image == sample.image).all() == (name == UNCHANGED)
    thinner = (mask == CYTOPLASM.id).sum() < (sample.mask == CYTOPLASM.id).sum()
    assert thinner == name.endswith("rim")
    assert (mask == sample.mask).all() != name.endswith("rim")


def test_light_and_stain_change_as_named() -> None:
    sample = open_dataset("synthetic").read("synthetic/008")
    assert sample.mask is not None
    mean = {name: perturb(sample.image, sample.mask)[0].mean(axis=(0, 1)) for name, perturb in PERTURBATIONS.items()}
    unchanged = mean[UNCHANGED]
    assert mean["orange light"][2] < 0.6 * unchanged[2]
    assert mean["blue light"][0] < 0.7 * unchanged[0]
    assert mean["half the light"] == pytest.approx(unchanged / 2, abs=1)
    assert (mean["paler stain"] > unchanged).all()
    assert (mean["darker stain"] < unchanged).all()
    assert np.ptp(mean["greyscale"]) < 1e-9


@pytest.mark.parametrize("path", COMMITTED, ids=lambda path: path.stem)
def test_committed_scores_are_those_of_the_shipped_model(path: Path, zheng_data: Path) -> None:
    result = read(path)
    card = Catalog().load(result.model).card
    assert result.weights == card.files["weights"].sha256
    assert [change.name for change in result.changes] == list(PERTURBATIONS)
    unchanged = result.changes[0]
    if unchanged.images == card.test_metrics.images:
        for region in FOREGROUND_REGIONS:
            assert unchanged.get_dice(region) == pytest.approx(card.test_metrics.regions[region].dice, abs=1e-5)


def test_every_general_model_has_a_result() -> None:
    general = {entry.name for entry in Catalog().usable if entry.shipped and entry.card.two_stage}
    assert {path.stem for path in COMMITTED} == general


def test_the_command_writes_what_it_prints(
    zheng_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    few = {name: PERTURBATIONS[name] for name in (UNCHANGED, THINNEST)}
    monkeypatch.setattr(robustness, "PERTURBATIONS", few)
    assert main(["robustness", "unet-general", "--out", str(tmp_path)]) == 0
    printed = capsys.readouterr().out
    result = read(tmp_path / "unet-general.json")
    assert [change.name for change in result.changes] == list(few)
    unchanged, thinnest = result.changes
    assert 0 < thinnest.images < unchanged.images
    assert f"{thinnest.get_dice('nucleus'):.4f}" in printed
    committed = {change.name: change for change in read(ROBUSTNESS_FOLDER / "unet-general.json").changes}[THINNEST]
    if thinnest.images == committed.images:
        assert thinnest.get_dice("nucleus") == pytest.approx(committed.get_dice("nucleus"), abs=0.002)
