"""Methods without a deep network are trained, listed, used and cross-validated like networks."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from builders import write_pairs
from command_line import get_error

import wbcseg
from wbcseg.cli import main
from wbcseg.datasets import open_dataset
from wbcseg.datasets.synthetic import draw_sample
from wbcseg.errors import ConfigError, ErrorCode, RunError, TrainingError
from wbcseg.evaluation.cross_validation import plan_cross_validation
from wbcseg.evaluation.methods import cross_validate_method, delete_method, train_in_process, train_method
from wbcseg.evaluation.study_result import CrossValidationResult
from wbcseg.inference import BrokenModel, Catalog, Segmenter
from wbcseg.io import encode_png, open_mask
from wbcseg.models.card import METHOD_FILE, WEIGHTS_FILE, ModelCard
from wbcseg.models.method_registry import METHODS
from wbcseg.splitting.splits import build_leak_free_folds
from wbcseg.training import PRESETS
from wbcseg.training.methods import METHOD_SETTINGS, MethodConfig


@pytest.fixture(scope="module")
def pairs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_pairs(tmp_path_factory.mktemp("pairs") / "cells", 9, (72, 72), seed=5)


@pytest.fixture(scope="module")
def model(pairs: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("runs") / "forest"
    train_method(MethodConfig("random_forest", str(pairs), folds=3, input_size=72), folder)
    return folder


def test_a_trained_method_is_a_model_of_the_catalog(model: Path, pairs: Path) -> None:
    catalog = Catalog(runs=model.parent)
    entry = catalog.get("forest")
    assert not entry.has_weights
    assert entry.card.is_method
    assert not entry.card.two_stage
    assert entry.card.parameters > 0
    assert entry.card.training.epochs == 0
    assert entry.card.dataset == "cells"
    assert str(pairs) not in (model / "card.json").read_text(encoding="utf-8")
    assert sorted(path.name for path in model.iterdir()) == ["card.json", METHOD_FILE]
    assert (entry.card.test_metrics.regions["cell"].dice or 0) > 0.7
    assert "forest" not in [default.name for default in catalog.select_defaults_for(None)]
    sample = draw_sample(5, 30)
    segmenter = catalog.load("forest")
    result = segmenter.predict(sample.image)
    assert result.labels.shape == sample.image.shape[:2]
    np.testing.assert_allclose(result.probabilities.sum(axis=-1), 1, atol=1e-4)
    assert np.array_equal(segmenter.clone().predict(sample.image).labels, result.labels)


def test_test_time_averaging_costs_a_method_nothing(model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    segmenter, calls = Segmenter(model), []
    predict = segmenter._model.__call__
    monkeypatch.setattr(type(segmenter._model), "__call__", lambda _, image: calls.append(1) or predict(image))
    segmenter.predict(draw_sample(5, 30).image, tta=True)
    assert len(calls) == 1


def test_the_cells_of_a_field_are_segmented(model: Path) -> None:
    segmenter = Segmenter(model)
    image = np.tile(draw_sample(5, 30).image, (1, 2, 1))
    cell = segmenter.segment_cell(image, point=(image.shape[1] / 4, image.shape[0] / 2))
    assert cell is not None
    assert cell.cell_mask.any()


def test_the_crf_follows_any_model(model: Path) -> None:
    image = draw_sample(5, 30).image
    for segmenter in (Segmenter(model), Catalog().load("unet-16"), Catalog().load("unet-general")):
        plain, refined = segmenter.predict(image), segmenter.with_crf().predict(image)
        changed = (plain.labels != refined.labels).mean()
        assert 0 < changed < 0.1
        np.testing.assert_allclose(refined.probabilities.sum(axis=-1), 1, atol=1e-3)
        # The model itself is as before.
        assert np.array_equal(segmenter.predict(image).labels, plain.labels)
        again = segmenter.with_crf().clone().predict(image)
        assert np.array_equal(again.labels, refined.labels)


def test_a_damaged_method_is_listed_as_broken(model: Path, tmp_path: Path) -> None:
    folder = tmp_path / "forest"
    shutil.copytree(model, folder)
    (folder / METHOD_FILE).write_bytes((folder / METHOD_FILE).read_bytes()[:-5])
    assert isinstance(Catalog(runs=tmp_path).find("forest"), BrokenModel)


@pytest.mark.parametrize("change", [{"architecture": "forest_of_others"}, {"files": {}}])
def test_a_card_that_does_not_fit_is_refused(model: Path, tmp_path: Path, change: dict[str, object]) -> None:
    folder = tmp_path / "forest"
    shutil.copytree(model, folder)
    card = json.loads((folder / "card.json").read_text(encoding="utf-8"))
    (folder / "card.json").write_text(json.dumps({**card, **change}), encoding="utf-8")
    assert isinstance(Catalog(runs=tmp_path).find("forest"), BrokenModel)


def test_a_folder_that_holds_something_is_left_alone(model: Path, pairs: Path) -> None:
    before = ModelCard.read(model)
    with pytest.raises(RunError) as caught:
        train_method(MethodConfig("linear_svm", str(pairs), folds=3), model)
    assert caught.value.code == ErrorCode.ALREADY_EXISTS
    assert ModelCard.read(model) == before


def test_settings_are_checked() -> None:
    config = MethodConfig.from_settings("linear_svm", PRESETS["compact"], {"fold": 2})
    assert (config.dataset, config.fold, config.folds, config.input_size) == ("zheng-1", 2, 5, 120)
    for changes in ({"epochs": 3}, {"fold": 9}, {"input_size": 960}, {"seed": -1}):
        with pytest.raises(ConfigError):
            MethodConfig.from_settings("linear_svm", PRESETS["compact"], changes)
    with pytest.raises(ConfigError, match="random_forest"):
        MethodConfig("unet")


@pytest.mark.parametrize("name", METHODS)
def test_cross_validation_tests_each_image_once_on_the_folds_of_networks(name: str, pairs: Path) -> None:
    dataset = open_dataset(str(pairs))
    result = cross_validate_method(name, dataset, study="cells-comparison-cv3", folds=3)
    assert sorted(image.id for image in result.images) == sorted(dataset.ids)
    config = plan_cross_validation("compact", str(pairs), "unet", folds=3).configs[1]
    folds = build_leak_free_folds("cells", list(dataset), folds=3, seed=config.split_seed)
    assert {image.id for image in result.images if image.training == 1} == set(folds[1].test)
    assert [training.fold for training in result.trainings] == [0, 1, 2]
    assert all(training.seconds >= 0 and training.epochs == 0 for training in result.trainings)
    assert result.crop_cpu_ms is not None
    assert (result.parameters > 0) == METHODS[name].learns_from_masks
    assert {"split", "unused_fraction", "flipped_copies", "thesis_bugs", "dataset"} <= set(result.config)
    again = CrossValidationResult.from_dict(json.loads(json.dumps(result.to_dict())))
    assert again.images == result.images


def test_the_command_trains_a_method(
    pairs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("WBCSEG_RUNS", str(tmp_path))
    command = ["train", "--architecture", "linear_svm", "--dataset", str(pairs), "--folds", "3"]
    assert main(command) == 0
    assert "held-out" in capsys.readouterr().out
    assert not (tmp_path / "linear_svm-cells-1" / WEIGHTS_FILE).exists()
    image = next((pairs / "images").iterdir())
    assert main(["segment", str(image), "--model", "linear_svm-cells-1", "--out", str(tmp_path / "out")]) == 0
    error = get_error(*command, "--epochs", "3")
    assert (error.code, "epochs" in str(error)) == (ErrorCode.INVALID_VALUE, True)
    assert set(METHOD_SETTINGS) <= set(MethodConfig("linear_svm").to_dict())


def test_a_refined_catalog_has_other_keys_and_titles(model: Path) -> None:
    plain = Catalog(runs=model.parent)
    refined = plain.with_crf()
    assert [entry.name for entry in refined.usable] == [entry.name for entry in plain.usable]
    for before, after in zip(plain.usable, refined.usable, strict=True):
        assert before.key != after.key
        assert after.title.partition(" · ")[0] == f"{before.title.partition(' · ')[0]} + CRF"
    image = draw_sample(5, 30).image
    expected = plain.load("forest").with_crf().predict(image).labels
    assert np.array_equal(refined.load("forest").predict(image).labels, expected)


def test_the_api_and_the_command_refine(tmp_path: Path) -> None:
    image = draw_sample(5, 30).image
    plain, refined = wbcseg.segment(image, "unet-16"), wbcseg.segment(image, "unet-16", refine="crf")
    assert not np.array_equal(plain.labels, refined.labels)
    [also] = wbcseg.segment_many([image], "unet-16", refine="crf")
    assert np.array_equal(also.labels, refined.labels)
    with pytest.raises(ConfigError, match="crf"):
        wbcseg.segment(image, "unet-16", refine="snake")  # type: ignore[arg-type]
    (tmp_path / "cell.png").write_bytes(encode_png(image))
    arguments = ["segment", str(tmp_path / "cell.png"), "--model", "unet-16", "--refine", "crf"]
    assert main([*arguments, "--out", str(tmp_path / "out")]) == 0
    assert np.array_equal(open_mask((tmp_path / "out" / "unet-16" / "cell.png").read_bytes()), refined.labels)


def test_a_method_is_trained_in_a_process_and_deleted(
    pairs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WBCSEG_RUNS", str(tmp_path))
    card = train_in_process("self_supervised_svm", str(pairs))
    [entry] = [entry for entry in Catalog().usable if not entry.shipped]
    assert entry.name == "self_supervised_svm-cells-1"
    assert (entry.card, card.parameters) == (card, 0)
    with pytest.raises(RunError) as caught:
        train_in_process("self_supervised_svm", str(pairs), name=entry.name)
    assert caught.value.code == ErrorCode.ALREADY_EXISTS
    with pytest.raises(TrainingError, match="nowhere"):
        train_in_process("linear_svm", str(tmp_path / "nowhere"))
    with pytest.raises(RunError):
        delete_method(Catalog().get("unet-16"))
    delete_method(entry)
    assert [path.name for path in tmp_path.iterdir()] == []
