"""Cross-validation: its trainings, a small one run for real, and the committed results."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from builders import write_pairs
from sample_runs import skip_precision_timing

from wbcseg.cli import main
from wbcseg.datasets import open_dataset
from wbcseg.errors import ConfigError
from wbcseg.evaluation.cross_site import load_cross_site_results
from wbcseg.evaluation.cross_validation import (
    CROSS_VALIDATION_FOLDER,
    list_study_files,
    load_study_results,
    plan_comparison,
    plan_cross_validation,
)
from wbcseg.evaluation.entries.extras import CURVE_METRICS
from wbcseg.evaluation.metric_specs import compute_metrics
from wbcseg.evaluation.study_result import CrossValidationResult, PredictionMode
from wbcseg.inference import Catalog, Segmenter
from wbcseg.models import ARCHITECTURES, COMPARED_PARAMETERS, get_spec
from wbcseg.models.method_registry import METHODS
from wbcseg.training import PRESETS, TrainingConfig
from wbcseg.training.settings import SETTINGS

MODES: tuple[tuple[PredictionMode, bool], ...] = (("single", False), ("tta", True))


def test_folds_differ_only_in_the_fold() -> None:
    study = plan_cross_validation("compact", "zheng-1", "segnet", folds=5, epochs=60)
    assert study.name == "zheng-1-compact-cv5"
    assert study.run_names[4] == "zheng-1-compact-cv5-segnet-4"
    expected = PRESETS["compact"].replace(architecture="segnet", epochs=60)
    assert study.configs == tuple(expected.replace(fold=fold) for fold in range(5))


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_networks_are_compared_at_nearly_equal_size(architecture: str) -> None:
    study = plan_comparison("zheng-1", architecture)
    (base_filters,) = {config.base_filters for config in study.configs}
    parameters = get_spec(architecture).count_parameters(base_filters)
    assert abs(parameters - COMPARED_PARAMETERS) <= 0.12 * COMPARED_PARAMETERS
    assert (study.name, len(study.configs)) == ("zheng-1-comparison-cv5", 5)
    assert {(config.split, config.epochs) for config in study.configs} == {("leak-free", PRESETS["comparison"].epochs)}


def test_the_preset_of_the_thesis_is_leak_free_unless_leakage_is_requested() -> None:
    leak_free = plan_cross_validation("thesis", "zheng-1", "unet", folds=5, base_filters=16).configs[2]
    assert (leak_free.split, leak_free.flipped_copies, leak_free.thesis_bugs) == ("leak-free", True, False)
    assert (leak_free.base_filters, leak_free.fold) == (16, 2)
    leaky = plan_cross_validation("thesis", "zheng-1", "unet", folds=5, base_filters=16, leaky=True)
    assert leaky.name == "zheng-1-thesis-cv5-leaky"
    assert leaky.configs[2] == leak_free.replace(split="leaky")


def test_random_splits_train_on_70_percent() -> None:
    study = plan_cross_validation("compact", "zheng", "unet", splits=3)
    assert study.name == "zheng-compact-splits3"
    splits = [(config.split_seed, config.fold, config.folds, config.unused_fraction) for config in study.configs]
    assert splits == [(1, 0, 5, 0.1), (2, 0, 5, 0.1), (3, 0, 5, 0.1)]


def test_invalid_studies_are_rejected() -> None:
    with pytest.raises(ConfigError, match="0 folds and 0 splits"):
        plan_cross_validation("compact", "zheng-1", "unet")
    with pytest.raises(ConfigError, match="folds"):
        plan_cross_validation("compact", "zheng-1", "unet", folds=50)


@pytest.mark.training
@pytest.mark.usefixtures("toy_network")
def test_a_cross_validation_is_run_resumed_and_reported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    root = write_pairs(tmp_path / "cells", 12, (48, 48), seed=4)
    monkeypatch.setenv("WBCSEG_RUNS", str(tmp_path / "runs"))
    config = PRESETS["quick"].replace(architecture="toy", base_filters=4, input_size=48)
    skip_precision_timing(config, tmp_path / "cache", monkeypatch)
    out = tmp_path / "results"
    small = ["--folds", "2", "--epochs", "2", "--base-filters", "4", "--input-size", "48", "--out", str(out)]
    networks = ["--preset", "quick", "--architecture", "toy"]
    command = ["cross-validate", "--dataset", str(root), *networks, *small]
    assert main(command) == 0
    (result,) = load_study_results(list_study_files(out))
    assert result.study == "cells-quick-cv2"
    assert [result.config[name] for name in ("base_filters", "input_size")] == [4, 48]
    assert str(tmp_path) not in json.dumps(result.to_dict())
    assert [training.tested for training in result.trainings] == [6, 6]
    assert all((training.cpu_seconds or 0) > 0 for training in result.trainings)
    assert sorted(image.id for image in result.images) == list(open_dataset(str(root)).ids)
    # The scores are those of the run that did not see the image.
    image = result.images[-1]
    segmenter = Segmenter(tmp_path / "runs" / f"cells-quick-cv2-toy-{image.training}")
    sample = open_dataset(str(root)).read(image.id)
    assert sample.mask is not None
    assert not segmenter.card.trained_on(sample.id)
    for mode, tta in MODES:
        expected = compute_metrics(sample.mask, segmenter.predict(sample.image, tta=tta).labels)
        assert image.get_metrics(mode) == expected
    # All pixels of all images are in the confusion matrix, and of every seventh one the probability.
    assert result.pixels is not None
    assert result.pixels.calibration is not None
    assert np.sum(result.pixels.confusion) == 12 * 48 * 48
    correct, accuracies = np.trace(result.pixels.confusion), [image.single["accuracy"] for image in result.images]
    assert correct / (12 * 48 * 48) == pytest.approx(np.mean(accuracies), abs=1e-4)
    assert (result.crop_cpu_ms or 0) > 0
    assert [row["epoch"] for row in result.curve] == [1, 2]
    assert set(result.curve[0]) == {"epoch", *CURVE_METRICS}

    capsys.readouterr()
    assert main(command) == 0
    assert "there is already a result" in capsys.readouterr().out
    assert main([*command, "--base-filters", "6"]) == 1
    assert "base_filters 4" in capsys.readouterr().err
    assert main(["cross-validate", "--dataset", str(tmp_path / "zheng-1"), *networks, *small]) == 1
    assert "Rename" in capsys.readouterr().err
    assert main(["cross-validate", "--report", str(out)]) == 0
    report = capsys.readouterr().out
    assert "cells-quick-cv2: 12 images of cells tested, 2 trainings for each network (6 images, 2 epochs)" in report
    assert "test-time averaging" in report
    (out / "cells-quick-cv2-toy.json").unlink()
    assert main([*command, "--epochs", "3"]) == 1
    assert "with other settings" in capsys.readouterr().err


def test_a_folder_without_results_has_no_report(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["cross-validate", "--report", str(tmp_path)]) == 0
    assert "no results yet" in capsys.readouterr().out


def test_nothing_is_written_into_the_package_unless_requested(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from wbcseg.cli import cross_validate

    folders = []
    monkeypatch.setattr(cross_validate, "run_cross_validation", lambda _, out, *__: folders.append(out))
    for options in ([], ["--out", str(tmp_path)], ["--update-package"]):
        assert main(["cross-validate", "--architecture", "unet", *options]) == 130
    assert folders == [None, tmp_path, CROSS_VALIDATION_FOLDER]
    with pytest.raises(SystemExit):
        main(["cross-validate", "--out", str(tmp_path), "--update-package"])


def test_committed_results_are_complete() -> None:
    for result in load_study_results(list_study_files()):
        assert result.config["architecture"] == result.architecture
        assert sum(training.tested for training in result.trainings) == len(result.images)
        if result.architecture in METHODS:
            assert set(result.config) <= set(SETTINGS)
        else:
            config = TrainingConfig.from_dict({**result.config, "fold": 0, "split_seed": 2})
            assert all(training.epochs == config.epochs for training in result.trainings)
        tests = [(image.training, image.id) for image in result.images]
        assert len(set(tests)) == len(tests)
        if not result.config["unused_fraction"]:
            assert len({image_id for _, image_id in tests}) == len(tests)


def list_shipped_results() -> list[tuple[str, CrossValidationResult, int]]:
    """Return the shipped models that are a training of a committed result, with the result and the training's index."""
    matches = []
    for entry in Catalog(runs=Path("no-runs")).usable:
        for result in load_study_results(list_study_files()):
            card = entry.card
            assert card is not None
            config = {name: value for name, value in card.config.items() if name in result.config}
            if {**result.config, **config} == result.config:
                folds = [training.fold for training in result.trainings]
                matches.append((entry.name, result, folds.index(card.config["fold"])))
    return matches


