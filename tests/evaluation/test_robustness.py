"""Models on pictures in other light, focus or stain, and of cells with hardly any cytoplasm."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from wbcseg.cli import main
from wbcseg.datasets import open_dataset
from wbcseg.evaluation import robustness
from wbcseg.evaluation.result_store import read_result
from wbcseg.evaluation.robustness import FOREGROUND_REGIONS, PERTURBATIONS, UNCHANGED
from wbcseg.inference import Catalog
from wbcseg.labels import CYTOPLASM, NUCLEUS

COMMITTED = sorted(robustness.ROBUSTNESS_FOLDER.glob("*.json"))


@pytest.mark.parametrize("name", PERTURBATIONS)
def test_a_change_is_one_and_always_the_same(name: str) -> None:
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


def test_light_and_stain_do_what_they_are_called() -> None:
    sample = open_dataset("synthetic").read("synthetic/008")
    assert sample.mask is not None
    mean = {name: change(sample.image, sample.mask)[0].mean(axis=(0, 1)) for name, change in PERTURBATIONS.items()}
    plain = mean[UNCHANGED]
    assert mean["orange light"][2] < 0.6 * plain[2]
    assert mean["blue light"][0] < 0.7 * plain[0]
    assert mean["half of the light"] == pytest.approx(plain / 2, abs=1)
    assert (mean["paler stain"] > plain).all()
    assert (mean["darker stain"] < plain).all()
    assert np.ptp(mean["grey"]) < 1e-9


@pytest.mark.parametrize("path", COMMITTED, ids=lambda path: path.stem)
def test_committed_figures_are_those_of_the_shipped_model(path: Path, zheng_data: Path) -> None:
    result = read_result(path)
    segmenter = Catalog().load(result["model"])
    card = segmenter.card
    assert result["weights"] == card.files["weights"].sha256
    assert [row["name"] for row in result["changes"]] == list(PERTURBATIONS)
    first = result["changes"][0]
    if first["images"] == card.test_metrics["images"]:
        for region in FOREGROUND_REGIONS:
            assert first[region]["dice"] == pytest.approx(card.test_metrics["regions"][region]["dice"], abs=1e-5)


def test_every_general_model_has_figures() -> None:
    general = {entry.name for entry in Catalog().usable if entry.shipped and entry.card and entry.card.two_stage}
    assert {path.stem for path in COMMITTED} == general


def test_the_command_measures_and_writes_what_it_prints(
    zheng_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    few = {name: PERTURBATIONS[name] for name in (UNCHANGED, "an eighth of the rim")}
    monkeypatch.setattr(robustness, "PERTURBATIONS", few)
    assert main(["evaluate", "unet-general", "--robustness", "--out", str(tmp_path)]) == 0
    printed = capsys.readouterr().out
    result = read_result(tmp_path / "unet-general.json")
    assert [row["name"] for row in result["changes"]] == list(few)
    thin = result["changes"][1]
    assert 0 < thin["images"] < result["changes"][0]["images"]
    assert f"{thin[NUCLEUS.name]['dice']:.4f}" in printed
    committed = {row["name"]: row for row in read_result(robustness.ROBUSTNESS_FOLDER / "unet-general.json")["changes"]}
    if thin["images"] == committed[thin["name"]]["images"]:
        assert thin[NUCLEUS.name]["dice"] == pytest.approx(committed[thin["name"]][NUCLEUS.name]["dice"], abs=0.002)
