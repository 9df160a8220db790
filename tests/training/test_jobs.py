"""Runs in separate processes, as the pages start them."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import psutil
import pytest
from builders import write_pairs

from wbcseg.datasets.synthetic import draw_sample
from wbcseg.inference import Catalog
from wbcseg.io import encode_png
from wbcseg.training import PRESETS, Run, TrainingConfig, checkpoint
from wbcseg.training.jobs import manager
from wbcseg.training.jobs.queue import list_runs
from wbcseg.training.runs import snapshots
from wbcseg.training.runs.progress import load_progress
from wbcseg.training.runs.summary import list_summaries, summarise_run

pytestmark = [pytest.mark.training, pytest.mark.usefixtures("toy_network")]

CONFIG = TrainingConfig(
    base_filters=4, input_size=48, batch_size=4, folds=3, warmup_epochs=1, epochs=400, precision="float32"
)
TINY = [
    *("--architecture", "toy", "--base-filters", "4", "--input-size", "48", "--batch-size", "4", "--folds", "3"),
    *("--precision", "float32"),
]
LINUX = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="Limits of another process: Linux only.")


@pytest.fixture(scope="module")
def pairs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of twelve synthetic images with masks."""
    return write_pairs(tmp_path_factory.mktemp("data") / "cells", 12, (48, 48), seed=9, stem="Jane ")


@pytest.fixture
def config(pairs: Path) -> TrainingConfig:
    """Settings of a training of a network that is built quickly."""
    return CONFIG.replace(architecture="toy", dataset=str(pairs))


