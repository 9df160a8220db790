"""Leave one laboratory out: which trainings, what is counted, and that the report says it."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest
from models import SHIPPED, copy_of_shipped

from wbcseg.cli import evaluate, main, studies
from wbcseg.cli.studies import format_cross_site_report
from wbcseg.datasets import open_dataset
from wbcseg.errors import ConfigError
from wbcseg.evaluation import cross_site, cross_validation
from wbcseg.evaluation.cross_site import Calibration, plan_cross_site
from wbcseg.evaluation.metric_specs import get_metric
from wbcseg.evaluation.result_store import read_result
from wbcseg.inference import Catalog
from wbcseg.models import ARCHITECTURES
from wbcseg.models.card import ModelCard
from wbcseg.paths import get_weights_folder
from wbcseg.quality.fit import fit_quality_model
from wbcseg.quality.negatives import generate_negative_images
from wbcseg.training import TrainingConfig


def test_one_training_a_laboratory_with_the_recipe_for_any() -> None:
    study = plan_cross_site("segnet", base_filters=12)
    assert study.run_names == ("laboratories-segnet-0", "laboratories-segnet-1")
    assert [config.dataset for config in study.configs] == ["zheng-1+synthetic", "zheng-2+synthetic"]
    assert {config.augmentation for config in study.configs} == {"laboratories"}
    assert {config.base_filters for config in study.configs} == {12}
    assert [(config.epochs, config.clean_epochs) for config in study.configs] == [(160, 55), (320, 100)]
    assert {(config.epochs, config.clean_epochs) for config in plan_cross_site("unet").configs} == {(400, 130)}
    assert {config.epochs for config in plan_cross_site("segnet", epochs=300).configs} == {300}


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_the_command_as_printed_has_the_committed_results(name: str, tmp_path: Path) -> None:
    (result,) = cross_validation.load_study_results([cross_site.CROSS_SITE_FOLDER / f"{name}.json"])
    studies._check_settings(plan_cross_site(name), result, tmp_path)
    with pytest.raises(ConfigError, match=f"other settings: epochs {result['trainings'][0]['epochs']}, sharp_epochs"):
        studies._check_settings(plan_cross_site(name, epochs=9, clean_epochs=6), result, tmp_path)
    with pytest.raises(ConfigError, match=f"share {result['trainings'][0]['cell_fraction']}"):
        studies._check_settings(plan_cross_site(name, cell_fraction=0.8), result, tmp_path)


def test_every_setting_that_a_study_may_change_is_an_option(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    asked = []
    monkeypatch.setattr(studies, "run_cross_site_study", lambda study, *_: asked.append(study.configs[0]) or True)
    values = {"width": 12, "input_size": 96, "epochs": 9, "clean_epochs": 3, "cell_fraction": 0.7}
    assert set(values) == set(evaluate.OVERRIDABLE_SETTINGS)
    options = [text for name, value in values.items() for text in (f"--{name.replace('_', '-')}", str(value))]
    assert main(["evaluate", "--cross-site", "--architecture", "segnet", "--out", str(tmp_path), *options]) == 0
    assert {name: getattr(asked[0], name) for name in values} == values


def test_calibration_tells_right_from_overconfident() -> None:
    rng = np.random.default_rng(0)
    logits = rng.normal(0, 2, (200, 210, 3))
    chances = np.exp(logits) / np.exp(logits).sum(axis=-1, keepdims=True)
    truth = (rng.random((200, 210, 1)) > chances.cumsum(axis=-1)).sum(axis=-1).clip(0, 2).astype(np.uint8)
    right = Calibration()
    right.add(chances.astype(np.float32), truth)
    values = right.to_dict()
    assert values["error"] < 0.02
    assert values["temperature"] == pytest.approx(1.0, abs=0.11)
    assert sum(one["pixels"] for one in values["bins"]) == -(-200 * 210 // cross_site.PIXEL_STRIDE)
    sharp = np.exp(2 * logits) / np.exp(2 * logits).sum(axis=-1, keepdims=True)
    wrong = Calibration()
    wrong.add(sharp.astype(np.float32), truth)
    values = wrong.to_dict()
    assert values["error"] > 0.05
    assert values["temperature"] == 2.0
    assert values["ece_scaled"] < 0.02


class Finished:
    """A shipped model in place of a training's run."""

    folder = Catalog().get("unet-16").folder

    def __init__(self, number: int) -> None:
        self.number = number

    def metrics(self) -> list[dict[str, float]]:
        return [{"epoch": 1, "seconds": 2.0}]

    def config(self) -> TrainingConfig:
        return plan_cross_site("unet", epochs=1, clean_epochs=0, cell_fraction=0.5).configs[self.number]

    def read(self, _: str) -> dict[str, str]:
        return {"tensorflow": "none"}