def test_every_shipped_model_has_a_committed_result() -> None:
    validated = {
        result.architecture for result in load_study_results(list_study_files()) if "-compact-cv" in result.study
    }
    shipped = {entry.name: entry.card for entry in Catalog(runs=Path("no-runs")).usable}
    assert {name for name, *_ in list_shipped_results()} == {
        name for name, card in shipped.items() if card and card.architecture in validated and not card.two_stage
    }
    in_domain = [result.in_domain for result in load_cross_site_results() if result.in_domain]
    assert {result.model for result in in_domain} == {name for name, card in shipped.items() if card and card.two_stage}


def test_committed_in_domain_scores_are_those_of_the_shipped_models(zheng_data: Path) -> None:
    for result in load_cross_site_results():
        assert result.in_domain is not None
        segmenter, images = Catalog().load(result.in_domain.model), result.in_domain.images
        assert {image.id for image in images} <= set(segmenter.card.split["test"])
        for image in images[:: len(images) // 6]:
            sample = open_dataset(image.id.partition("/")[0]).read(image.id)
            assert sample.mask is not None
            again = compute_metrics(sample.mask, segmenter.predict(sample.image).labels)
            assert again["dice"] == pytest.approx(image.single["dice"], abs=0.002), image.id


def test_committed_scores_are_those_of_the_shipped_models(zheng_data: Path) -> None:
    for name, result, training in list_shipped_results():
        segmenter, dataset = Catalog().load(name), open_dataset(result.config["dataset"])
        images = [image for image in result.images if image.training == training and image.id in dataset]
        assert {image.id for image in images} <= set(segmenter.card.split["test"])
        for image in images[:: len(images) // 6]:
            sample = dataset.read(image.id)
            assert sample.mask is not None
            for mode, tta in MODES:
                again = compute_metrics(sample.mask, segmenter.predict(sample.image, tta=tta).labels)
                stored = image.get_metrics(mode)
                assert again["dice"] == pytest.approx(stored["dice"], abs=0.002), (name, image.id)
                assert again["hausdorff_95"] == pytest.approx(stored["hausdorff_95"], abs=0.5)
