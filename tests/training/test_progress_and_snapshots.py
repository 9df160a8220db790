"""Progress, batch metrics and snapshots that a run writes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from wbcseg.errors import ErrorCode, RunError
from wbcseg.training import Run, TrainingConfig
from wbcseg.training.runs import progress, snapshots
from wbcseg.training.runs.progress import Progress, ProgressWriter, load_progress, write_progress


@pytest.fixture
def run(tmp_path: Path) -> Run:
    made = Run(tmp_path / "run")
    made.create(TrainingConfig(base_filters=4, epochs=8))
    return made


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The time in seconds; only the tests change it."""
    now = [100.0]
    monkeypatch.setattr(progress.time, "perf_counter", lambda: now[0])
    monkeypatch.setattr(progress.time, "monotonic", lambda: now[0])
    return now


def load_step(run: Run) -> int:
    stored = load_progress(run)
    assert stored is not None
    return stored.step


def means(loss: float) -> dict[str, float]:
    return {"loss": loss, "accuracy": 0.5, "binary_accuracy": 0.6}


def test_speed_and_time_left_ignore_the_first_batch(run: Run, clock: list[float]) -> None:
    updates: list[Progress] = []
    writer = ProgressWriter(run, epochs=3, steps=4, history=[], on_progress=updates.append)
    writer.begin_epoch()
    clock[0] += 30.0
    writer.record_batch(10, means(1.0))
    assert (updates[-1].images_per_second, updates[-1].seconds_left) == (None, None)
    for loss in (0.9, 0.8):
        clock[0] += 2.0
        writer.record_batch(10, means(loss))
    assert updates[-1].images_per_second == pytest.approx(5.0)
    assert updates[-1].seconds_left == pytest.approx(2.0 * (12 - 3))  # nine batches are left of three epochs of four
    assert (updates[-1].step, updates[-1].epoch, updates[-1].loss) == (3, 0, 0.8)


def test_time_left_is_based_on_whole_epochs_after_the_first(run: Run, clock: list[float]) -> None:
    updates: list[Progress] = []
    writer = ProgressWriter(run, epochs=4, steps=4, history=[], on_progress=updates.append)
    writer.begin_epoch()
    writer.end_epoch({"epoch": 1, "loss": 0.5, "seconds": 20.0})
    assert updates[-1].epoch_metrics is not None
    assert updates[-1].seconds_left == pytest.approx(60.0)
    writer.begin_epoch()
    assert updates[-1].epoch_metrics is None
    clock[0] += 1.0
    writer.record_batch(10, means(0.4))
    assert updates[-1].seconds_left == pytest.approx(20.0 * 2.75)
    assert run.load_metrics() == writer.history == [{"epoch": 1, "loss": 0.5, "seconds": 20.0}]


def test_batch_metrics_are_written_for_the_first_epoch_only_and_not_too_often(run: Run, clock: list[float]) -> None:
    writer = ProgressWriter(run, epochs=2, steps=5, history=[], on_progress=lambda _: None)
    assert run.load_batch_metrics() == []
    writer.begin_epoch()
    writer.record_batch(4, means(1.0))
    assert load_step(run) == 0  # the start of the epoch was written a moment ago
    for number in (2, 3, 4):
        clock[0] += 0.3
        writer.record_batch(4, means(1.0 / number))
    assert load_step(run) == 3
    assert [row["batch"] for row in run.load_batch_metrics()] == [1, 2, 3]
    writer.record_batch(4, means(0.2))
    writer.begin_test()
    stored = load_progress(run)
    assert stored is not None
    assert stored.phase == "testing"
    assert [row["batch"] for row in run.load_batch_metrics()] == [1, 2, 3, 4, 5]
    writer.end_epoch({"epoch": 1, "loss": 0.5, "seconds": 20.0})
    writer.begin_epoch()
    clock[0] += 1.0
    writer.record_batch(4, means(0.1))
    assert len(run.load_batch_metrics()) == 5
    # A resumed run keeps the batch metrics of its first epoch.
    ProgressWriter(run, epochs=2, steps=5, history=run.load_metrics(), on_progress=lambda _: None)
    assert len(run.load_batch_metrics()) == 5


@pytest.mark.parametrize(
    ("count", "which"), [(0, []), (1, [0]), (2, [0, 1]), (8, list(range(8))), (54, [0, 8, 15, 23, 30, 38, 45, 53])]
)
def test_snapshot_images_are_evenly_spread(count: int, which: list[int]) -> None:
    assert snapshots.select_snapshot_indices(count) == which


def test_snapshots_store_labels(run: Run) -> None:
    assert snapshots.load_snapshots(run) is None
    labels = np.arange(3 * 24 * 24, dtype=np.uint8).reshape(3, 24, 24) % 3
    snapshots.start_snapshots(run, ["synthetic/001", "synthetic/002", "synthetic/003"], labels)
    snapshots.start_snapshots(run, ["other"], labels)  # a resumed run
    snapshots.add_snapshot(run, 0, np.zeros_like(labels))
    snapshots.add_snapshot(run, 12, labels[::-1])
    stored = snapshots.load_snapshots(run)
    assert stored == snapshots.Snapshots(("synthetic/001", "synthetic/002", "synthetic/003"), 24, (0, 12))
    assert stored is not None
    np.testing.assert_array_equal(snapshots.load_snapshot(run, stored, None), labels)
    np.testing.assert_array_equal(snapshots.load_snapshot(run, stored, 0), 0)
    np.testing.assert_array_equal(snapshots.load_snapshot(run, stored, 12), labels[::-1])
    (run.folder / "snapshots" / "00012.png").write_bytes(b"half")
    for epoch in (12, 7):
        with pytest.raises(RunError) as caught:
            snapshots.load_snapshot(run, stored, epoch)
        assert (caught.value.code, caught.value.file) == (ErrorCode.UNREADABLE, f"{epoch:05}.png")


@pytest.mark.parametrize("damage", [{"phase": "resting"}, {"step": None}, {"loss": "x"}, {"changed": []}])
def test_damaged_progress_is_unknown_progress(run: Run, damage: dict[str, object]) -> None:
    write_progress(run, Progress("training", 1, 8, step=2, steps=4, loss=0.5))
    assert load_progress(run) is not None
    run.write("progress.json", {**run.read("progress.json"), **damage})
    assert load_progress(run) is None
