"""The comparison of training steps: its arithmetic by hand, and one real round on a tiny network."""

from __future__ import annotations

import argparse
import json
import shutil
import sys
from pathlib import Path

import pytest

from wbcseg.benchmarking.training import (
    IMAGES_PER_EPOCH,
    BenchmarkResult,
    build_benchmark_config,
    build_report,
    run_benchmark,
)
from wbcseg.cli import bench
from wbcseg.errors import ConfigError, TrainingError


@pytest.fixture
def comparison() -> BenchmarkResult:
    """Three rounds of two batches; Keras takes 2, 3 and 4 times as long."""
    return BenchmarkResult(
        config=build_benchmark_config("unet", 16),
        batch_seconds={"program": [[1.0, 1.0], [1.0, 3.0], [1.0, 1.0]], "keras": [[2.0, 2.0], [6.0, 6.0], [4.0, 4.0]]},
        precision={"program": "float32", "keras": "float32"},
        first_loss={"program": 1.5, "keras": 1.5},
        parameters=7,
    )


def options(*words: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    bench.add_arguments(parser)
    return parser.parse_args(words)


def test_figures_are_medians_over_rounds(comparison: BenchmarkResult) -> None:
    assert comparison.compute_speedups("program") == [2.0, 3.0, 4.0]
    assert comparison.estimate_epoch_seconds("program") == 1.0 * IMAGES_PER_EPOCH / 16
    assert comparison.estimate_epoch_seconds("keras") == 4.0 * IMAGES_PER_EPOCH / 16
    row = comparison.to_dict()
    assert row["ratio"] == {"program": {"median": 3.0, "least": 2.0, "greatest": 4.0}}
    assert (row["rounds"], row["batches"]) == (3, 2)


def test_the_command_writes_and_prints(
    comparison: BenchmarkResult, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(bench, "run_benchmark", lambda *_, **__: comparison)
    target = tmp_path / "training.json"
    assert bench.run_command(options("train", "--base-filters", "16", "--out", str(target))) == 0
    assert json.loads(target.read_text(encoding="utf-8")) == build_report([comparison])
    assert "3.00 times as fast (2.00 to 4.00)" in capsys.readouterr().out
    assert bench.run_command(options("train", "--base-filters", "16", "--json")) == 0
    assert json.loads(capsys.readouterr().out)["results"][0]["parameters"] == 7


@pytest.mark.parametrize(
    "words",
    [
        ("--rounds", "0"),
        ("--batches", "0"),
        ("--base-filters", "16", "3"),
        ("--out", "no/such/folder/training.json"),
    ],
)
def test_what_makes_no_sense_is_refused_before_anything_runs(words: tuple[str, ...]) -> None:
    with pytest.raises(ConfigError, match="Received"):
        bench.run_command(options("train", *words))


def test_a_side_that_dies_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", shutil.which("false"))
    with pytest.raises(TrainingError, match="'program' ended"):
        run_benchmark(build_benchmark_config("unet", 4), batches=1, rounds=1)


@pytest.mark.training
def test_both_sides_compute_the_same_step() -> None:
    # In float32 on both sides: where the processor computes in bfloat16, this program would round otherwise.
    config = build_benchmark_config("segnet", 4).replace(input_size=24, batch_size=2, precision="float32")
    done: list[int] = []
    found = run_benchmark(config, batches=1, rounds=2, on_round=done.append)
    assert done == [1, 2]
    assert found.first_loss["program"] == pytest.approx(found.first_loss["keras"], rel=1e-4)
    assert all(second > 0 for side in found.batch_seconds.values() for round_ in side for second in round_)
    assert found.precision["keras"] == "float32"
