"""Trainings as processes of their own, as the pages start them: faults 25, 28, 29, 30, 31, 33, 35 and 36."""

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
from wbcseg.training.runs.summary import list_summaries, summarise_run

pytestmark = pytest.mark.training

CONFIG = TrainingConfig(
    base_filters=4, input_size=48, batch_size=4, folds=3, warmup_epochs=1, epochs=400, precision="float32"
)
LINUX = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="Limits of another process: Linux only.")


@pytest.fixture(scope="module")
def pairs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of twelve drawn pictures with masks."""
    return write_pairs(tmp_path_factory.mktemp("data") / "cells", 12, (48, 48), seed=9, stem="Jane ")


@pytest.fixture(autouse=True)
def runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder of runs; what is still being trained there after the test is ended."""
    monkeypatch.setenv("WBCSEG_RUNS", str(tmp_path / "runs"))
    yield tmp_path / "runs"
    for run in list_runs(tmp_path / "runs"):
        process = run.find_process()
        if process:
            process.kill()


def until(run: Run, true: Callable[[], object], seconds: float = 180.0) -> None:
    """Wait until something is so; a training that ends before fails the test."""
    end = time.monotonic() + seconds
    while not true():
        one = summarise_run(run)
        assert one.is_active, f"{one.status}: {one.reason} {(run.folder / 'log.txt').read_text()}"
        assert time.monotonic() < end, f"{one.status} {run.load_progress()} {(run.folder / 'log.txt').read_text()}"
        time.sleep(0.05)


def until_over(run: Run, seconds: float = 180.0) -> str:
    end = time.monotonic() + seconds
    while summarise_run(run).is_active:
        assert time.monotonic() < end
        time.sleep(0.05)
    # Whoever attends to the process writes how it ended a moment after.
    time.sleep(0.5)
    return summarise_run(run).status


def test_faults_35_and_36_one_trains_the_other_waits_and_stop_leaves_a_valid_checkpoint(pairs: Path) -> None:
    config = CONFIG.replace(dataset=str(pairs))
    first = manager.start_run(config)
    until(first, lambda: summarise_run(first).status == "running")
    second = manager.start_run(config)
    until(second, lambda: summarise_run(second).status == "waiting")
    assert first.folder != second.folder
    assert {one.name: one.queue_position for one in list_summaries()} == {first.name: None, second.name: 1}

    until(first, lambda: len(first.load_metrics()) >= 2)
    assert summarise_run(second).status == "waiting"
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
    until(first, lambda: summarise_run(first).status == "waiting")
    manager.stop_run(first, wait=True)  # while it waits
    manager.stop_run(second, wait=True)  # while it gets ready
    assert [one.status for one in list_summaries()] == ["stopped", "stopped"]


def test_fault_33_a_live_job_is_found_after_the_server_was_killed_and_a_dead_one_is_marked(pairs: Path) -> None:
    code = (
        "import sys, time; import json; from wbcseg.training import TrainingConfig, supervisor\n"
        "print(supervisor.start(TrainingConfig.from_dict(json.loads(sys.argv[1]))).name, flush=True); time.sleep(100)"
    )
    config = CONFIG.replace(dataset=str(pairs)).to_dict()
    command = [sys.executable, "-c", code, json.dumps(config)]
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
    assert "ended without a word" in summarise_run(run).reason

    done = len(run.load_metrics())
    run.write("config.json", {**config, "epochs": done + 1})
    manager.resume_run(run)
    assert until_over(run) == "finished"
    assert summarise_run(run).epoch == done + 1
    assert [entry.name for entry in Catalog().usable if not entry.shipped] == [run.name]


@LINUX
def test_fault_25_a_full_disk_marks_the_run_and_leaves_the_last_checkpoint(pairs: Path) -> None:
    run = manager.start_run(CONFIG.replace(dataset=str(pairs)))
    until(run, lambda: len(run.load_metrics()) >= 2)
    process = run.find_process()
    assert process is not None
    # No file may become larger than this from now on: states fit, checkpoints don't.
    psutil.Process(process.pid).rlimit(psutil.RLIMIT_FSIZE, (100_000, 100_000))
    assert until_over(run) == "failed"
    reason = summarise_run(run).reason
    assert "cannot be written" in reason
    assert "Make room on the disk" in reason
    assert "Traceback" not in (run.folder / "log.txt").read_text()
    saved = checkpoint.load_checkpoint(run.folder)
    assert saved is not None
    assert saved.epoch >= len(run.load_metrics()) >= 2
    assert checkpoint.load_best_weights(run.folder) is not None
    assert summarise_run(run).is_resumable


@LINUX
def test_fault_29_without_memory_the_training_dies_the_app_lives_and_advice_is_given(pairs: Path) -> None:
    # Its first step takes about 600 MB: a tenth of it while the graph is traced, the rest while it runs. The limit lies
    # in the second part: where memory ends within the tracing, TensorFlow itself may stop for ever.
    run = manager.start_run(CONFIG.replace(dataset=str(pairs), base_filters=16, input_size=240, batch_size=8))
    until(run, lambda: run.load_progress().get("phase") == "training")
    process = run.find_process()
    assert process is not None
    assert Path(f"/proc/{process.pid}/oom_score_adj").read_text().strip() == "800"  # the first that the system ends
    child = psutil.Process(process.pid)
    child.rlimit(psutil.RLIMIT_AS, (child.memory_info().vms + 200_000_000,) * 2)
    assert until_over(run) == "failed"
    reason = summarise_run(run).reason
    assert "memory" in reason
    assert "smaller width or batch size" in reason


