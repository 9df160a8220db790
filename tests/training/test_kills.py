"""``kill -9`` at any moment, including in the middle of a save."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from wbcseg.training import Run, TrainingConfig, checkpoint
from wbcseg.training.runs import snapshots
from wbcseg.training.runs.progress import load_progress

pytestmark = [
    pytest.mark.training,
    pytest.mark.skipif(not hasattr(os, "fork"), reason="This system cannot copy a process."),
]

KILLS = int(os.environ.get("WBCSEG_KILLS", "50"))
"""``python -m benchmarks.kills`` asks for more."""
EPOCHS = 200
CONFIG = TrainingConfig(
    base_filters=4,
    input_size=48,
    batch_size=4,
    folds=3,
    epochs=EPOCHS,
    warmup_epochs=1,
    ema_decay=0.9,
    precision="float32",
)


class Worker:
    """Starts processes that train one run."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def start(self) -> int:
        assert self._process.stdin is not None
        self._process.stdin.write("go\n")
        self._process.stdin.flush()
        return self._number()

    def ended(self) -> int:
        return self._number()

    def _number(self) -> int:
        assert self._process.stdout is not None
        return int(self._process.stdout.readline())


@contextmanager
def worker(folder: Path) -> Iterator[Worker]:
    command = [sys.executable, str(Path(__file__).with_name("kill_worker.py")), str(folder)]
    root = Path(__file__).parents[2]
    environment = {**os.environ, "PYTHONPATH": str(root)}
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
    ) as process:
        yield Worker(process)
        assert process.stdin is not None
        process.stdin.close()
        process.wait(30)


def new_run(folder: Path) -> Run:
    run = Run(folder)
    run.create(CONFIG)
    return run


def get_progress_time(run: Run) -> float:
    progress = load_progress(run)
    return progress.changed if progress else 0.0


def epochs_kept(run: Run) -> int:
    saved = checkpoint.load_checkpoint(run.folder)
    return saved.epoch if saved else 0


def best_kept(run: Run) -> float:
    best = checkpoint.load_best_weights(run.folder)
    return best[1] if best else -1.0


def wait_until(true: Callable[[], object]) -> None:
    for _ in range(6000):
        if true():
            return
        time.sleep(0.01)
    pytest.fail("The training made no progress.")


def test_a_killed_run_loses_at_most_an_epoch_and_resumes_to_the_same_weights(tmp_path: Path) -> None:
    uninterrupted = new_run(tmp_path / "uninterrupted")
    with worker(uninterrupted.folder) as trainings:
        trainings.start()
        assert trainings.ended() == 0
    seconds = np.median([row["seconds"] for row in uninterrupted.load_metrics()[1:]])

    run = new_run(tmp_path / "killed")
    rng = random.Random(24)
    lost = 0
    with worker(run.folder) as trainings:
        for _ in range(KILLS):
            before, best = epochs_kept(run), best_kept(run)
            since = time.time()
            process = trainings.start()
            when = rng.random()
            if when < 0.1:
                time.sleep(rng.uniform(0.0, 1.0))  # while it reads its checkpoint or builds the network
            elif when < 0.3:
                wait_until(lambda since=since: get_progress_time(run) > since)
                time.sleep(rng.uniform(0.0, 1.0))  # in its first epoch
            else:
                # Epochs are so short that most of their time goes into files.
                wait_until(lambda before=before: len(run.load_metrics()) > before)
                time.sleep(rng.uniform(0.0, 2.5) * seconds)
            seen = len(run.load_metrics())  # whole epochs recorded by then
            os.kill(process, signal.SIGKILL)
            assert trainings.ended() in (-signal.SIGKILL, 0)
            kept = epochs_kept(run)
            assert kept >= max(before, seen)
            lost += kept == before
            assert best_kept(run) >= best
            assert run.load_state().status in ("new", "running", "finished")
        trainings.start()
        assert trainings.ended() == 0
    assert lost < KILLS // 2, "too few processes finished an epoch"

    whole, killed = checkpoint.load_checkpoint(uninterrupted.folder), checkpoint.load_checkpoint(run.folder)
    assert whole is not None
    assert killed is not None
    assert killed.epoch == EPOCHS
    for name, array in whole.arrays.items():
        np.testing.assert_allclose(killed.arrays[name], array, rtol=1e-4, atol=1e-5, err_msg=name)
    assert best_kept(run) == pytest.approx(best_kept(uninterrupted), abs=1e-4)
    assert best_kept(run) == pytest.approx(max(scores(run)), abs=1e-6)
    assert [row["epoch"] for row in run.load_metrics()] == list(range(1, EPOCHS + 1))
    stored = snapshots.load_snapshots(run)
    assert stored is not None
    assert stored.epochs == tuple(range(EPOCHS + 1))
    assert not list(run.folder.glob(".*.part")), "temporary files of killed processes remain"


def scores(run: Run) -> list[float]:
    return [(row["val_dice_cytoplasm"] + row["val_dice_nucleus"]) / 2 for row in run.load_metrics()]
