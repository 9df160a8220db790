"""Cross-site study: its trainings, what is measured, and where the results are shown."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from models import SHIPPED, copy_of_shipped
from sample_runs import ENVIRONMENT

from wbcseg.cli import cross_site as command
from wbcseg.cli import main
from wbcseg.cli.studies import runner
from wbcseg.cli.studies.options import OVERRIDABLE_SETTINGS
from wbcseg.cli.studies.report import format_cross_site
from wbcseg.datasets import open_dataset
from wbcseg.errors import ConfigError
from wbcseg.evaluation import cross_site, cross_validation
from wbcseg.evaluation.cross_site import (
    CROSS_SITE_FOLDER,
    load_cross_site_result,
    load_cross_site_results,
    plan_cross_site,
    summarise_cross_site,
)
from wbcseg.evaluation.metric_specs import get_metric
from wbcseg.evaluation.result_store import write_result
from wbcseg.inference import Catalog
from wbcseg.models.card import ModelCard
from wbcseg.models.card_records import Environment
from wbcseg.paths import get_weights_folder
from wbcseg.quality.fit import fit_quality_model
from wbcseg.quality.model import QUALITY_MODELS_FOLDER
from wbcseg.quality.negatives import generate_negative_images
from wbcseg.training import PRESETS, TrainingConfig

COMMITTED = sorted(CROSS_SITE_FOLDER.glob("*.json"))


def test_there_is_one_training_for_each_site_with_the_general_preset() -> None:
    study = plan_cross_site("segnet", base_filters=12)
    assert study.run_names == ("cross-site-segnet-0", "cross-site-segnet-1")
    assert [config.dataset for config in study.configs] == ["zheng-1+synthetic", "zheng-2+synthetic"]
    assert {config.augmentation for config in study.configs} == {PRESETS["general"].augmentation}
    assert {config.base_filters for config in study.configs} == {12}
    assert [(config.epochs, config.clean_epochs) for config in study.configs] == [(160, 55), (320, 100)]
    assert {config.epochs for config in plan_cross_site("segnet", epochs=300).configs} == {300}


def test_a_network_without_settings_of_its_own_gets_the_general_preset(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cross_site, "SITE_SETTINGS", {})
    for config in plan_cross_site("unet").configs:
        assert (config.epochs, config.base_filters) == (PRESETS["general"].epochs, PRESETS["general"].base_filters)


@pytest.mark.parametrize("path", COMMITTED, ids=lambda path: path.stem)
def test_committed_results_have_the_settings_of_the_command(path: Path) -> None:
    result = load_cross_site_result(path)
    runner.check_settings(plan_cross_site(path.stem), result, path)
    first = result.trainings[0]
    with pytest.raises(ConfigError, match=f"epochs {first.epochs}, clean_epochs"):
        runner.check_settings(plan_cross_site(path.stem, epochs=9, clean_epochs=6), result, path)
    with pytest.raises(ConfigError, match=f"cell_fraction {first.cell_fraction}"):
        runner.check_settings(plan_cross_site(path.stem, cell_fraction=0.8), result, path)


def test_every_overridable_setting_is_an_option(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    configs: list[TrainingConfig] = []
    monkeypatch.setattr(command, "run_cross_site", lambda study, *_, **__: configs.append(study.configs[0]))
    values = {"base_filters": 12, "input_size": 96, "epochs": 9, "clean_epochs": 3, "cell_fraction": 0.7}
    assert set(values) == set(OVERRIDABLE_SETTINGS)
    options = [text for name, value in values.items() for text in (f"--{name.replace('_', '-')}", str(value))]
    assert main(["cross-site", "--architecture", "segnet", *options]) == 130
    assert {name: getattr(configs[0], name) for name in values} == values


def test_nothing_is_written_into_the_package_unless_requested(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    folders: list[tuple[object, ...]] = []
    monkeypatch.setattr(
        command, "run_cross_site", lambda _, out, quality, update_cards: folders.append((out, quality, update_cards))
    )
    for options in ([], ["--out", str(tmp_path)], ["--update-package"]):
        assert main(["cross-site", "--architecture", "unet", *options]) == 130
    assert folders == [
        (None, None, False),
        (tmp_path, tmp_path / "quality_models", False),
        (CROSS_SITE_FOLDER, QUALITY_MODELS_FOLDER, True),
    ]


class FinishedRun:
    """A shipped model in place of a finished run."""

    folder = Catalog().get("unet-16").folder

    def __init__(self, index: int) -> None:
        self.index = index

    def load_metrics(self) -> list[dict[str, float]]:
        return [{"epoch": 1, "seconds": 2.0}]

    def load_config(self) -> TrainingConfig:
        return SMALL_STUDY.configs[self.index]

    def load_environment(self) -> Environment:
        return ENVIRONMENT


class SmallSite:
    """A few synthetic images in place of a site's."""

    def __init__(self, name: str, numbers: range) -> None:
        self.name = name
        self.ids = tuple(f"synthetic/{number:03}" for number in numbers)
        self.read = open_dataset("synthetic").read


