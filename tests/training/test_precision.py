"""``precision="auto"`` is decided by timing both precisions, and the answer is remembered."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from wbcseg.training import TrainingConfig, precision
from wbcseg.training.cost.records import build_cost_key
from wbcseg.training.precision import (
    PRECISION_FILE,
    load_precision_records,
    measure_precision,
    resolve_precision,
)

CONFIG = TrainingConfig(base_filters=8, batch_size=4)


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache folder."""
    monkeypatch.setenv("WBCSEG_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


class FakeTimer:
    """Returns given seconds, and remembers what was timed."""

    def __init__(self, float32: float, bfloat16: float | None) -> None:
        self.seconds = {"float32": float32, "bfloat16": bfloat16}
        self.timed: list[str] = []

    def __call__(self, config: TrainingConfig) -> float:
        self.timed.append(config.precision)
        seconds = self.seconds[config.precision]
        if seconds is None:
            raise RuntimeError("not supported")
        return seconds


def fail(_: TrainingConfig) -> float:
    raise AssertionError("timed")


@pytest.mark.parametrize(
    ("float32", "bfloat16", "expected"),
    [
        (2.0, 1.0, "bfloat16"),
        (1.0, 1.7, "float32"),
        (1.0, 1.0, "float32"),
        (1.0, 0.99, "float32"),
        (1.0, None, "float32"),
    ],
)
def test_the_faster_precision_is_used(float32: float, bfloat16: float | None, expected: str) -> None:
    timer = FakeTimer(float32, bfloat16)
    assert measure_precision(CONFIG, timer) == expected
    assert timer.timed == ["float32", "bfloat16"]
    assert resolve_precision(CONFIG) == expected


def test_a_remembered_answer_is_used_without_timing() -> None:
    measure_precision(CONFIG, FakeTimer(2.0, 1.0))
    assert measure_precision(CONFIG.replace(epochs=7, learning_rate=1e-3, seed=5), fail) == "bfloat16"


@pytest.mark.parametrize("name", ["float32", "bfloat16"])
def test_an_explicit_precision_is_never_timed(name: str) -> None:
    assert measure_precision(CONFIG.replace(precision=name), fail) == name
    assert resolve_precision(CONFIG.replace(precision=name)) == name
    assert load_precision_records() == ()


@pytest.mark.parametrize(
    "changes", [{"architecture": "segnet"}, {"base_filters": 16}, {"input_size": 96}, {"batch_size": 8}]
)
def test_other_networks_and_step_sizes_are_timed_anew(changes: dict[str, Any]) -> None:
    measure_precision(CONFIG, FakeTimer(2.0, 1.0))
    timer = FakeTimer(1.0, 2.0)
    assert measure_precision(CONFIG.replace(**changes), timer) == "float32"
    assert timer.timed
    assert resolve_precision(CONFIG) == "bfloat16"


@pytest.mark.parametrize(
    ("function", "value"),
    [("get_processor_name", "another processor"), ("count_threads", 77), ("get_package_version", "99.0")],
)
def test_another_processor_or_version_is_timed_anew(
    function: str, value: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    measure_precision(CONFIG, FakeTimer(2.0, 1.0))
    monkeypatch.setattr(precision, function, lambda *_: value)
    assert resolve_precision(CONFIG) == "float32"
    timer = FakeTimer(1.0, 2.0)
    assert measure_precision(CONFIG, timer) == "float32"
    assert timer.timed


def truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-20])


def edit(change: Callable[[dict[str, Any]], object]) -> Callable[[Path], None]:
    def apply(path: Path) -> None:
        values = json.loads(path.read_text(encoding="utf-8"))
        change(values["records"][0])
        path.write_text(json.dumps(values), encoding="utf-8")

    return apply


@pytest.mark.parametrize(
    "damage",
    [
        truncate,
        lambda path: path.write_text("[]", encoding="utf-8"),
        edit(lambda record: record.pop("processor")),
        edit(lambda record: record.update(seconds={"float32": -1.0})),
        edit(lambda record: record.update(seconds={"bfloat16": 1.0})),
        edit(lambda record: record.update(seconds=[1, 2])),
        edit(lambda record: record.update(architecture="unknown")),
        edit(lambda record: record.update(batch_size="4")),
    ],
)
def test_a_damaged_record_is_measured_again(damage: Callable[[Path], object], cache: Path) -> None:
    measure_precision(CONFIG, FakeTimer(2.0, 1.0))
    damage(cache / PRECISION_FILE)
    timer = FakeTimer(2.0, 1.0)
    assert measure_precision(CONFIG, timer) == "bfloat16"
    assert timer.timed == ["float32", "bfloat16"]
    assert measure_precision(CONFIG, fail) == "bfloat16"


def test_a_failure_in_float32_is_reported() -> None:
    def run_out_of_memory(_: TrainingConfig) -> float:
        raise MemoryError

    with pytest.raises(MemoryError):
        measure_precision(CONFIG, run_out_of_memory)


def test_a_cache_that_cannot_be_written_does_not_stop_a_training(cache: Path) -> None:
    cache.write_text("a file", encoding="utf-8")
    assert measure_precision(CONFIG, FakeTimer(2.0, 1.0)) == "bfloat16"


def test_estimates_use_the_answer_of_the_most_similar_settings() -> None:
    assert resolve_precision(CONFIG) == "float32"
    measure_precision(CONFIG, FakeTimer(2.0, 1.0))
    measure_precision(CONFIG.replace(base_filters=64), FakeTimer(1.0, 2.0))
    assert resolve_precision(CONFIG.replace(base_filters=12)) == "bfloat16"
    assert resolve_precision(CONFIG.replace(base_filters=48)) == "float32"
    assert "bfloat16" in build_cost_key(CONFIG.replace(base_filters=12))


def test_a_newer_record_replaces_the_older_one() -> None:
    measure_precision(CONFIG, FakeTimer(1.0, 2.0))
    precision.store_precision_record(precision.build_precision_record(CONFIG, {"float32": 2.0, "bfloat16": 1.0}))
    assert len(load_precision_records()) == 1
    assert resolve_precision(CONFIG) == "bfloat16"
