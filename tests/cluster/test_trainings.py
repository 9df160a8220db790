"""Training on workers: all runs are finished, as they would be one after the other."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path
from threading import Thread
from typing import Any

import numpy as np
import psutil
import pytest

from wbcseg.models.weights import read_weights
from wbcseg.scale.trainings import train_on_workers
from wbcseg.training import PRESETS, Run
from wbcseg.training.jobs.until_done import train_until_done

pytestmark = [pytest.mark.cluster, pytest.mark.training]
CONFIG = PRESETS["quick"].replace(
    dataset="synthetic", base_filters=4, input_size=48, epochs=3, folds=2, precision="float32"
)
TRAININGS = [(f"run-{fold}", CONFIG.replace(fold=fold)) for fold in range(2)]


def kill_worker_once(client: Any, folder: Path) -> None:
    """Kill the worker whose training has ended its first epoch."""
    while not list(folder.glob("run-*/checkpoint.safetensors")):
        time.sleep(0.05)
    for pid in list(client.run(os.getpid, on_error="ignore").values()):
        if any("train" in child.cmdline() for child in psutil.Process(pid).children(recursive=True)):
            os.kill(pid, signal.SIGKILL)
            return


def load_weights(run: Run) -> dict[str, Any]:
    return read_weights(run.folder / "weights.safetensors").arrays


def test_runs_of_a_killed_worker_go_on_and_equal_those_of_one_machine(client: Any, tmp_path: Path) -> None:
    (tmp_path / "scheduled").mkdir()
    killer = Thread(target=kill_worker_once, args=(client, tmp_path / "scheduled"), daemon=True)
    killer.start()
    finished: list[str] = []
    runs = train_on_workers(TRAININGS, client, tmp_path / "scheduled", threads=1, on_finished=finished.append)
    killer.join(60)
    assert not killer.is_alive()
    assert runs is not None
    assert sorted(finished) == ["run-0", "run-1"]
    assert [run.load_state().status for run in runs] == ["finished", "finished"]
    name, config = TRAININGS[0]
    alone = train_until_done(name, config, runs_folder=tmp_path / "alone", threads=1)
    assert alone is not None
    for key, array in load_weights(alone).items():
        np.testing.assert_allclose(load_weights(runs[0])[key], array, atol=2e-3, err_msg=key)
    # Finished runs are not trained again.
    changed = (runs[0].folder / "model.tflite").stat().st_mtime
    assert train_on_workers(TRAININGS, client, tmp_path / "scheduled", threads=1) is not None
    assert (runs[0].folder / "model.tflite").stat().st_mtime == changed