SMALL_STUDY = plan_cross_site("unet", epochs=1, clean_epochs=0, cell_fraction=0.5)
SITES = (SmallSite("zheng-1", range(1, 9)), SmallSite("zheng-2", range(11, 17)))


@pytest.fixture(scope="module")
def evaluated() -> tuple[cross_site.CrossSiteResult, list[cross_site.Example]]:
    """A result with the metrics of a quality model, and the examples it was fitted to."""
    with pytest.MonkeyPatch.context() as patch:
        negatives = list(generate_negative_images(0))[::8]
        patch.setattr(cross_site, "generate_negative_images", lambda **_: negatives)
        runs = [FinishedRun(0), FinishedRun(1)]
        result, examples = cross_site.evaluate_cross_site(SMALL_STUDY, runs, SITES)  # type: ignore[arg-type]
    # Synthetic cells are easy: some results are made failures, so that there is something to learn.
    with_failures = [
        replace(example, dice=0.5) if example.dice is not None and index % 3 == 0 else example
        for index, example in enumerate(examples)
    ]
    return replace(result, quality=fit_quality_model(with_failures).metrics), examples


def test_each_network_is_tested_on_the_other_site(
    evaluated: tuple[cross_site.CrossSiteResult, list[cross_site.Example]],
) -> None:
    result, examples = evaluated
    tested = [*SITES[1].ids, *SITES[0].ids]
    assert [training.tested_on for training in result.trainings] == ["zheng-2", "zheng-1"]
    assert [image.id for image in result.images] == tested
    assert set(result.calibration) == {"zheng-1", "zheng-2"}
    originals = [example for example in examples if example.is_original and example.dice is not None]
    assert [example.group for example in originals] == tested
    assert sum(not example.is_original for example in examples) == cross_site.N_VARIED_COPIES * len(tested)


def test_the_summary_has_the_mean_of_each_test(
    evaluated: tuple[cross_site.CrossSiteResult, list[cross_site.Example]],
) -> None:
    result, _ = evaluated
    tests = summarise_cross_site(result).tests
    assert [(test.trained_on, test.tested) for test in tests] == [
        ("zheng-1+synthetic", 6),
        ("zheng-2+synthetic", 8),
    ]
    first = [image.tta for image in result.images if image.training == 0]
    expected = np.mean([get_metric(values, "dice", "nucleus") for values in first])
    assert tests[0].tta["nucleus"].dice == pytest.approx(expected, abs=1e-5)


def test_results_are_written_to_the_cards_of_general_models_and_reported(
    evaluated: tuple[cross_site.CrossSiteResult, list[cross_site.Example]],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    result, _ = evaluated
    write_result(tmp_path / "unet.json", result.to_dict())
    report = format_cross_site([result])
    for words in ("tested on zheng-2 (6 images)", "expected calibration error", "AUROC", "flagged"):
        assert words in report, words
    config = ModelCard.read(get_weights_folder() / "unet-16").config
    general = PRESETS["general"].augmentation
    copy_of_shipped(tmp_path / "weights", config={**config, "augmentation": general})
    copy_of_shipped(tmp_path / "weights", called="segnet-16", architecture="segnet")
    copy_of_shipped(tmp_path / "weights", "cell-detector")
    monkeypatch.setenv("WBCSEG_WEIGHTS", str(tmp_path / "weights"))
    synthetic = open_dataset("synthetic")
    monkeypatch.setattr(runner, "open_dataset", lambda *_, **__: synthetic)
    monkeypatch.setattr(cross_validation, "list_heldout_ids", lambda *_: synthetic.ids[:2])
    updated = runner.run_cross_site(SMALL_STUDY, tmp_path, tmp_path, update_cards=True)
    assert updated is not None
    assert load_cross_site_result(tmp_path / "unet.json") == updated
    assert updated.in_domain is not None
    assert [(image.id, image.training) for image in updated.in_domain.images] == [
        (sample_id, index) for index in (0, 1) for sample_id in synthetic.ids[:2]
    ]
    summary = summarise_cross_site(updated)
    assert [site.images for site in summary.in_domain] == [2, 2]
    assert "unet-16 on held-out images of zheng-2 (2 images)" in format_cross_site([updated])
    assert ModelCard.read(tmp_path / "weights" / "unet-16").cross_site == summary
    assert ModelCard.read(tmp_path / "weights" / "segnet-16").cross_site is None
    with pytest.raises(ConfigError, match="base_filters 16"):
        runner.run_cross_site(plan_cross_site("unet", base_filters=8), tmp_path, tmp_path)
    capsys.readouterr()
    assert main(["models", "unet-16"]) == 0
    out = capsys.readouterr().out
    assert "zheng-1+synthetic" in out
    assert f"nucleus {summary.tests[0].tta['nucleus'].dice:.3f}" in out
    assert "AUROC" in out


@pytest.mark.parametrize("name", SHIPPED)
def test_cards_of_general_models_have_the_committed_results(name: str) -> None:
    card = Catalog().get(name).card
    assert card is not None
    results = {result.architecture: result for result in load_cross_site_results()}
    assert card.cross_site == (summarise_cross_site(results[card.architecture]) if card.two_stage else None)
