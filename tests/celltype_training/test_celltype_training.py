"""Training of the type model: a few steps on synthetic cells, resumed, exported, calibrated and used."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from command_line import get_error
from expect import raises

import wbcseg
from wbcseg.celltype_training.batches import FeatureScale, compute_draw_weights, iterate_batches
from wbcseg.celltype_training.library import (
    ATTRIBUTES,
    INDEX_FILE,
    LIBRARY_SIDE,
    UNKNOWN,
    CellLibrary,
    Part,
)
from wbcseg.celltype_training.options import TypeOptions
from wbcseg.celltype_training.train import is_for_calibration, select_calibration_cells, select_training_cells
from wbcseg.celltypes import TYPE_NAMES, UNSURE, TypeModel
from wbcseg.celltypes.crops import cut_cell
from wbcseg.celltypes.measure import SHAPE_FEATURES, measure_type_features
from wbcseg.celltypes.names import list_possible_subtypes
from wbcseg.cli import main
from wbcseg.datasets.synthetic import draw_sample
from wbcseg.errors import ConfigError, DatasetError, ErrorCode, RunError
from wbcseg.labels import CELL_TYPES

CELL_COUNT = 40


def write_small_library(folder: Path) -> None:
    """Write a library of synthetic cells of the usual types, as ``wbcseg types train`` keeps it."""
    rows, arrays = [], {name: [] for name in ("crops", "labels", "backgrounds", "features", "possible", "attributes")}
    for number in range(CELL_COUNT):
        cell_type = CELL_TYPES[number % 5]
        sample = draw_sample(41, number, size=(120, 120), cell_type=cell_type)
        assert sample.mask is not None
        crop, large = cut_cell(sample.image, sample.mask), cut_cell(sample.image, sample.mask, side=LIBRARY_SIDE)
        assert crop is not None
        assert large is not None
        part: Part = "held_out" if number >= CELL_COUNT - 10 else "train"
        rows.append([f"{number}.png", "pbc" if number % 2 else "zheng-1", part, cell_type, ""])
        values = (
            large.pixels,
            large.labels,
            large.background,
            measure_type_features(crop),
            list_possible_subtypes(cell_type),
            np.full(len(ATTRIBUTES), UNKNOWN if number % 3 else 0, np.int8),
        )
        for name, value in zip(arrays, values, strict=True):
            arrays[name].append(value)
    folder.mkdir(parents=True)
    for name, values in arrays.items():
        np.save(folder / f"{name}.npy", np.stack(values))
    (folder / INDEX_FILE).write_text(json.dumps(rows))


@pytest.fixture(scope="module")
def small_cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    cache = tmp_path_factory.mktemp("cache")
    write_small_library(cache / "type-library")
    return cache


@pytest.fixture
def library(small_cache: Path, monkeypatch: pytest.MonkeyPatch) -> CellLibrary:
    monkeypatch.setenv("WBCSEG_CACHE", str(small_cache))
    return CellLibrary.load()


def test_a_library_that_is_missing_is_refused(tmp_path: Path) -> None:
    with raises(DatasetError, ErrorCode.NOT_FOUND):
        CellLibrary.load(tmp_path)


@pytest.mark.parametrize("change", [{"steps": 0}, {"filters": (8,)}, {"sources": ()}, {"network": "other"}])
def test_settings_out_of_range_are_refused(change: dict[str, object]) -> None:
    with pytest.raises(ConfigError):
        TypeOptions(**change)  # type: ignore[arg-type]


def test_held_out_cells_and_those_for_calibration_are_not_learned_from(library: CellLibrary) -> None:
    sources = ("pbc", "zheng-1")
    train, kept = select_training_cells(library, sources), select_calibration_cells(library, sources)
    assert len(train) + len(kept) == CELL_COUNT - 10
    assert {library.cells[index].part for index in (*train, *kept)} == {"train"}
    assert not set(train) & set(kept)
    assert all(is_for_calibration(library.cells[index].name) for index in kept)
    assert len(select_training_cells(library, sources, frozenset({library.cells[train[0]].name}))) == len(train) - 1
    assert {library.cells[index].source for index in select_training_cells(library, ("pbc",))} == {"pbc"}


def test_rare_types_are_drawn_more_often(library: CellLibrary) -> None:
    indices = np.array([1, 3, 5, 6, 11])  # Two lymphocytes of pbc among others.
    weights = compute_draw_weights(library, indices)
    assert weights.sum() == pytest.approx(1)
    assert weights[0] == weights[-1] < weights[1]


def test_batches_are_repeatable(library: CellLibrary) -> None:
    scale = FeatureScale.fit(np.asarray(library.features))
    indices = select_training_cells(library, ("pbc", "zheng-1"))
    first, again = (next(iterate_batches(library, indices, scale, 6, 3)) for _ in range(2))
    assert [array.shape[0] for array in first] == [6] * 6
    assert first[3].shape == (6, len(SHAPE_FEATURES))
    for array, same in zip(first, again, strict=True):
        np.testing.assert_array_equal(array, same)


def test_options_out_of_range_are_refused(small_cache: Path) -> None:
    evaluations = (("elsewhere", "--update-package"), ("--others", "no-folder", "--max-images", "40"))
    for arguments in (("train", "x", "--max-images", "3"), *(("evaluate", *options) for options in evaluations)):
        assert get_error("types", *arguments).code == ErrorCode.INVALID_VALUE
    assert get_error("segment", "x.png", "--out", "y", "--prior", "adult").code == ErrorCode.INVALID_VALUE


@pytest.fixture(scope="module")
def trained(small_cache: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a type model of each kind of network.

    One process trains them all: importing TensorFlow takes longer than their steps.
    """
    folder = tmp_path_factory.mktemp("trained")
    environment = {"WBCSEG_CACHE": str(small_cache), "TF_CPP_MIN_LOG_LEVEL": "3"}
    subprocess.run([sys.executable, "-c", TRAINING, str(folder)], check=True, env={**os.environ, **environment})
    return folder