class Part:
    """A few drawn pictures in place of a laboratory's."""

    def __init__(self, name: str, numbers: range) -> None:
        self.name = name
        self.ids = tuple(f"synthetic/{number:03}" for number in numbers)
        self.read = open_dataset("synthetic").read


def test_the_other_laboratory_is_tested_and_reported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    parts = [Part("zheng-1", range(1, 9)), Part("zheng-2", range(11, 17))]
    monkeypatch.setattr(cross_site, "generate_negative_images", lambda seed: list(generate_negative_images(seed))[::8])
    seen: list[str] = []
    runs = [Finished(0), Finished(1)]
    study = plan_cross_site("unet", epochs=1, clean_epochs=0, cell_fraction=0.5)
    result, examples = cross_site.evaluate_cross_site(study, runs, parts, seen.append)  # type: ignore[arg-type]
    assert [one["tested_on"] for one in result["trainings"]] == ["zheng-2", "zheng-1"]
    assert [row["id"] for row in result["images"]] == [*parts[1].ids, *parts[0].ids] == seen
    assert set(result["calibration"]) == {"zheng-1", "zheng-2"}
    plain = [one for one in examples if one.is_original and one.dice is not None]
    assert [one.group for one in plain] == seen
    assert sum(not one.is_original for one in examples) == cross_site.N_VARIED_COPIES * len(seen)
    # The drawn cells are easy: some results are called bad, so that there is something to learn.
    marked = [
        dataclasses.replace(one, dice=0.5) if one.dice is not None and number % 3 == 0 else one
        for number, one in enumerate(examples)
    ]
    trust = dict(fit_quality_model(marked).metrics)
    (tmp_path / "unet.json").write_text(json.dumps({**result, "trust": trust}))
    short = cross_site.summarise_cross_site({**result, "trust": trust})
    assert [(one["trained_on"], one["tested"]) for one in short["tests"]] == [
        ("zheng-1+synthetic", 6),
        ("zheng-2+synthetic", 8),
    ]
    of_first = [row["careful"] for row in result["images"] if row["training"] == 0]
    expected = np.mean([get_metric(one, "dice", "nucleus") for one in of_first])
    assert short["tests"][0]["careful"]["nucleus"]["dice"] == pytest.approx(expected, abs=1e-5)
    report = format_cross_site_report(tmp_path)
    for words in ("tested on zheng-2 (6 pictures)", "expected calibration error", "AUROC", "that are marked"):
        assert words in report, words
    # Cards of models of the same kind tell it, and no others.
    config = ModelCard.read(get_weights_folder() / "unet-16").config
    copy_of_shipped(tmp_path / "weights", config={**config, "augmentation": "laboratories"})
    copy_of_shipped(tmp_path / "weights", called="segnet-16", architecture="segnet")
    monkeypatch.setenv("WBCSEG_WEIGHTS", str(tmp_path / "weights"))
    synthetic = open_dataset("synthetic")
    monkeypatch.setattr(studies, "open_dataset", lambda *_, **__: synthetic)
    monkeypatch.setattr(cross_site, "CROSS_SITE_FOLDER", tmp_path)
    monkeypatch.setattr(cross_validation, "list_heldout_ids", lambda *_: synthetic.ids[:2])
    assert studies.run_cross_site_study(study, tmp_path, tmp_path)
    with pytest.raises(ConfigError, match="has a result with other settings: width 16"):
        studies.run_cross_site_study(plan_cross_site("unet", base_filters=8), tmp_path, tmp_path)
    told = read_result(tmp_path / "unet.json")
    assert [(row["id"], row["training"]) for row in told["home"]["images"]] == [
        (name, number) for number in (0, 1) for name in synthetic.ids[:2]
    ]
    short = cross_site.summarise_cross_site(told)
    assert [one["images"] for one in short["home"]] == [2, 2]
    assert "unet-16 on held-out pictures of zheng-2 (2 pictures)" in format_cross_site_report(tmp_path)
    assert ModelCard.read(tmp_path / "weights" / "unet-16").cross_site == short
    assert not ModelCard.read(tmp_path / "weights" / "segnet-16").cross_site
    capsys.readouterr()
    assert main(["models", "unet-16"]) == 0
    out = capsys.readouterr().out
    assert "trained the same way on zheng-1+synthetic and tested on zheng-2 (6 pictures)" in out
    assert f"nucleus {short['tests'][0]['careful']['nucleus']['dice']:.3f}" in out
    assert "no smears told from smears: AUROC" in out


@pytest.mark.parametrize("name", SHIPPED)
def test_shipped_cards_tell_the_committed_results(name: str) -> None:
    card = Catalog().get(name).card
    assert card is not None
    path = cross_site.CROSS_SITE_FOLDER / f"{card.architecture}.json"
    if card.two_stage:
        assert card.cross_site == cross_site.summarise_cross_site(read_result(path))
    else:
        assert not card.cross_site
