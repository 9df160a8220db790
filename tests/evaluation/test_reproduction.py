"""The thesis' experiments: what they are, how their pictures are scored, and a small one carried out for real."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from builders import write_pairs

from wbcseg.cli import main
from wbcseg.datasets.synthetic import draw_sample
from wbcseg.evaluation import reproduction
from wbcseg.evaluation.reproduction import (
    EXPERIMENTS,
    Experiment,
    compare_with_thesis,
    list_experiment_files,
    list_experiments,
    load_experiment_results,
    score_like_thesis,
)
from wbcseg.evaluation.result_store import read_result
from wbcseg.evaluation.thesis import SCORED_CLASSES, THESIS_ARCHITECTURES, load_thesis_result
from wbcseg.splitting.thesis import ThesisDataset, build_thesis_dataset
from wbcseg.training import TrainingConfig


@pytest.fixture(scope="module")
def prepared() -> ThesisDataset:
    return build_thesis_dataset([draw_sample(4, i, size=(120, 120)) for i in range(30)])


def test_the_experiments_are_the_tables_at_full_width_and_the_annex() -> None:
    tables, again, annex = (list_experiments(part) for part in ("tables", "again", "annex"))
    assert [*tables, *again, *annex] == list(EXPERIMENTS.values())
    assert [one.name for one in tables] == ["unet", "segnet", "deconvnet"]
    assert all(
        one.config.base_filters == 64 and one.config.flipped_copies and one.config.epochs == 30 for one in tables
    )
    assert [(one.config.architecture, one.config.base_filters) for one in annex] == [
        ("unet", 64),
        ("segnet", 16),
        ("deconvnet", 16),
    ]
    assert not any(one.config.flipped_copies for one in annex)
    for one in again:
        first = EXPERIMENTS[one.config.architecture].config
        assert one.config != first
        assert one.config == first.replace(seed=one.config.seed)


def test_a_perfect_answer_scores_one_and_pixels_without_a_class_are_nobodys(prepared: ThesisDataset) -> None:
    answers = iter(prepared.targets[index] for index in prepared.test)
    rows = score_like_thesis(lambda _: next(answers), prepared)
    assert [row["id"] for row in rows] == list(prepared.get_ids(prepared.test))
    for row in rows:
        assert row["accuracy"] == 1.0
        assert row["thesis_jaccard"] == {"cytoplasm": 1.0, "nucleus": 1.0}
        assert row["thesis_dice"] == {"cytoplasm": 1.0, "nucleus": 1.0}
        assert set(row["dice"].values()) <= {1.0, None}


def test_scores_by_hand() -> None:
    """Two pixels of cytoplasm, one found; a third one with 0.5 for each class, which rounding gives to nobody."""
    labels = np.zeros((2, 120, 120), np.uint8)
    labels[:, 0, :2] = 1
    blank = np.zeros(labels.shape, bool)
    blank[:, 5, 5] = True
    images = np.zeros((2, 120, 120, 3), np.uint8)
    one = ThesisDataset(("a", "a+flipped"), images, labels, blank, range(1), range(1, 2), range(0))
    answer = np.zeros((120, 120, 3), np.float32)
    answer[..., 0] = 1.0
    answer[0, 0] = (0.2, 0.7, 0.1)
    answer[0, 1] = (0.1, 0.5, 0.4)
    answer[5, 5] = (0.0, 0.9, 0.1)  # The target has no class there: the Dice of a class leaves it out.
    (row,) = score_like_thesis(lambda _: answer, one)
    assert row["copy_in_training"]
    assert row["dice"] == {"cytoplasm": pytest.approx(2 / 3, abs=1e-6), "nucleus": None}
    # Row 0 and the pixel without a class are in the upper third, which the thesis would have called background.
    assert row["thesis_jaccard"] == {"cytoplasm": 1.0, "nucleus": 1.0}
    # Of three numbers a pixel, one is wrong for the second pixel and one for the pixel without a class.
    assert row["accuracy"] == pytest.approx(1 - 2 / (3 * 14400), abs=1e-6)


def test_what_the_thesis_scored_is_a_third_of_the_picture_with_all_classes(prepared: ThesisDataset) -> None:
    """An error in a row counts in that row's third only, whatever its class."""
    for row, where in ((39, set()), (40, {"cytoplasm"}), (79, {"cytoplasm"}), (80, {"nucleus"}), (118, {"nucleus"})):
        for kind in range(3):
            answer = prepared.targets[prepared.test[0]].copy()
            answer[row, :30] = np.eye(3, dtype=np.float32)[kind]
            answers = iter([answer, *(prepared.targets[index] for index in prepared.test[1:])])
            scored = score_like_thesis(lambda _: next(answers), prepared)[0]  # noqa: B023
            changed = bool((answer != prepared.targets[prepared.test[0]]).any())
            lower = {name for name, value in scored["thesis_dice"].items() if value < 1.0}
            assert lower == (where if changed else set())