@pytest.fixture(autouse=True)
def runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder of runs; processes that still train there after the test are ended."""
    monkeypatch.setenv("WBCSEG_RUNS", str(tmp_path / "runs"))
    yield tmp_path / "runs"
    for run in list_runs(tmp_path / "runs"):
        process = run.find_process()
        if process:
            process.kill()


def until(run: Run, true: Callable[[], object], seconds: float = 180.0) -> None:
    """Wait until a condition is true; a run that ends before that fails the test."""
    end = time.monotonic() + seconds
    while not true():
        summary = summarise_run(run)
        # The run can end between the two checks; then the condition may have become true with it.
        if not summary.is_active and true():
            return
        assert summary.is_active, f"{summary.status}: {summary.reason} {(run.folder / 'log.txt').read_text()}"
        assert time.monotonic() < end, f"{summary.status} {load_progress(run)} {(run.folder / 'log.txt').read_text()}"
        time.sleep(0.05)


def is_training(run: Run) -> bool:
    progress = load_progress(run)
    return progress is not None and progress.phase == "training"


def until_over(run: Run, seconds: float = 180.0) -> str:
    end = time.monotonic() + seconds
    while summarise_run(run).is_active:
        assert time.monotonic() < end
        time.sleep(0.05)
    # The thread that waits for the process records how it ended a moment later.
    time.sleep(0.5)
    return summarise_run(run).status


def test_one_run_trains_the_other_is_queued_and_stop_leaves_a_valid_checkpoint(config: TrainingConfig) -> None:
    first = manager.start_run(config)
    until(first, lambda: summarise_run(first).status == "running")
    second = manager.start_run(config)
    until(second, lambda: summarise_run(second).status == "queued")
    assert first.folder != second.folder
    assert {summary.name: summary.queue_position for summary in list_summaries()} == {first.name: None, second.name: 1}

    until(first, lambda: len(first.load_metrics()) >= 2)
    assert summarise_run(second).status == "queued"
    process = first.find_process()
    assert process is not None
    assert psutil.Process(process.pid).nice() >= 10
    began = time.monotonic()
    manager.stop_run(first, wait=True)
    assert time.monotonic() - began < 10.0
    assert not process.is_alive()
    assert summarise_run(first).status == "stopped"
    saved = checkpoint.load_checkpoint(first.folder)
    assert saved is not None
    assert saved.epoch == len(first.load_metrics()) >= 2

    until(second, lambda: summarise_run(second).status == "running")
    manager.resume_run(first)
    until(first, lambda: summarise_run(first).status == "queued")
    manager.stop_run(first, wait=True)  # while it is queued
    manager.stop_run(second, wait=True)  # while it prepares
    assert [summary.status for summary in list_summaries()] == ["stopped", "stopped"]


def test_a_live_run_is_found_after_the_server_was_killed_and_a_dead_one_is_marked(config: TrainingConfig) -> None:
    code = (
        "import sys, time; import json; from wbcseg.training import TrainingConfig\n"
        "from wbcseg.training.jobs import manager\n"
        "config = TrainingConfig.from_dict(json.loads(sys.argv[1]))\n"
        "print(manager.start_run(config).name, flush=True); time.sleep(100)"
    )
    command = [sys.executable, "-c", code, json.dumps(config.to_dict())]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        run = manager.get_run(server.stdout.readline().strip())
        until(run, lambda: summarise_run(run).status == "running")
        server.kill()
    until(run, lambda: len(run.load_metrics()) >= 2)
    process = run.find_process()
    assert process is not None
    psutil.Process(process.pid).kill()
    assert until_over(run) == "interrupted"
    done = len(run.load_metrics())
    run.write("config.json", {**config.to_dict(), "epochs": done + 1})
    manager.resume_run(run)
    assert until_over(run) == "finished"
    assert summarise_run(run).epoch == done + 1
    assert [entry.name for entry in Catalog().usable if not entry.shipped] == [run.name]


@LINUX
def test_a_full_disk_marks_the_run_as_failed_and_leaves_the_last_checkpoint(config: TrainingConfig) -> None:
    run = manager.start_run(config)
    until(run, lambda: len(run.load_metrics()) >= 2)
    process = run.find_process()
    assert process is not None
    # From now on no file may become larger than this: states fit, checkpoints don't.
    psutil.Process(process.pid).rlimit(psutil.RLIMIT_FSIZE, (100_000, 100_000))
    assert until_over(run) == "failed"
    assert str(run.folder) in summarise_run(run).reason
    assert "Traceback" not in (run.folder / "log.txt").read_text()
    saved = checkpoint.load_checkpoint(run.folder)
    assert saved is not None
    assert saved.epoch >= len(run.load_metrics()) >= 2
    assert checkpoint.load_best_weights(run.folder) is not None
    assert summarise_run(run).is_resumable


@LINUX
def test_a_run_without_memory_fails_with_advice(pairs: Path) -> None:
    # The first step takes about 600 MB: a tenth of it while the graph is traced, the rest while it runs. The limit is
    # in the second part: if memory runs out while tracing, TensorFlow itself may hang.
    run = manager.start_run(CONFIG.replace(dataset=str(pairs), base_filters=16, input_size=240, batch_size=8))
    until(run, lambda: is_training(run))
    process = run.find_process()
    assert process is not None
    assert (
        Path(f"/proc/{process.pid}/oom_score_adj").read_text().strip() == "800"
    )  # the first process that the system ends
    child = psutil.Process(process.pid)
    child.rlimit(psutil.RLIMIT_AS, (child.memory_info().vms + 200_000_000,) * 2)
    assert until_over(run) == "failed"
    # Either the process reports it, or the system has ended the process.
    reason = summarise_run(run).reason
    assert "memory" in reason
    assert "batch size" in reason


def test_running_out_of_memory_while_tracing_is_distinguished_from_other_errors() -> None:
    code = (
        "from wbcseg.training.tf_env import import_tensorflow; import_tensorflow()\n"
        "import sys\nimport tensorflow as tf\nfrom wbcseg.training.trainer import translate_memory_errors\n"
        "@tf.function\ndef step(problem):\n    raise problem\n"
        "for problem in (MemoryError(), RuntimeError('std::bad_alloc'), ValueError('shape')):\n"
        "    try:\n        with translate_memory_errors(): step(problem)\n"
        "    except Exception as error: print(isinstance(error, MemoryError))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=120)
    assert done.stdout.split() == ["True", "True", "False"]


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no signals")
@pytest.mark.parametrize("name", ["SIGKILL", "SIGABRT", "SIGSEGV"])
def test_a_process_ended_by_the_system_is_explained_by_memory(config: TrainingConfig, name: str) -> None:
    run = manager.start_run(config)
    until(run, lambda: is_training(run))
    process = run.find_process()
    assert process is not None
    os.kill(process.pid, getattr(signal, name))
    until(run, lambda: summarise_run(run).status in ("failed", "interrupted"))
    assert "memory" in summarise_run(run).reason


def test_a_loss_that_is_not_a_number_stops_the_run_and_names_the_batch(pairs: Path, runs: Path) -> None:
    code = (
        "from wbcseg.training.tf_env import import_tensorflow; import_tensorflow()\n"
        "from wbcseg.training.trainer import Trainer\nreal = Trainer.step\n"
        "def step(self, images, targets, number):\n"
        "    loss, metrics = real(self, images, targets, number)\n"
        "    return (float('nan') if number == 5 else loss), metrics\n"
        "Trainer.step = step\nimport sys\nfrom wbcseg.cli import main\nsys.exit(main(sys.argv[1:]))\n"
    )
    options = ["--dataset", str(pairs), "--name", "nan", *TINY]
    options += ["--epochs", "9", "--warmup-epochs", "1", "--learning-rate", "0.01"]
    command = [sys.executable, "-c", code, "train", *options]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 1
    run = Run(runs / "nan")
    for text in (done.stderr, summarise_run(run).reason):
        assert "nan in epoch 3, batch 2" in text
        assert "0.01" in text
    assert "Traceback" not in done.stderr
    assert summarise_run(run).status == "failed"
    assert len(run.load_metrics()) == 2
    assert checkpoint.load_best_weights(run.folder) is not None


def test_a_run_whose_folder_disappears_ends_and_names_it(pairs: Path, runs: Path) -> None:
    options = ["--dataset", str(pairs), "--name", "gone", *TINY]
    command = [sys.executable, "-u", "-m", "wbcseg", "train", *options, "--epochs", "200"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        for line in process.stdout:
            if line.startswith("epoch 1/"):
                # Renamed, since files would be written while it is being deleted.
                (runs / "gone").rename(runs / "elsewhere")
                break
        process.stdout.read()
        error = process.stderr.read()
        assert process.wait(60) == 1
    assert str(runs / "gone") in error
    assert "Traceback" not in error
    assert not (runs / "gone").exists()


def test_the_same_seed_gives_identical_weights(pairs: Path) -> None:
    config = CONFIG.replace(dataset=str(pairs), epochs=3, ema_decay=0.9, dropout=0.3, keep_checkpoints=True)
    twice = [manager.start_run(config) for _ in range(2)]
    for run in twice:
        assert until_over(run) == "finished", summarise_run(run).reason
    first, second = (checkpoint.load_checkpoint(run.folder) for run in twice)
    assert first is not None
    assert second is not None
    assert set(first.arrays) == set(second.arrays)
    for name, array in first.arrays.items():
        np.testing.assert_array_equal(second.arrays[name], array, err_msg=name)


def test_uploaded_images_are_never_written_to_disk(config: TrainingConfig, pairs: Path, runs: Path) -> None:
    data = Path(shutil.make_archive(str(pairs.parent / "Jane Doe"), "zip", pairs)).read_bytes()
    run = manager.start_run(config.replace(dataset=manager.UPLOADED_DATASET, epochs=2), data=data)
    assert until_over(run) == "finished", summarise_run(run).reason
    assert run.load_split().test[0].startswith("upload/00")
    stored = snapshots.load_snapshots(run)
    assert stored is not None
    assert stored.epochs == (0, 1, 2)
    assert (
        snapshots.load_snapshot(run, stored, None).shape == snapshots.load_snapshot(run, stored, 2).shape == (4, 48, 48)
    )
    image = encode_png(draw_sample(9, 0, size=(48, 48)).image)
    for path in run.folder.rglob("*"):
        if path.is_file():
            content = path.read_bytes()
            assert b"Jane" not in content, path
            assert image[-40:-12] not in content, path
    assert os.environ["WBCSEG_RUNS"] == str(runs)


def test_the_general_preset_can_be_timed() -> None:
    config = PRESETS["general"].replace(
        base_filters=4, input_size=48, batch_size=2, epochs=20, clean_epochs=5, precision="float32"
    )
    command = [sys.executable, "-m", "wbcseg.training.cost.probe_worker", json.dumps(config.to_dict()), "--steps", "1"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["train_seconds_per_image"] > 0
