"""Models from elsewhere run in a process of their own first."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema
from expect import raises
from models import copy_of_shipped

from wbcseg.errors import ErrorCode, ModelError
from wbcseg.inference import Catalog, model_trial
from wbcseg.models.file_record import FileRecord


@pytest.fixture
def runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("WBCSEG_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(model_trial, "_verdicts", {})
    return tmp_path / "runs"


def store_model(folder: Path, data: bytes) -> None:
    """Put a model file into a folder, with a matching checksum in its card."""
    (folder / "model.tflite").write_bytes(data)
    card = json.loads((folder / "card.json").read_text(encoding="utf-8"))
    card["files"]["model"] = dataclasses.asdict(FileRecord.from_path(folder / "model.tflite"))
    (folder / "card.json").write_text(json.dumps(card), encoding="utf-8")


def remove_input_of_a_convolution(data: bytes) -> bytes:
    """Return a well-formed model whose first convolution has no weights: LiteRT dies of it."""
    graph = schema.ModelT.InitFromObj(schema.Model.GetRootAs(data, 0))
    is_convolution = [code.builtinCode == schema.BuiltinOperator.CONV_2D for code in graph.operatorCodes]
    for operator in graph.subgraphs[0].operators:
        if is_convolution[operator.opcodeIndex]:
            inputs = np.array(operator.inputs, "<i4")
            without_weights = np.array([inputs[0], -1, *inputs[2:]], "<i4")
            return data.replace(inputs.tobytes(), without_weights.tobytes())
    raise AssertionError


def test_model_that_ends_its_process_is_refused_and_this_process_lives(runs: Path) -> None:
    folder = copy_of_shipped(runs, "segnet-general", called="crashing")
    store_model(folder, remove_input_of_a_convolution((folder / "model.tflite").read_bytes()))
    sound = copy_of_shipped(runs, "segnet-general", called="sound")
    catalog = Catalog(runs=runs)
    with raises(ModelError, ErrorCode.INCOMPATIBLE) as caught:
        catalog.load("crashing")
    assert caught.value.reason
    image = np.full((60, 60, 3), 200, np.uint8)
    assert catalog.load(sound.name).predict(image).labels.shape == (60, 60)


def test_the_verdict_is_kept_by_checksum(runs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    copy_of_shipped(runs, "unet-16", called="first")
    Catalog(runs=runs).load("first")

    def fail(*_: object) -> str:
        raise AssertionError

    monkeypatch.setattr(model_trial, "_try_model", fail)
    copy_of_shipped(runs, "unet-16", called="second")
    Catalog(runs=runs).load("second")
    # Also for the next server.
    monkeypatch.setattr(model_trial, "_verdicts", {})
    Catalog(runs=runs).load("first")


def test_shipped_models_are_not_tried(runs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(model_trial, "_try_model", lambda *_: "ended")
    Catalog(runs=runs).load("unet-16")
    copy_of_shipped(runs, "segnet-general", called="other")
    with raises(ModelError, ErrorCode.INCOMPATIBLE):
        Catalog(runs=runs).load("other")