def test_the_thesis_compared_as_many_pixels_as_a_third_of_a_picture_has(prepared: ThesisDataset) -> None:
    """Both sides together, of pictures whose last row and column are nobody's: 2 × 4,760 and 2 × 4,641 at most."""
    target = prepared.targets[prepared.test[0]] > 0.5
    sizes = target.reshape(3, 120, 120).sum(axis=(1, 2))
    assert (int(sizes[1]), int(sizes[2])) == (4760, 4641)
    for name in THESIS_ARCHITECTURES:
        middle, lower = (np.array(load_thesis_result(name).count_ones(label)) for label in SCORED_CLASSES)
        assert np.abs(middle - 2 * 4760).max() < 35, "no cell is that large, nor every one the same"
        assert np.abs(lower - 2 * 4641).max() < 12


def a_result(name: str) -> dict[str, object]:
    row = {
        "binary_accuracy": 0.97,
        "val_binary_accuracy": 0.96,
        "loss": 0.05,
        "val_loss": 0.07,
        "cpu_seconds": 4.0,
    }
    better = {**row, "val_binary_accuracy": 0.98}
    scores = {
        "dice": {"cytoplasm": 0.9, "nucleus": None},
        "thesis_dice": {"cytoplasm": 0.96, "nucleus": 0.98},
        "thesis_jaccard": {"cytoplasm": 0.99, "nucleus": 1.0},
    }
    pictures = [{"id": "a", "copy_in_training": True, "accuracy": 0.9, **scores}, {"id": "b", **scores}]
    pictures[1]["dice"] = {"cytoplasm": 0.7, "nucleus": 0.8}
    return {"experiment": name, "history": [better, row], "images": pictures, "seconds": 10.0}


def test_a_table_has_the_published_the_last_and_the_best() -> None:
    table = {line.metric: line for line in compare_with_thesis(EXPERIMENTS["unet"], a_result("unet"))}
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
    annex = {
        line.metric: line
        for line in compare_with_thesis(EXPERIMENTS["segnet-without-copies"], a_result("segnet-without-copies"))
    }
    assert annex["accuracy, test"].thesis == 0.9703
    assert annex["Dice, nucleus"].thesis is None


def test_the_published_tables_alone() -> None:
    """The printed means and errors, and the Jaccard index that follows from the printed Dice."""
    for name, cytoplasm, nucleus in (("unet", 0.942, 0.977), ("deconvnet", 0.876, 0.947), ("segnet", 0.869, 0.942)):
        table = {line.metric: line for line in compare_with_thesis(EXPERIMENTS[name])}
        assert table["Jaccard of the same, cytoplasm"].thesis == pytest.approx(cytoplasm, abs=6e-4)
        assert table["Jaccard of the same, nucleus"].thesis == pytest.approx(nucleus, abs=6e-4)
        assert table["Dice, nucleus"].final is None
    dice = {line.metric: line for line in compare_with_thesis(EXPERIMENTS["unet"])}['"Dice" as published, nucleus']
    assert dice.thesis == pytest.approx(0.9882, abs=1e-4)
    assert dice.thesis_error == pytest.approx(0.0013, abs=1e-4)


def test_committed_results_are_whole() -> None:
    for name, result in load_experiment_results(list_experiment_files()).items():
        assert TrainingConfig.from_dict(result["config"]) == EXPERIMENTS[name].config
        assert len(result["history"]) == 30
        assert result["images"]
        assert compare_with_thesis(EXPERIMENTS[name], result)


@pytest.mark.training
def test_an_experiment_is_carried_out_and_reported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    root = write_pairs(tmp_path / "squares", 16, (120, 120), seed=4)
    config = EXPERIMENTS["unet"].config.replace(base_filters=4, epochs=2, dataset=str(root))
    monkeypatch.setitem(reproduction.EXPERIMENTS, "unet", Experiment("unet", config))
    monkeypatch.setenv("WBCSEG_RUNS", str(tmp_path / "runs"))
    command = ["reproduce", "unet", "--out", str(tmp_path / "results")]
    assert main(command) == 0
    result = read_result(tmp_path / "results" / "unet.json")
    assert len(result["history"]) == 2
    assert len(result["images"]) == 2
    # The network for prediction, scored picture by picture, agrees with what the training saw.
    mean = np.mean([row["accuracy"] for row in result["images"]])
    assert mean == pytest.approx(result["history"][-1]["val_binary_accuracy"], abs=2e-3)
    capsys.readouterr()
    assert main(command) == 0
    out = capsys.readouterr().out
    assert "there is a result already" in out
    assert "accuracy, test" in out
    assert f"{load_thesis_result('unet').test_accuracy:.4f}" in out
    assert main([*command, "--report", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["unet"][1]["figure"] == "accuracy, test"


def test_unknown_experiments_are_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["reproduce", "vgg"]) == 1
    assert "'vgg'. There are: unet, segnet" in capsys.readouterr().err
    assert main(["reproduce", "--report", "--out", str(tmp_path)]) == 0
    assert "no result yet" in capsys.readouterr().out
