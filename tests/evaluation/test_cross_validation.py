"""Cross-validation: which trainings make a study, and a small one carried out for real."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from builders import write_pairs

from wbcseg.cli import main
from wbcseg.datasets import open_dataset
from wbcseg.errors import ConfigError
from wbcseg.evaluation import cross_site
from wbcseg.evaluation.cross_validation import list_study_files, load_study_results, plan_cross_validation
from wbcseg.evaluation.metric_specs import compute_metrics
from wbcseg.inference import Catalog, Segmenter
from wbcseg.training import PRESETS, TrainingConfig


def test_folds_differ_in_nothing_but_the_fold() -> None:
    study = plan_cross_validation("compact", "zheng-1", "segnet", folds=5, epochs=60)
    assert study.name == "zheng-1-compact-cv5"
    assert study.run_names[4] == "zheng-1-compact-cv5-segnet-4"
    wanted = PRESETS["compact"].replace(architecture="segnet", epochs=60)
    assert study.configs == tuple(wanted.replace(fold=fold) for fold in range(5))


def test_the_published_recipe_is_used_without_its_leak_unless_asked_for() -> None:
    fair = plan_cross_validation("thesis", "zheng-1", "unet", folds=5, base_filters=16).configs[2]
    assert (fair.split, fair.flipped_copies, fair.thesis_bugs, fair.base_filters, fair.fold) == (
        "leak-free",
        True,
        False,
        16,
        2,
    )
    leaking = plan_cross_validation("thesis", "zheng-1", "unet", folds=5, base_filters=16, leaky=True)
    assert leaking.name == "zheng-1-thesis-cv5-leaky"
    assert leaking.configs[2] == fair.replace(split="leaky")


def test_random_splits_train_on_seven_tenths() -> None:
    study = plan_cross_validation("compact", "zheng", "unet", splits=3)
    assert study.name == "zheng-compact-splits3"
    assert [(one.split_seed, one.fold, one.folds, one.unused_fraction) for one in study.configs] == [
        (1, 0, 5, 0.1),
        (2, 0, 5, 0.1),
        (3, 0, 5, 0.1),
    ]


def test_what_makes_no_study_is_refused() -> None:
    with pytest.raises(ConfigError, match="Received: 0 folds and 0 splits"):
        plan_cross_validation("compact", "zheng-1", "unet")
    with pytest.raises(ConfigError, match="`folds` must be from"):
        plan_cross_validation("compact", "zheng-1", "unet", folds=50)


@pytest.mark.training
def test_a_cross_validation_is_carried_out_goes_on_and_is_reported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    root = write_pairs(tmp_path / "cells", 12, (48, 48), seed=4)
    monkeypatch.setenv("WBCSEG_RUNS", str(tmp_path / "runs"))
    out = tmp_path / "results"
    command = ["evaluate", "--dataset", str(root), "--preset", "quick", "--architecture", "unet", "--out", str(out)]
    small = [*command, "--cv", "2", "--epochs", "2", "--base-filters", "4", "--input-size", "48"]
    assert main(small) == 0
    (result,) = load_study_results(list_study_files(out))
    assert result["study"] == "cells-quick-cv2"
    assert [result["config"][name] for name in ("width", "input_size")] == [4, 48]
    assert str(tmp_path) not in json.dumps(result)
    assert [one["tested"] for one in result["trainings"]] == [6, 6]
    assert all(one["cpu_seconds"] > 0 for one in result["trainings"])
    assert sorted(row["id"] for row in result["images"]) == list(open_dataset(str(root)).ids)
    # The scores are those of the run that did not see the picture.
    row = result["images"][-1]
    segmenter = Segmenter(tmp_path / "runs" / f"cells-quick-cv2-unet-{row['training']}")
    sample = open_dataset(str(root)).read(row["id"])
    assert not segmenter.card.trained_on(sample.id)
    assert row["single"] == compute_metrics(sample.mask, segmenter.predict(sample.image).labels)
    assert row["careful"] == compute_metrics(sample.mask, segmenter.predict(sample.image, tta=True).labels)

    capsys.readouterr()
    assert main(small) == 0
    assert "there is a result already" in capsys.readouterr().out
    assert main([*small, "--base-filters", "6"]) == 1
    assert "other settings: width 4" in capsys.readouterr().err
    assert main([*small[:2], str(tmp_path / "zheng-1"), *small[3:]]) == 1
    assert "Rename" in capsys.readouterr().err
    assert main(["evaluate", "--report", "--out", str(out)]) == 0
    report = capsys.readouterr().out
    assert "cells-quick-cv2: 12 pictures of cells tested, 2 trainings each (6 pictures, 2 epochs)" in report
    assert ", careful" in report
    (out / "cells-quick-cv2-unet.json").unlink()
    assert main([*small, "--epochs", "3"]) == 1
    assert "has other settings" in capsys.readouterr().err


def test_commands_that_make_no_sense_are_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["evaluate", "unet-16", "--cv", "5"]) == 1
    assert "choose them with --architecture" in capsys.readouterr().err
    assert main(["evaluate", "--report", "--out", str(tmp_path)]) == 0
    assert "no result yet" in capsys.readouterr().out


def test_committed_results_are_whole() -> None:
    for result in load_study_results(list_study_files()):
        config = TrainingConfig.from_dict({**result["config"], "fold": 0, "split_seed": 2})
        assert config.architecture == result["architecture"]
        assert sum(one["tested"] for one in result["trainings"]) == len(result["images"])
        assert all(one["epochs"] == config.epochs for one in result["trainings"])
        ids = [(row["training"], row["id"]) for row in result["images"]]
        assert len(set(ids)) == len(ids)
        if not config.unused_fraction:
            assert len({one for _, one in ids}) == len(ids)


def shipped_results() -> list[tuple[str, dict[str, Any], int]]:
    """The shipped models with the result that each is a training of, and which one."""
    found = []
    for entry in Catalog(runs=Path("no-runs")).usable:
        for result in load_study_results(list_study_files()):
            card = entry.card
            assert card is not None
            config = {name: value for name, value in card.config.items() if name in result["config"]}
            if {**result["config"], **config} == result["config"]:
                folds = [one["fold"] for one in result["trainings"]]
                found.append((entry.name, result, folds.index(card.config["fold"])))
    return found


def test_every_shipped_model_is_a_training_of_a_committed_result() -> None:
    validated = {
        result["architecture"] for result in load_study_results(list_study_files()) if "-compact-cv" in result["study"]
    }
    shipped = {entry.name: entry.card for entry in Catalog(runs=Path("no-runs")).usable}
    assert {name for name, *_ in shipped_results()} == {
        n for n, c in shipped.items() if c and c.architecture in validated and not c.two_stage
    }
    # Those for any laboratory are in the results on other laboratories.
    away = load_study_results(list_study_files(cross_site.CROSS_SITE_FOLDER))
    assert {result["home"]["model"] for result in away if "home" in result} == {
        n for n, c in shipped.items() if c and c.two_stage
    }


def test_committed_scores_at_home_are_those_of_the_shipped_models(zheng_data: Path) -> None:
    for result in load_study_results(list_study_files(cross_site.CROSS_SITE_FOLDER)):
        segmenter, rows = Catalog().load(result["home"]["model"]), result["home"]["images"]
        assert {row["id"] for row in rows} <= set(segmenter.card.split["test"])
        for row in rows[:: len(rows) // 6]:
            sample = open_dataset(row["id"].partition("/")[0]).read(row["id"])
            again = compute_metrics(sample.mask, segmenter.predict(sample.image).labels)
            assert again["dice"] == pytest.approx(row["single"]["dice"], abs=0.002), row["id"]


def test_committed_scores_are_those_of_the_shipped_models(zheng_data: Path) -> None:
    for name, result, training in shipped_results():
        segmenter, dataset = Catalog().load(name), open_dataset(result["config"]["dataset"])
        rows = [row for row in result["images"] if row["training"] == training and row["id"] in dataset]
        assert {row["id"] for row in rows} <= set(segmenter.card.split["test"])
        for row in rows[:: len(rows) // 6]:
            sample = dataset.read(row["id"])
            for look, careful in (("single", False), ("careful", True)):
                again = compute_metrics(sample.mask, segmenter.predict(sample.image, tta=careful).labels)
                assert again["dice"] == pytest.approx(row[look]["dice"], abs=0.002), (name, row["id"])
                assert again["hausdorff_95"] == pytest.approx(row[look]["hausdorff_95"], abs=0.5)
