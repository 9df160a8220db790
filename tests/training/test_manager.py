"""Managing runs without training: names, queue, stopping, and which processes are alive."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from filelock import FileLock

from wbcseg.cli import main
from wbcseg.errors import ErrorCode, RunError
from wbcseg.io.atomic import write_json
from wbcseg.paths import get_runs_folder
from wbcseg.training import Run, TrainingConfig
from wbcseg.training.jobs import manager, room
from wbcseg.training.jobs.process import ProcessId, get_peak_memory
from wbcseg.training.jobs.queue import LOCK_FILE, list_queued_runs, list_runs, training_slot
from wbcseg.training.runs.archive import zip_run
from wbcseg.training.runs.names import check_run_name, suggest_run_name
from wbcseg.training.runs.progress import load_progress
from wbcseg.training.runs.summary import diff_configs, list_summaries, summarise_run

CONFIG = TrainingConfig(base_filters=4, epochs=8)
NOW = object()
"""The time at which a test runs: tests are collected long before."""

HERE = ProcessId.current()


@pytest.fixture(autouse=True)
def runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("WBCSEG_RUNS", str(tmp_path / "runs"))
    return tmp_path / "runs"


@pytest.fixture
def stranger() -> Iterator[subprocess.Popen[bytes]]:
    """A process that is not a training."""
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(100)"]) as process:
        yield process
        process.kill()


@contextmanager
def raises_code(code: ErrorCode) -> Iterator[pytest.ExceptionInfo[RunError]]:
    with pytest.raises(RunError) as caught:
        yield caught
    assert caught.value.code == code


def made(name: str, status: str = "new", *, process: ProcessId | None = None, **details: object) -> Run:
    run = Run(get_runs_folder() / name)
    run.create(CONFIG)
    state = {"status": status, "changed": time.time(), **details}
    if process:
        state["process"] = process.to_dict()
    write_json(run.folder / "state.json", state)
    return run


def rows(count: int) -> list[dict[str, float]]:
    dice = (0.5, 0.9, 0.8)
    return [
        {"epoch": e + 1, "loss": 1 / (e + 1), "val_dice_cell": dice[e % 3], "val_dice_nucleus": 0.7, "seconds": 2.0}
        for e in range(count)
    ]


# Processes


def test_a_process_is_identified_by_number_and_start_time() -> None:
    assert HERE.is_alive()
    assert ProcessId.from_dict(json.loads(json.dumps(HERE.to_dict()))) == HERE
    assert not ProcessId(HERE.pid, HERE.started - 60).is_alive()
    assert not ProcessId(2**22 + 1, HERE.started).is_alive()
    assert not ProcessId(-5, 0.0).is_alive()
    assert ProcessId.from_dict(None) is None
    assert ProcessId.from_dict({"pid": "x", "started": 1}) is None


def test_a_zombie_process_is_not_alive() -> None:
    process = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    import psutil

    identity = ProcessId(process.pid, psutil.Process(process.pid).create_time())
    assert identity.is_alive()
    assert process.stdin is not None
    process.stdin.close()
    for _ in range(500):
        if not identity.is_alive():
            break
        time.sleep(0.01)
    assert not identity.is_alive()
    process.wait()


def test_peak_memory_is_read_and_priority_is_lowered() -> None:
    code = (
        "from wbcseg.training.jobs.process import get_peak_memory, lower_priority; import psutil; lower_priority();"
        "print(psutil.Process().nice(), get_peak_memory())"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    nice, peak = map(int, done.stdout.split())
    assert nice >= 10 or sys.platform == "win32"
    assert 5e6 < peak < 1e9
    assert get_peak_memory() > 5e6


def test_stop_never_signals_another_process_with_a_reused_number(stranger: subprocess.Popen[bytes]) -> None:
    import psutil

    began = psutil.Process(stranger.pid).create_time()
    run = made("reused", "running", process=ProcessId(stranger.pid, began - 1000.0))
    assert summarise_run(run).status == "interrupted"
    with raises_code(ErrorCode.INVALID_VALUE):
        manager.stop_run(run)
    run.request_stop()
    os.utime(run.folder / "stop", (1.0, 1.0))
    manager.reap_if_hung(run)
    ProcessId(stranger.pid, began - 1000.0).kill()
    time.sleep(0.2)
    assert stranger.poll() is None


def test_a_hanging_process_is_ended_after_the_grace_period(stranger: subprocess.Popen[bytes]) -> None:
    import psutil

    identity = ProcessId(stranger.pid, psutil.Process(stranger.pid).create_time())
    run = made("hangs", "running", process=identity, epoch=3, epochs=8)
    manager.stop_run(run)
    assert summarise_run(run).status == "stopping"
    assert stranger.poll() is None
    os.utime(run.folder / "stop", (time.time() - 60, time.time() - 60))
    assert summarise_run(run).status == "stopped"
    assert stranger.wait(10) != 0
    assert (run.load_state().epoch, run.load_state().epochs) == (3, 8)
    assert run.get_stop_request_age() is None


def test_a_process_inside_a_computation_ends_itself_after_the_grace_period() -> None:
    run = made("deep")
    code = (
        "import sys, time; from pathlib import Path; from wbcseg.training import Run\n"
        "from wbcseg.training.jobs import stop_signal\nstop_signal.STOP_GRACE_SECONDS = 0.5\n"
        "run = Run(Path(sys.argv[1])); run.set_state('running', epoch=2, epochs=8)\n"
        "with stop_signal.stop_signal(run):\n    time.sleep(100)\n"
    )
    with subprocess.Popen([sys.executable, "-c", code, str(run.folder)]) as process:
        while summarise_run(run).status != "running":
            time.sleep(0.05)
        manager.stop_run(run, wait=True)
        assert process.wait(10) == 130
    assert run.load_state().status == "stopped"
    assert (run.load_state().epoch, run.load_state().epochs) == (2, 8)
    assert run.get_stop_request_age() is None


# The state


@pytest.mark.parametrize(
    "damage", [b"", b'{"status": "runn', b"[1]", b"{}", b'{"status": "?"}', b'{"status": "running", "epoch": "x"}']
)
def test_a_damaged_state_is_replaced_by_the_previous_one(damage: bytes) -> None:
    run = made("cut")
    run.set_state("stopped", epoch=4, epochs=8)
    run.set_state("finished", epoch=8, epochs=8)
    (run.folder / "state.json").write_bytes(damage)
    assert run.load_state().status == "stopped"
    assert summarise_run(run).status == "stopped"
    (run.folder / "state.previous.json").write_bytes(damage)
    with raises_code(ErrorCode.DAMAGED) as caught:
        run.load_state()
    assert caught.value.file == "state.json"
    assert summarise_run(run).status == "damaged"
    manager.delete_run(run)
    assert list_summaries() == []


@pytest.mark.parametrize(
    ("stored", "details", "status"),
    [
        ("new", {"launched_at": NOW}, "starting"),
        ("new", {"launched_at": 1.0}, "interrupted"),
        ("new", {"launched_at": 1e10}, "interrupted"),
        ("queued", {"process": HERE.to_dict()}, "queued"),
        ("running", {"process": HERE.to_dict()}, "running"),
        ("running", {}, "interrupted"),
        ("running", {"process": {"pid": 1, "started": 5.0}}, "interrupted"),
        ("stopped", {}, "stopped"),
        ("finished", {}, "finished"),
        ("failed", {"reason": "The loss became nan."}, "failed"),
        ("asleep", {}, "damaged"),
    ],
)
def test_the_status_comes_from_the_state_file_and_the_process(
    stored: str, details: dict[str, object], status: str
) -> None:
    run = made("one")
    details = {name: time.time() if value is NOW else value for name, value in details.items()}
    write_json(run.folder / "state.json", {"status": stored, "changed": time.time(), **details})
    summary = summarise_run(run)
    assert summary.status == status
    assert summary.is_active == (status in ("starting", "queued", "running"))
    assert summary.is_resumable == (status in ("stopped", "interrupted", "failed"))
    assert bool(summary.reason) == (status in ("interrupted", "failed", "damaged"))
    assert json.loads(json.dumps(summary.to_dict()))["status"] == status


def test_a_summary_has_the_best_and_the_last_dice() -> None:
    run = made("scored", "stopped")
    run.write("metrics.json", {"epochs": rows(3)})
    summary = summarise_run(run)
    assert (summary.epoch, summary.epochs, summary.best_fast_dice_cell, summary.best_epoch, summary.seconds) == (
        3,
        8,
        0.9,
        2,
        6.0,
    )
    assert summary.fast_dice == {"nucleus": 0.7, "cell": 0.8}


# The queue


def test_the_queue_is_first_come_first_served_and_skips_dead_processes() -> None:
    for name, queued in (("late", 30.0), ("early", 10.0), ("middle", 20.0)):
        made(name, "queued", process=HERE, queued_at=queued)
    made("dead", "queued", process=ProcessId(HERE.pid, 1.0), queued_at=1.0)
    made("odd", "queued", process=HERE, queued_at="x")
    assert [run.name for run in list_queued_runs()] == ["early", "middle", "late"]
    positions = {summary.name: summary.queue_position for summary in list_summaries()}
    assert (positions["early"], positions["middle"], positions["late"], positions["dead"]) == (1, 2, 3, None)


def test_a_queued_run_waits_and_can_be_stopped() -> None:
    first, second = made("first", "queued", process=HERE, queued_at=1.0), made("second")
    calls: list[bool] = []
    asked = iter([False, True])
    with training_slot(second, should_stop=lambda: next(asked), on_waiting=lambda: calls.append(True)) as mine:
        assert not mine
    assert calls == [True]
    first.set_state("stopped")
    with training_slot(second, should_stop=lambda: True, on_waiting=lambda: calls.append(True)) as mine:
        assert mine
        # The run that trains holds the lock.
        with training_slot(first, should_stop=lambda: True, on_waiting=lambda: None) as other:
            assert not other
    with FileLock(get_runs_folder() / LOCK_FILE).acquire(blocking=False):
        pass


def test_a_run_finds_itself_in_the_queue_by_a_relative_path_or_a_link(
    runs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made("mine")
    (runs.parent / "elsewhere").symlink_to(runs, target_is_directory=True)
    monkeypatch.chdir(runs.parent)
    for folder in (Path(runs.name) / "mine", runs.parent / "elsewhere" / "mine"):
        with training_slot(Run(folder), should_stop=lambda: True, on_waiting=lambda: None) as mine:
            assert mine


def test_a_full_queue_takes_no_further_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WBCSEG_QUEUE", "2")
    for number in range(2):
        made(f"run-{number}", "queued", process=HERE, queued_at=float(number))
    with raises_code(ErrorCode.BUSY):
        manager.start_run(CONFIG)
    assert len(list_runs(get_runs_folder())) == 2


def test_many_starts_at_once_do_not_pass_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WBCSEG_QUEUE", "3")

    def launch(run: Run, _data: bytes | None) -> None:
        time.sleep(0.02)
        run.set_state("new", launched_at=time.time())

    monkeypatch.setattr(manager, "_launch_process", launch)
    codes: list[ErrorCode] = []

    def start() -> None:
        try:
            manager.start_run(CONFIG)
        except RunError as error:
            codes.append(error.code)

    threads = [threading.Thread(target=start) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert codes == [ErrorCode.BUSY] * 13
    assert len(list_runs(get_runs_folder())) == 3


def test_nothing_starts_on_a_disk_that_is_nearly_full(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room.check_free_disk, "__defaults__", (10**18,))
    with raises_code(ErrorCode.WRITE_FAILED):
        manager.start_run(CONFIG)
    assert list_runs(get_runs_folder()) == []


# Runs of version 0.1


def test_a_run_of_version_0_1_is_marked_and_the_error_has_a_code(capsys: pytest.CaptureFixture[str]) -> None:
    run = made("old", "finished")
    values = CONFIG.to_dict()
    values["width"], values["canvas"] = values.pop("base_filters"), values.pop("input_size")
    run.write("config.json", values)
    made("new", "finished")
    with raises_code(ErrorCode.INCOMPATIBLE) as caught:
        run.load_config()
    assert "0.1" in str(caught.value)
    summaries = {summary.name: summary for summary in list_summaries()}
    assert (summaries["old"].status, summaries["new"].status) == ("outdated", "finished")
    assert not summaries["old"].is_resumable
    for command in (["train", "--resume", "old"], ["runs", "resume", "old"]):
        assert main(command) == 1
    assert main(["runs", "list"]) == 0
    assert "outdated" in capsys.readouterr().out
    manager.delete_run(run)
    assert not run.folder.exists()


# Names, notes, changes


@pytest.mark.parametrize("name", ["", ".hidden", "../out", "a/b", "a\\b", "x" * 81, "a\0b", "blank ", "end.", "-x"])
def test_names_that_are_not_plain_folder_names_are_refused(name: str) -> None:
    with raises_code(ErrorCode.INVALID_VALUE):
        check_run_name(name)
    with raises_code(ErrorCode.INVALID_VALUE):
        manager.start_run(CONFIG, name=name)
    assert not get_runs_folder().exists()


def test_a_name_is_suggested(runs: Path) -> None:
    assert suggest_run_name(CONFIG, runs) == "unet-4-synthetic-1"
    made("unet-4-synthetic-1")
    assert suggest_run_name(CONFIG, runs) == "unet-4-synthetic-2"
    check_run_name(suggest_run_name(CONFIG.replace(dataset="/data/Größe 1/ünï.zip"), runs))


def test_runs_can_be_renamed_annotated_and_deleted(runs: Path) -> None:
    run = made("first", "stopped")
    run.save_notes("A first try. <b>Ä</b>")
    run = manager.rename_run(run, "Second try")
    assert [summary.name for summary in list_summaries()] == ["Second try"]
    assert run.load_notes() == "A first try. <b>Ä</b>"
    with raises_code(ErrorCode.TOO_LARGE):
        run.save_notes("x" * 10_001)
    other = made("other", "stopped")
    with raises_code(ErrorCode.ALREADY_EXISTS):
        manager.rename_run(run, "other")
    manager.delete_run(run)
    assert [summary.name for summary in list_summaries()] == ["other"]
    assert [path.name for path in runs.iterdir()] == ["other"]
    with raises_code(ErrorCode.NOT_FOUND):
        manager.delete_run(run)
    assert manager.get_run("other") == other
    with raises_code(ErrorCode.NOT_FOUND):
        manager.get_run("first")


def test_an_active_run_is_neither_deleted_nor_renamed_nor_resumed() -> None:
    run = made("busy", "running", process=HERE)
    for change in (manager.delete_run, manager.resume_run, lambda r: manager.rename_run(r, "free")):
        with raises_code(ErrorCode.BUSY):
            change(run)
    with raises_code(ErrorCode.INVALID_VALUE):
        manager.resume_run(made("done", "finished"))


def test_runs_on_uploaded_images_need_the_upload_again() -> None:
    config = CONFIG.replace(dataset=manager.UPLOADED_DATASET)
    with raises_code(ErrorCode.NO_IMAGES):
        manager.start_run(config)
    run = made("mine", "stopped")
    run.write("config.json", config.to_dict())
    with raises_code(ErrorCode.NO_IMAGES):
        manager.resume_run(run)


def test_diff_configs_returns_the_settings_that_differ() -> None:
    table = diff_configs(
        {"a": CONFIG, "b": CONFIG.replace(base_filters=16), "c": CONFIG.replace(base_filters=16, seed=3)}
    )
    assert table == {"base_filters": {"a": 4, "b": 16, "c": 16}, "seed": {"a": 2, "b": 2, "c": 3}}
    assert diff_configs({"a": CONFIG}) == {}
    assert diff_configs({}) == {}


def test_a_zipped_run_has_everything_but_its_checkpoints() -> None:
    import io
    import zipfile

    run = made("packed", "stopped")
    run.write("config.json", CONFIG.replace(dataset="/somewhere/my cells").to_dict())
    for name in (
        "log.txt",
        "checkpoint.safetensors",
        "checkpoint.previous.safetensors",
        "best.safetensors",
        ".x.part",
        "stop",
    ):
        (run.folder / name).write_bytes(b"0")
    (run.folder / "snapshots").mkdir()
    (run.folder / "snapshots" / "00001.png").write_bytes(b"0")
    with zipfile.ZipFile(io.BytesIO(zip_run(run))) as packed:
        expected = {"config.json", "best.safetensors", "snapshots/00001.png"}
        assert set(packed.namelist()) == {f"packed/{name}" for name in expected}
        assert json.loads(packed.read("packed/config.json"))["dataset"] == "my cells"


# Folders that cannot be used


def test_a_folder_that_cannot_be_written_or_is_gone_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("WBCSEG_RUNS", str(tmp_path / "file"))
    with raises_code(ErrorCode.WRITE_FAILED):
        manager.start_run(CONFIG)
    assert list_summaries() == []
    run = Run(tmp_path / "gone")
    for use in (
        run.load_state,
        run.load_config,
        run.request_stop,
        lambda: run.set_state("new"),
        lambda: manager.delete_run(run),
    ):
        with pytest.raises(RunError, match="gone"):
            use()
    assert run.load_metrics() == run.load_batch_metrics() == []
    assert load_progress(run) is None
    assert run.load_notes() == ""


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="This system has no folder that is never writable.")
def test_a_read_only_folder_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WBCSEG_RUNS", "/proc/runs")
    with raises_code(ErrorCode.WRITE_FAILED):
        manager.start_run(CONFIG)


def test_two_runs_started_at_the_same_moment_get_two_folders(runs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    launched: list[str] = []
    monkeypatch.setattr(manager, "_launch_process", lambda run, _: launched.append(run.name))
    names = iter(["unet-4-synthetic-1", "unet-4-synthetic-1", "unet-4-synthetic-2"])
    monkeypatch.setattr(manager, "suggest_run_name", lambda *_: next(names))
    manager.start_run(CONFIG)
    manager.start_run(CONFIG)
    assert launched == ["unet-4-synthetic-1", "unet-4-synthetic-2"]
    with raises_code(ErrorCode.ALREADY_EXISTS):
        manager.start_run(CONFIG, name="unet-4-synthetic-1")


def test_of_two_processes_that_create_a_folder_at_the_same_moment_one_fails(
    runs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Run(runs / "both").create(CONFIG)
    # The second process checked before the first had written anything.
    monkeypatch.setattr(Path, "exists", lambda _: False)
    monkeypatch.setattr(Path, "iterdir", lambda _: iter(()))
    with raises_code(ErrorCode.ALREADY_EXISTS):
        Run(runs / "both").create(CONFIG.replace(base_filters=8))
    assert Run(runs / "both").load_config() == CONFIG


def test_an_active_run_is_not_resumed_from_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    run = made("busy", "running", process=HERE)
    before = run.load_state()
    assert main(["train", "--resume", "busy"]) == 1
    assert "already active" in capsys.readouterr().err
    assert run.load_state() == before


def test_a_settled_run_is_read_again_only_when_its_files_change(monkeypatch: pytest.MonkeyPatch) -> None:
    run = made("one", "stopped")
    run.write("metrics.json", {"epochs": rows(3)})
    assert summarise_run(run).epoch == 3
    read: list[str] = []
    monkeypatch.setattr(Run, "read", lambda _, name: read.append(name) or {})
    assert summarise_run(run).epoch == 3
    assert not read
    monkeypatch.undo()
    run.write("metrics.json", {"epochs": rows(2)})
    run.save_notes("New.")
    summary = summarise_run(run)
    assert (summary.epoch, summary.details.notes) == (2, "New.")