def test_memory_that_ends_while_a_graph_is_traced_is_told_from_a_fault_of_the_program() -> None:
    code = (
        "from wbcseg.training.tf_env import start_engine; start_engine()\n"
        "import sys\nimport tensorflow as tf\nfrom wbcseg.training.trainer import _memory_errors\n"
        "@tf.function\ndef step(problem):\n    raise problem\n"
        "for problem in (MemoryError(), RuntimeError('std::bad_alloc'), ValueError('shape')):\n"
        "    try:\n        with _memory_errors(): step(problem)\n"
        "    except Exception as error: print(isinstance(error, MemoryError))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=120)
    assert done.stdout.split() == ["True", "True", "False"]


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no signals")
@pytest.mark.parametrize("name", ["SIGKILL", "SIGABRT", "SIGSEGV"])
def test_a_process_that_the_system_ended_points_to_memory(pairs: Path, name: str) -> None:
    run = manager.start_run(CONFIG.replace(dataset=str(pairs)))
    until(run, lambda: run.load_progress().get("phase") == "training")
    process = run.find_process()
    assert process is not None
    os.kill(process.pid, getattr(signal, name))
    until(run, lambda: summarise_run(run).status in ("failed", "interrupted"))
    assert "memory ran out" in summarise_run(run).reason


def test_fault_28_a_loss_that_is_no_number_stops_the_training_and_says_why(pairs: Path, runs: Path) -> None:
    code = (
        "from wbcseg.training.tf_env import start_engine; start_engine()\n"
        "from wbcseg.training.trainer import Trainer\nreal = Trainer.step\n"
        "def step(self, images, targets, number):\n"
        "    loss, tally = real(self, images, targets, number)\n"
        "    return (float('nan') if number == 5 else loss), tally\n"
        "Trainer.step = step\nimport sys\nfrom wbcseg.cli import main\nsys.exit(main(sys.argv[1:]))\n"
    )
    options = [
        "--dataset",
        str(pairs),
        "--name",
        "nan",
        "--base-filters",
        "4",
        "--input-size",
        "48",
        "--batch-size",
        "4",
    ]
    options += ["--folds", "3", "--epochs", "9", "--warmup-epochs", "1", "--learning-rate", "0.01"]
    command = [sys.executable, "-c", code, "train", *options]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 1
    run = Run(runs / "nan")
    for text in (done.stderr, summarise_run(run).reason):
        assert "The loss became nan in epoch 3, batch 2" in text
        assert "below 0.01" in text
    assert "Traceback" not in done.stderr
    assert summarise_run(run).status == "failed"
    assert len(run.load_metrics()) == 2
    assert checkpoint.load_best_weights(run.folder) is not None


def test_fault_30_a_folder_that_goes_away_ends_the_training_with_its_name(pairs: Path, runs: Path) -> None:
    options = [
        "--dataset",
        str(pairs),
        "--name",
        "gone",
        "--base-filters",
        "4",
        "--input-size",
        "48",
        "--batch-size",
        "4",
    ]
    command = [sys.executable, "-u", "-m", "wbcseg", "train", *options, "--folds", "3", "--epochs", "200"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        for line in process.stdout:
            if line.startswith("epoch 1/"):
                # At one blow: deleted file by file, it would be written to meanwhile.
                (runs / "gone").rename(runs / "elsewhere")
                break
        process.stdout.read()
        error = process.stderr.read()
        assert process.wait(60) == 1
    assert str(runs / "gone") in error
    assert "Traceback" not in error
    assert not (runs / "gone").exists()


def test_fault_31_the_same_seed_twice_gives_identical_weights(pairs: Path) -> None:
    config = CONFIG.replace(dataset=str(pairs), epochs=3, ema_decay=0.9, dropout=0.3)
    twice = [manager.start_run(config) for _ in range(2)]
    for run in twice:
        assert until_over(run) == "finished", summarise_run(run).reason
    first, second = (checkpoint.load_checkpoint(run.folder) for run in twice)
    assert first is not None
    assert second is not None
    assert set(first.arrays) == set(second.arrays)
    for name, array in first.arrays.items():
        np.testing.assert_array_equal(second.arrays[name], array, err_msg=name)


def test_pictures_of_ones_own_go_through_the_memory_only(pairs: Path, runs: Path) -> None:
    data = Path(shutil.make_archive(str(pairs.parent / "Jane Doe"), "zip", pairs)).read_bytes()
    run = manager.start_run(CONFIG.replace(dataset=manager.UPLOADED_DATASET, epochs=2), data=data)
    assert until_over(run) == "finished", summarise_run(run).reason
    assert run.load_split().test[0].startswith("upload/00")
    filmed = snapshots.load_snapshots(run)
    assert filmed is not None
    assert filmed.epochs == (0, 1, 2)
    assert (
        snapshots.load_snapshot(run, filmed, None).shape == snapshots.load_snapshot(run, filmed, 2).shape == (3, 48, 48)
    )
    picture = encode_png(draw_sample(9, 0, size=(48, 48)).image)
    for path in run.folder.rglob("*"):
        if path.is_file():
            content = path.read_bytes()
            assert b"Jane" not in content, path
            assert picture[-40:-12] not in content, path
    assert os.environ["WBCSEG_RUNS"] == str(runs)


def test_the_recipe_for_any_laboratory_can_be_timed() -> None:
    config = PRESETS["general"].replace(base_filters=4, input_size=48, batch_size=2, epochs=20, clean_epochs=5)
    command = [sys.executable, "-m", "wbcseg.training.cost.probe_worker", json.dumps(config.to_dict()), "--steps", "1"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["train_seconds_per_image"] > 0
