"""What a training writes for whoever watches: times, batches, and the film of three pictures."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from wbcseg.errors import RunError
from wbcseg.training import Run, TrainingConfig
from wbcseg.training.runs import progress, snapshots
from wbcseg.training.runs.progress import Progress, ProgressWriter


@pytest.fixture
def run(tmp_path: Path) -> Run:
    made = Run(tmp_path / "run")
    made.create(TrainingConfig(base_filters=4, epochs=8))
    return made


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The time in seconds, which only moves when a test says so."""
    now = [100.0]
    monkeypatch.setattr(progress.time, "perf_counter", lambda: now[0])
    monkeypatch.setattr(progress.time, "monotonic", lambda: now[0])
    return now


def means(loss: float) -> dict[str, float]:
    return {"loss": loss, "accuracy": 0.5, "binary_accuracy": 0.6}


def test_speed_and_time_left_leave_out_the_batch_that_builds_the_program(run: Run, clock: list[float]) -> None:
    told: list[Progress] = []
    diary = ProgressWriter(run, epochs=3, steps=4, history=[], on_progress=told.append)
    diary.begin_epoch()
    clock[0] += 30.0
    diary.record_batch(10, means(1.0))
    assert (told[-1].images_per_second, told[-1].seconds_left) == (None, None)
    for loss in (0.9, 0.8):
        clock[0] += 2.0
        diary.record_batch(10, means(loss))
    assert told[-1].images_per_second == pytest.approx(5.0)
    assert told[-1].seconds_left == pytest.approx(2.0 * (12 - 3))  # nine batches are left of three epochs of four
    assert (told[-1].step, told[-1].epoch, told[-1].loss) == (3, 0, 0.8)


def test_time_left_comes_from_whole_epochs_once_there_are_some(run: Run, clock: list[float]) -> None:
    told: list[Progress] = []
    diary = ProgressWriter(run, epochs=4, steps=4, history=[], on_progress=told.append)
    diary.begin_epoch()
    diary.end_epoch({"epoch": 1, "loss": 0.5, "seconds": 20.0})
    assert told[-1].epoch_metrics is not None
    assert told[-1].seconds_left == pytest.approx(60.0)
    diary.begin_epoch()
    assert told[-1].epoch_metrics is None
    clock[0] += 1.0
    diary.record_batch(10, means(0.4))
    assert told[-1].seconds_left == pytest.approx(20.0 * 2.75)
    assert run.load_metrics() == diary.history == [{"epoch": 1, "loss": 0.5, "seconds": 20.0}]


def test_only_the_first_epoch_is_written_batch_by_batch_and_not_too_often(run: Run, clock: list[float]) -> None:
    diary = ProgressWriter(run, epochs=2, steps=5, history=[], on_progress=lambda _: None)
    assert run.load_batch_metrics() == []
    diary.begin_epoch()
    diary.record_batch(4, means(1.0))
    assert run.load_progress()["step"] == 0  # a moment ago it was written that the epoch began
    for number in (2, 3, 4):
        clock[0] += 0.3
        diary.record_batch(4, means(1.0 / number))
    assert run.load_progress()["step"] == 3
    assert [row["batch"] for row in run.load_batch_metrics()] == [1, 2, 3]
    diary.record_batch(4, means(0.2))
    diary.begin_test()
    assert run.load_progress()["phase"] == "testing"
    assert [row["batch"] for row in run.load_batch_metrics()] == [1, 2, 3, 4, 5]
    diary.end_epoch({"epoch": 1, "loss": 0.5, "seconds": 20.0})
    diary.begin_epoch()
    clock[0] += 1.0
    diary.record_batch(4, means(0.1))
    assert len(run.load_batch_metrics()) == 5
    # A training that goes on keeps the batches of its first epoch.
    ProgressWriter(run, epochs=2, steps=5, history=run.load_metrics(), on_progress=lambda _: None)
    assert len(run.load_batch_metrics()) == 5


@pytest.mark.parametrize(("count", "which"), [(0, []), (1, [0]), (2, [0, 1]), (3, [0, 1, 2]), (54, [0, 26, 53])])
def test_the_filmed_pictures_are_spread_evenly(count: int, which: list[int]) -> None:
    assert snapshots.select_snapshot_indices(count) == which


def test_a_film_keeps_classes_and_no_pictures(run: Run) -> None:
    assert snapshots.load_snapshots(run) is None
    labels = np.arange(3 * 24 * 24, dtype=np.uint8).reshape(3, 24, 24) % 3
    snapshots.start_snapshots(run, ["synthetic/001", "synthetic/002", "synthetic/003"], labels)
    snapshots.start_snapshots(run, ["other"], labels)  # a training that goes on
    snapshots.add_snapshot(run, 0, np.zeros_like(labels))
    snapshots.add_snapshot(run, 12, labels[::-1])
    found = snapshots.load_snapshots(run)
    assert found == snapshots.Snapshots(("synthetic/001", "synthetic/002", "synthetic/003"), 24, (0, 12))
    assert found is not None
    np.testing.assert_array_equal(snapshots.load_snapshot(run, found, None), labels)
    np.testing.assert_array_equal(snapshots.load_snapshot(run, found, 0), 0)
    np.testing.assert_array_equal(snapshots.load_snapshot(run, found, 12), labels[::-1])
    (run.folder / "film" / "00012.png").write_bytes(b"half")
    for epoch in (12, 7):
        with pytest.raises(RunError, match=f"{epoch:05}.png of run run cannot be read"):
            snapshots.load_snapshot(run, found, epoch)
