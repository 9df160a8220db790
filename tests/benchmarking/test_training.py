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
from wbcseg.training.precision import resolve_precision


@pytest.fixture
def comparison() -> BenchmarkResult:
    """Three rounds of two batches; Keras takes 2, 3 and 4 times as long as float32, and bfloat16 half of the time."""
    return BenchmarkResult(
        config=build_benchmark_config("unet", 16),
        batch_seconds={
            "float32": [[1.0, 1.0], [1.0, 3.0], [1.0, 1.0]],
            "bfloat16": [[0.5, 0.5], [0.5, 0.5], [0.5, 0.5]],
            "keras": [[2.0, 2.0], [6.0, 6.0], [4.0, 4.0]],
        },
        first_loss={"float32": 1.5, "bfloat16": 1.51, "keras": 1.5},
        parameters=7,
    )


def options(*words: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    bench.add_arguments(parser)
    return parser.parse_args(words)


def test_results_are_medians_over_rounds(comparison: BenchmarkResult) -> None:
    assert comparison.compute_speedups("float32") == [2.0, 3.0, 4.0]
    assert comparison.estimate_epoch_seconds("float32") == 1.0 * IMAGES_PER_EPOCH / 16
    assert comparison.estimate_epoch_seconds("keras") == 4.0 * IMAGES_PER_EPOCH / 16
    row = comparison.to_dict()
    assert row["speedup"]["float32"] == {"median": 3.0, "min": 2.0, "max": 4.0}
    assert (row["rounds"], row["batches"]) == (3, 2)


def test_the_command_writes_and_prints(
    comparison: BenchmarkResult, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(bench, "run_benchmark", lambda *_, **__: comparison)
    monkeypatch.setenv("WBCSEG_CACHE", str(tmp_path / "cache"))
    target = tmp_path / "training.json"
    assert bench.run_command(options("train", "--base-filters", "16", "--out", str(target))) == 0
    assert json.loads(target.read_text(encoding="utf-8")) == build_report([comparison])
    printed = capsys.readouterr().out
    assert "3.00 times as fast (2.00 to 4.00)" in printed
    assert [line.split()[1] for line in printed.splitlines() if line.endswith("auto")] == ["bfloat16"]
    # Trainings to come use what was measured here.
    assert resolve_precision(comparison.config) == "bfloat16"
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


def test_a_variant_whose_process_dies_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", shutil.which("false"))
    with pytest.raises(TrainingError, match="'float32' ended"):
        run_benchmark(build_benchmark_config("unet", 4), batches=1, rounds=1)


@pytest.mark.training
def test_all_variants_compute_the_same_step() -> None:
    config = build_benchmark_config("segnet", 4).replace(input_size=24, batch_size=2)
    done: list[int] = []
    result = run_benchmark(config, batches=1, rounds=2, on_round=done.append)
    assert done == [1, 2]
    assert result.first_loss["float32"] == pytest.approx(result.first_loss["keras"], rel=1e-4)
    assert result.first_loss["bfloat16"] == pytest.approx(result.first_loss["keras"], rel=0.05)
    assert all(second > 0 for side in result.batch_seconds.values() for round_ in side for second in round_)
    assert result.auto_precision in result.step_seconds