@pytest.mark.training
@pytest.mark.parametrize("network", ["efficientnet", "encoder", "residual"])
def test_a_network_is_trained_resumed_exported_and_used(
    library: CellLibrary, trained: Path, network: str, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = trained / network
    card = TypeModel(folder).card
    assert card.files["network"].size < 4_000_000
    assert 0.5 <= card.calibration.min_confidence <= 1
    others = ["--compare", "--others", f"again={folder}"]
    assert main(["types", "evaluate", str(folder), "--tests", "pbc", *others, "--json"]) == 0
    summary = json.loads(capsys.readouterr().out)
    assert [score["prior"] for score in summary["scores"]] == ["none", "adult", "sample"]
    assert summary["scores"][0]["cells"] == 5
    assert list(summary["comparison"]) == ["again", "boosted trees on measurements"]
    assert summary["comparison"]["again"] == summary["scores"]
    use_model(folder)


def use_model(folder: Path) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("wbcseg.celltypes.model.get_types_folder", lambda: folder)
        image = draw_sample(42, 1, size=(120, 120)).image
        plain, typed = wbcseg.segment(image), wbcseg.segment(image, types=True, prior="none")
    assert plain.cells[0].type == ""
    (cell,) = typed.cells
    assert cell.type in (*TYPE_NAMES, UNSURE)
    assert list(cell.type_probabilities) == list(TYPE_NAMES)
    assert sum(cell.type_probabilities.values()) == pytest.approx(1)
    header, row = typed.to_rows()
    values = dict(zip(header, row, strict=True))
    assert values["type"] == cell.type
    assert float(values["probability_neutrophil"]) == pytest.approx(cell.type_probabilities["neutrophil"], rel=1e-4)
    assert "probability_neutrophil" not in plain.to_rows()[0]


@pytest.mark.training
def test_a_head_is_trained_on_a_fixed_encoder(trained: Path) -> None:
    assert TypeModel(trained / "head").card.files["network"].size < 4_000_000


TRAINING = """
import sys
from pathlib import Path
from wbcseg.training.tf_env import import_tensorflow
import_tensorflow()
import numpy as np
from wbcseg.celltype_training import train
from wbcseg.celltype_training.efficientnet import list_layer_names
from wbcseg.celltype_training.export import load_network
from wbcseg.celltype_training.finish import finish_types
from wbcseg.celltype_training.head import train_head
from wbcseg.celltype_training.library import CellLibrary
from wbcseg.celltype_training.networks import build_network
from wbcseg.celltype_training.options import TypeOptions
from wbcseg.models.weights import Weights
library, sources, folder = CellLibrary.load(), ("pbc", "zheng-1"), Path(sys.argv[1])
rng = np.random.default_rng(1)

def train_and_resume(network, encoder=None):
    options = TypeOptions(
        network=network, steps=3, batch_size=4, filters=(4, 8, 8, 8), blocks=(1, 1, 1, 1), sources=sources
    )
    steps = iter((False, True))
    assert not train.train_types(
        folder / network, library, options, encoder=encoder, should_stop=lambda: next(steps)
    )
    reports = []
    assert train.train_types(folder / network, library, options, on_report=reports.append)
    assert [report.step for report in reports] == [3]
    assert set(reports[0].losses) == {"type", "attributes"}
    finish_types(folder / network, library, folder / network)

train_and_resume("encoder")
train_and_resume("residual")

# What is read from the published file.
model = build_network(TypeOptions(network="efficientnet"))
published = {
    f"{name}.{kind}": rng.normal(0, 0.1, weight.shape).astype(np.float32)
    for name in list_layer_names() for kind, weight in zip(("kernel", "bias"), model.get_layer(name).weights)
}
train.read_efficientnet = lambda path: published
train_and_resume("efficientnet", Path("weights.pth"))

arrays, channels = {}, 3
for number in range(10):
    width = 16 << number // 2
    arrays[f"{number}.kernel"] = rng.normal(0, 0.1, (3, 3, channels, width)).astype(np.float32)
    for name, value in (("bias", 0.1), ("gamma", 2), ("beta", 0.3), ("mean", 0.2), ("variance", 4)):
        arrays[f"{number}.{name}"] = np.full(width, value, np.float32)
    channels = width
options = TypeOptions(network="head", steps=5, sources=sources)
indices, scale = train.select_training_cells(library, sources), train.fit_scale(library, options)
train_head(folder / "head", library, options, Weights(arrays, "unet", 16), indices, scale, 1)
kernel, bias = load_network(folder / "head", options).get_layer("stage0conv0").get_weights()
factor = 2 / np.sqrt(4 + 1e-3)
np.testing.assert_allclose(kernel, arrays["0.kernel"] * factor, rtol=1e-5)
np.testing.assert_allclose(bias, (0.1 - 0.2) * factor + 0.3, rtol=1e-4)
finish_types(folder / "head", library, folder / "head")
"""
"""Trains the networks of three kinds for a step, then for two more after a resume; and a head."""


def test_there_is_nothing_to_export_without_a_training(library: CellLibrary, tmp_path: Path) -> None:
    from wbcseg.celltype_training.finish import finish_types

    with raises(RunError, ErrorCode.NOT_FOUND):
        finish_types(tmp_path, library, tmp_path)
