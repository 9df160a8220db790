"""The thesis' experiments: their settings, how their test images are scored, and a small one run for real."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from builders import write_pairs
from numpy.typing import NDArray
from sample_runs import ENVIRONMENT, skip_precision_timing

from wbcseg.cli import main
from wbcseg.datasets.synthetic import draw_sample
from wbcseg.evaluation import reproduction
from wbcseg.evaluation.reproduction import (
    EXPERIMENTS,
    Experiment,
    ThesisComparison,
    compare_with_thesis,
    list_experiment_files,
    list_experiments,
    load_experiment_results,
    score_like_thesis,
)
from wbcseg.evaluation.study_result import ExperimentResult, ThesisTestImage
from wbcseg.evaluation.thesis import SCORED_CLASSES, THESIS_ARCHITECTURES, load_thesis_result
from wbcseg.splitting.thesis import ThesisDataset, build_thesis_dataset, encode_one_hot
from wbcseg.training import TrainingConfig


@pytest.fixture(scope="module")
def thesis_dataset() -> ThesisDataset:
    return build_thesis_dataset([draw_sample(4, i, size=(120, 120)) for i in range(30)])


def list_targets(dataset: ThesisDataset) -> list[NDArray[np.float32]]:
    """Return the one-hot targets of the test images."""
    return [encode_one_hot(dataset.labels[index], dataset.unlabelled[index]) for index in dataset.test]


def test_the_experiments_are_those_of_the_tables_and_the_annex() -> None:
    tables, repeated, annex = (list_experiments(kind) for kind in ("tables", "again", "annex"))
    assert [*tables, *repeated, *annex] == list(EXPERIMENTS.values())
    assert [experiment.name for experiment in tables] == list(THESIS_ARCHITECTURES)
    for config in (experiment.config for experiment in tables):
        assert (config.base_filters, config.flipped_copies, config.epochs) == (64, True, 30)
    assert [(experiment.config.architecture, experiment.config.base_filters) for experiment in annex] == [
        ("unet", 64),
        ("segnet", 16),
        ("deconvnet", 16),
    ]
    assert not any(experiment.config.flipped_copies for experiment in annex)
    for config in (experiment.config for experiment in repeated):
        first = EXPERIMENTS[config.architecture].config
        assert config != first
        assert config == first.replace(seed=config.seed)


def test_a_perfect_prediction_scores_one(thesis_dataset: ThesisDataset) -> None:
    predictions = iter(list_targets(thesis_dataset))
    images = score_like_thesis(lambda _: next(predictions), thesis_dataset)
    assert [image.id for image in images] == list(thesis_dataset.get_ids(thesis_dataset.test))
    for image in images:
        assert image.accuracy == 1.0
        assert image.thesis_jaccard == {"cytoplasm": 1.0, "nucleus": 1.0}
        assert image.thesis_dice == {"cytoplasm": 1.0, "nucleus": 1.0}
        assert set(image.dice.values()) <= {1.0, None}


def test_scores_of_a_few_pixels_by_hand() -> None:
    """Two pixels of cytoplasm, of which one is predicted; the other one has no class after rounding."""
    labels = np.zeros((2, 120, 120), np.uint8)
    labels[:, 0, :2] = 1
    blank = np.zeros(labels.shape, bool)
    blank[:, 5, 5] = True
    images = np.zeros((2, 120, 120, 3), np.uint8)
    dataset = ThesisDataset(("a", "a+flipped"), images, labels, blank, range(1), range(1, 2), range(0))
    prediction = np.zeros((120, 120, 3), np.float32)
    prediction[..., 0] = 1.0
    prediction[0, 0] = (0.2, 0.7, 0.1)
    prediction[0, 1] = (0.1, 0.5, 0.4)
    prediction[5, 5] = (0.0, 0.9, 0.1)  # The target has no class there: the Dice of a class leaves it out.
    (image,) = score_like_thesis(lambda _: prediction, dataset)
    assert image.copy_in_training
    assert image.dice == {"cytoplasm": pytest.approx(2 / 3, abs=1e-6), "nucleus": None}
    # Row 0 and the pixel without a class are in the upper third, which the thesis would call background.
    assert image.thesis_jaccard == {"cytoplasm": 1.0, "nucleus": 1.0}
    # Of the three numbers of each pixel, one is wrong at the second pixel and one at the pixel without a class.
    assert image.accuracy == pytest.approx(1 - 2 / (3 * 14400), abs=1e-6)


def test_a_published_score_is_that_of_a_third_of_the_image(thesis_dataset: ThesisDataset) -> None:
    """An error counts in the third that its row is in, whatever its class."""
    targets = list_targets(thesis_dataset)
    for row, affected in ((39, set()), (40, {"cytoplasm"}), (79, {"cytoplasm"}), (80, {"nucleus"}), (118, {"nucleus"})):
        for class_id in range(3):
            prediction = targets[0].copy()
            prediction[row, :30] = np.eye(3, dtype=np.float32)[class_id]
            predictions = iter([prediction, *targets[1:]])
            image = score_like_thesis(lambda _: next(predictions), thesis_dataset)[0]  # noqa: B023
            changed = bool((prediction != targets[0]).any())
            lower = {name for name, value in image.thesis_dice.items() if value is not None and value < 1.0}
            assert lower == (affected if changed else set())


def test_the_published_scores_have_as_many_pixels_as_a_third_of_an_image(thesis_dataset: ThesisDataset) -> None:
    """Target and prediction together, without a class in the last row and column: 2 × 4,760 and 2 × 4,641 at most."""
    target = list_targets(thesis_dataset)[0] > 0.5
    sizes = target.reshape(3, 120, 120).sum(axis=(1, 2))
    assert (int(sizes[1]), int(sizes[2])) == (4760, 4641)
    for name in THESIS_ARCHITECTURES:
        middle, lower = (np.array(load_thesis_result(name).count_ones(label)) for label in SCORED_CLASSES)
        assert np.abs(middle - 2 * 4760).max() < 35
        assert np.abs(lower - 2 * 4641).max() < 12


def make_result(name: str) -> ExperimentResult:
    last = {
        "binary_accuracy": 0.97,
        "val_binary_accuracy": 0.96,
        "loss": 0.05,
        "val_loss": 0.07,
        "cpu_seconds": 4.0,
    }
    best = {**last, "val_binary_accuracy": 0.98}
    thesis_dice, thesis_jaccard = {"cytoplasm": 0.96, "nucleus": 0.98}, {"cytoplasm": 0.99, "nucleus": 1.0}
    images = tuple(
        ThesisTestImage(sample_id, True, 0.9, dice, thesis_dice, thesis_jaccard)
        for sample_id, dice in (("a", {"cytoplasm": 0.9, "nucleus": None}), ("b", {"cytoplasm": 0.7, "nucleus": 0.8}))
    )
    return ExperimentResult(name, config={}, environment=ENVIRONMENT, seconds=10.0, history=(best, last), images=images)


def compare(name: str, result: ExperimentResult | None = None) -> dict[str, ThesisComparison]:
    return {row.metric: row for row in compare_with_thesis(EXPERIMENTS[name], result)}


def test_a_table_has_the_published_the_final_and_the_best_value() -> None:
    table = compare("unet", make_result("unet"))
    thesis = load_thesis_result("unet")
    accuracy = table["accuracy, test"]
    assert (accuracy.thesis, accuracy.final, accuracy.best) == (thesis.test_accuracy, 0.96, 0.98)
    printed = table['"Dice" as published, cytoplasm']
    assert printed.thesis == pytest.approx(0.97, abs=0.001)
    assert (printed.final, printed.best) == (pytest.approx(0.96), None)
    assert table["Jaccard of the same, cytoplasm"].final == pytest.approx(0.96 / 1.04)
    dice = table["Dice, cytoplasm"]
    assert dice.thesis is None
    assert (dice.final, dice.best) == (pytest.approx(0.8), None)
    assert dice.final_error == pytest.approx(0.1 / np.sqrt(2))
    nucleus = table["Dice, nucleus"]
    assert (nucleus.final, nucleus.best) == (0.8, None)
    assert (table["seconds"].thesis, table["seconds"].final) == (thesis.seconds, 10.0)
    assert (table["processor seconds"].thesis, table["processor seconds"].final) == (None, 8.0)


def test_the_annex_has_only_accuracy_and_loss() -> None:
    annex = compare("segnet-without-copies", make_result("segnet-without-copies"))
    assert annex["accuracy, test"].thesis == 0.9703
    assert annex["Dice, nucleus"].thesis is None


def test_without_a_result_the_table_has_the_published_values() -> None:
    """The printed means and errors, and the Jaccard index that follows from the printed Dice."""
    for name, cytoplasm, nucleus in (("unet", 0.942, 0.977), ("deconvnet", 0.876, 0.947), ("segnet", 0.869, 0.942)):
        table = compare(name)
        assert table["Jaccard of the same, cytoplasm"].thesis == pytest.approx(cytoplasm, abs=6e-4)
        assert table["Jaccard of the same, nucleus"].thesis == pytest.approx(nucleus, abs=6e-4)
        assert table["Dice, nucleus"].final is None
    dice = compare("unet")['"Dice" as published, nucleus']
    assert dice.thesis == pytest.approx(0.9882, abs=1e-4)
    assert dice.thesis_error == pytest.approx(0.0013, abs=1e-4)


def test_committed_results_are_complete() -> None:
    for name, result in load_experiment_results(list_experiment_files()).items():
        assert TrainingConfig.from_dict(dict(result.config)) == EXPERIMENTS[name].config
        assert len(result.history) == 30
        assert result.images
        assert compare_with_thesis(EXPERIMENTS[name], result)


@pytest.mark.training
def test_an_experiment_is_run_resumed_and_reported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    root = write_pairs(tmp_path / "squares", 16, (120, 120), seed=4)
    config = EXPERIMENTS["unet"].config.replace(base_filters=4, epochs=2, dataset=str(root))
    monkeypatch.setitem(reproduction.EXPERIMENTS, "unet", Experiment("unet", config))
    monkeypatch.setenv("WBCSEG_RUNS", str(tmp_path / "runs"))
    skip_precision_timing(config, tmp_path / "cache", monkeypatch)
    command = ["reproduce", "unet", "--out", str(tmp_path / "results")]
    assert main(command) == 0
    result = load_experiment_results([tmp_path / "results" / "unet.json"])["unet"]
    assert len(result.history) == 2
    assert len(result.images) == 2
    # The exported model, scored image by image, agrees with the validation during training.
    mean = np.mean([image.accuracy for image in result.images])
    assert mean == pytest.approx(result.history[-1]["val_binary_accuracy"], abs=2e-3)
    capsys.readouterr()
    assert main(command) == 0
    out = capsys.readouterr().out
    assert "there is already a result" in out
    assert "accuracy, test" in out
    assert f"{load_thesis_result('unet').test_accuracy:.4f}" in out
    assert main(["reproduce", "unet", "--report", str(tmp_path / "results"), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["unet"][1]["metric"] == "accuracy, test"


def test_an_unknown_experiment_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["reproduce", "vgg"]) == 1
    assert "'vgg'" in capsys.readouterr().err
    assert main(["reproduce", "--report", str(tmp_path)]) == 0
    assert "no results yet" in capsys.readouterr().out
