"""Throughput: results are medians over rounds, and the Keras process predicts."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace

import pytest
from models import SHIPPED

from wbcseg.benchmarking import inference
from wbcseg.benchmarking.training import start_worker
from wbcseg.cli import bench
from wbcseg.errors import ConfigError
from wbcseg.inference import Catalog
from wbcseg.training import PRESETS


@pytest.fixture
def keras_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """A process that answers without computing."""

    @contextmanager
    def worker(side: str, config: object) -> Iterator[SimpleNamespace]:
        assert (side, config) == ("predict", PRESETS["thesis"].replace(batch_size=32))
        yield SimpleNamespace(read_response=dict, step=lambda: {"seconds": 2.0, "single_seconds": 3.0})

    monkeypatch.setattr(inference, "start_worker", worker)


def options(*words: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    bench.add_arguments(parser)
    return parser.parse_args(words)


@pytest.mark.usefixtures("keras_at_once")
def test_medians_and_memory() -> None:
    rounds = []
    throughput = inference.measure_throughput(Catalog().load(SHIPPED[0]), 10, n_rounds=3, on_round=rounds.append)
    assert rounds == [1, 2, 3]
    assert throughput.n_crops == 12
    assert (throughput.keras_batch_seconds, throughput.keras_single_seconds) == (2.0, 3.0)
    assert 0 < throughput.wbcseg_seconds < 1
    assert len(throughput.memory_mb) == 3
    assert throughput.memory_mb[-1] - throughput.memory_mb[0] < 20


@pytest.mark.usefixtures("keras_at_once")
def test_the_command_writes_and_prints(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    target = tmp_path / "predict.json"
    assert bench.run_command(options("predict", "--crops", "4", "--rounds", "2", "--out", str(target))) == 0
    assert json.loads(target.read_text(encoding="utf-8"))["keras_batch_rounds"] == [2.0, 2.0]
    assert "times as fast" in capsys.readouterr().out
    with pytest.raises(ConfigError, match="--crops"):
        bench.run_command(options("predict", "--crops", "0"))


@pytest.mark.training
def test_keras_really_predicts() -> None:
    with start_worker("predict", PRESETS["thesis"].replace(base_filters=4, batch_size=4)) as worker:
        assert worker.read_response()["precision"] == "float32"
        answer = worker.step()
    assert answer["single_seconds"] > answer["seconds"] > 0
