"""The supervisor without a network: names, the line, stopping, and telling the living from the dead."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from filelock import FileLock

from wbcseg.cli import main
from wbcseg.errors import RunError
from wbcseg.io.atomic import write_json
from wbcseg.paths import get_runs_folder
from wbcseg.training import Run, TrainingConfig
from wbcseg.training.jobs import manager
from wbcseg.training.jobs.process import ProcessId, get_peak_memory, lower_priority
from wbcseg.training.jobs.queue import LOCK_FILE, list_queued_runs, list_runs, training_slot
from wbcseg.training.runs.folder import check_run_name, suggest_run_name
from wbcseg.training.runs.summary import diff_configs, list_summaries, summarise_run, zip_run

CONFIG = TrainingConfig(base_filters=4, epochs=8)
HERE = ProcessId.current()


@pytest.fixture(autouse=True)
def runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("WBCSEG_RUNS", str(tmp_path / "runs"))
    return tmp_path / "runs"


@pytest.fixture
def stranger() -> Iterator[subprocess.Popen[bytes]]:
    """A process that has nothing to do with any training."""
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(100)"]) as process:
        yield process
        process.kill()


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


def test_this_process_is_alive_and_its_number_with_another_start_is_not() -> None:
    assert HERE.is_alive()
    assert ProcessId.from_dict(json.loads(json.dumps(HERE.to_dict()))) == HERE
    assert not ProcessId(HERE.pid, HERE.started - 60).is_alive()
    assert not ProcessId(2**22 + 1, HERE.started).is_alive()
    assert not ProcessId(-5, 0.0).is_alive()
    assert ProcessId.from_dict(None) is None
    assert ProcessId.from_dict({"pid": "x", "started": 1}) is None


def test_a_process_that_has_ended_and_that_nobody_has_buried_is_dead() -> None:
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


def test_memory_is_measured_and_priority_given_away() -> None:
    code = (
        "from wbcseg.training.jobs.process import give_way, peak_memory; import psutil; give_way();"
        "print(psutil.Process().nice(), peak_memory())"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    nice, peak = map(int, done.stdout.split())
    assert nice >= 10 or sys.platform == "win32"
    assert 5e6 < peak < 1e9
    assert get_peak_memory() > 5e6
    assert callable(lower_priority)


# Fault 34


def test_fault_34_stop_never_signals_a_stranger_with_a_number_used_again(stranger: subprocess.Popen[bytes]) -> None:
    import psutil

    began = psutil.Process(stranger.pid).create_time()
    run = made("reused", "running", process=ProcessId(stranger.pid, began - 1000.0))
    assert summarise_run(run).status == "interrupted"
    with pytest.raises(RunError, match="nothing to stop"):
        manager.stop_run(run)
    run.request_stop()
    os.utime(run.folder / "stop", (1.0, 1.0))
    manager.reap_if_hung(run)
    ProcessId(stranger.pid, began - 1000.0).kill()
    time.sleep(0.2)
    assert stranger.poll() is None


def test_a_training_that_hangs_is_ended_from_outside(stranger: subprocess.Popen[bytes]) -> None:
    import psutil

    identity = ProcessId(stranger.pid, psutil.Process(stranger.pid).create_time())
    run = made("hangs", "running", process=identity, epoch=3, epochs=8)
    manager.stop_run(run)
    assert summarise_run(run).status == "stopping"
    assert stranger.poll() is None
    os.utime(run.folder / "stop", (time.time() - 60, time.time() - 60))
    assert summarise_run(run).status == "stopped"
    assert stranger.wait(10) != 0
    assert run.load_epoch_counts() == {"epoch": 3, "epochs": 8}
    assert run.get_stop_request_age() is None


def test_fault_35_a_training_deep_in_a_computation_ends_itself_when_its_time_is_up() -> None:
    run = made("deep")
    code = (
        "import sys, time; from pathlib import Path; from wbcseg.training import Run, stopping\n"
        "stopping.GRACE = 0.5\nrun = Run(Path(sys.argv[1])); run.set_state('running', epoch=2, epochs=8)\n"
        "with stopping.stop_requests(run):\n    time.sleep(100)\n"
    )
    with subprocess.Popen([sys.executable, "-c", code, str(run.folder)]) as process:
        while summarise_run(run).status != "running":
            time.sleep(0.05)
        manager.stop_run(run, wait=True)
        assert process.wait(10) == 130
    assert run.load_state()["status"] == "stopped"
    assert run.load_epoch_counts() == {"epoch": 2, "epochs": 8}
    assert run.get_stop_request_age() is None


# The state


@pytest.mark.parametrize("damage", [b"", b'{"status": "runn', b"[1]", b"{}"])
def test_fault_26_a_cut_state_gives_way_to_the_one_before(damage: bytes) -> None:
    run = made("cut")
    run.set_state("stopped", epoch=4, epochs=8)
    run.set_state("finished", epoch=8, epochs=8)
    (run.folder / "state.json").write_bytes(damage)
    assert run.load_state()["status"] == "stopped"
    assert summarise_run(run).status == "stopped"
    (run.folder / "state.previous.json").write_bytes(damage)
    with pytest.raises(RunError, match=r"state\.json"):
        run.load_state()
    assert summarise_run(run).status == "damaged"
    manager.delete_run(run)
    assert list_summaries() == []


@pytest.mark.parametrize(
    ("status", "details", "situation"),
    [
        # Far ahead: this is written when the tests are collected, and they may run long after.
        ("new", {"launched": time.time() + 1e6}, "starting"),
        ("new", {"launched": 1.0}, "interrupted"),
        ("waiting", {"process": HERE.to_dict()}, "waiting"),
        ("running", {"process": HERE.to_dict()}, "running"),
        ("running", {}, "interrupted"),
        ("running", {"process": {"pid": 1, "started": 5.0}}, "interrupted"),
        ("stopped", {}, "stopped"),
        ("finished", {}, "finished"),
        ("failed", {"reason": "The loss became nan."}, "failed"),
        ("asleep", {}, "damaged"),
    ],
)
def test_every_situation_is_told_from_the_others(status: str, details: dict[str, object], situation: str) -> None:
    run = made("one")
    write_json(run.folder / "state.json", {"status": status, "changed": time.time(), **details})
    one = summarise_run(run)
    assert one.status == situation
    assert one.is_active == (situation in ("starting", "waiting", "running"))
    assert one.is_resumable == (situation in ("stopped", "interrupted", "failed"))
    assert bool(one.reason) == (situation in ("interrupted", "failed", "damaged"))
    assert json.loads(json.dumps(one.to_dict()))["situation"] == situation


def test_an_overview_has_the_best_and_the_last_dice() -> None:
    run = made("scored", "stopped")
    run.write("metrics.json", {"epochs": rows(3)})
    one = summarise_run(run)
    assert (one.epoch, one.epochs, one.best_dice_cell, one.best_epoch, one.seconds) == (3, 8, 0.9, 2, 6.0)
    assert one.dice == {"nucleus": 0.7, "cell": 0.8}


# The line


def test_the_line_is_in_the_order_of_coming_and_skips_the_dead() -> None:
    for name, queued in (("late", 30.0), ("early", 10.0), ("middle", 20.0)):
        made(name, "waiting", process=HERE, queued=queued)
    made("dead", "waiting", process=ProcessId(HERE.pid, 1.0), queued=1.0)
    made("odd", "waiting", process=HERE, queued="x")
    assert [run.name for run in list_queued_runs()] == ["early", "middle", "late"]
    places = {one.name: one.queue_position for one in list_summaries()}
    assert (places["early"], places["middle"], places["late"], places["dead"]) == (1, 2, 3, None)


def test_whoever_is_not_first_waits_and_hears_when_it_is_to_stop() -> None:
    first, second = made("first", "waiting", process=HERE, queued=1.0), made("second")
    told: list[bool] = []
    asked = iter([False, True])
    with training_slot(second, should_stop=lambda: next(asked), on_waiting=lambda: told.append(True)) as mine:
        assert not mine
    assert told == [True]
    first.set_state("stopped")
    with training_slot(second, should_stop=lambda: True, on_waiting=lambda: told.append(True)) as mine:
        assert mine
        # Whoever trains holds the lock: nobody else can.
        with training_slot(first, should_stop=lambda: True, on_waiting=lambda: None) as other:
            assert not other
    with FileLock(get_runs_folder() / LOCK_FILE).acquire(blocking=False):
        pass


def test_a_run_finds_itself_in_the_line_however_its_folder_is_spelt(
    runs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made("mine")
    (runs.parent / "elsewhere").symlink_to(runs, target_is_directory=True)
    monkeypatch.chdir(runs.parent)
    for folder in (Path(runs.name) / "mine", runs.parent / "elsewhere" / "mine"):
        with training_slot(Run(folder), should_stop=lambda: True, on_waiting=lambda: None) as mine:
            assert mine


def test_the_line_has_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(manager, "MAX_QUEUED_RUNS", 2)
    for number in range(2):
        made(f"run-{number}", "waiting", process=HERE, queued=float(number))
    with pytest.raises(RunError, match="wait in line already"):
        manager.start_run(CONFIG)
    assert len(list_runs(get_runs_folder())) == 2


# Names, notes, changes


@pytest.mark.parametrize("name", ["", ".hidden", "../out", "a/b", "a\\b", "x" * 81, "a\0b", "blank ", "end.", "-x"])
def test_names_that_lead_elsewhere_are_refused(name: str) -> None:
    with pytest.raises(RunError, match="The name of a run"):
        check_run_name(name)
    with pytest.raises(RunError, match="The name of a run"):
        manager.start_run(CONFIG, name=name)
    assert not get_runs_folder().exists()


def test_a_name_is_made_where_none_is_given(runs: Path) -> None:
    assert suggest_run_name(CONFIG, runs) == "unet-4-synthetic-1"
    made("unet-4-synthetic-1")
    assert suggest_run_name(CONFIG, runs) == "unet-4-synthetic-2"
    check_run_name(suggest_run_name(CONFIG.replace(dataset="/data/Größe 1/ünï.zip"), runs))


def test_renamed_noted_and_deleted(runs: Path) -> None:
    run = made("first", "stopped")
    run.save_notes("A first try. <b>Ä</b>")
    run = manager.rename_run(run, "Second try")
    assert [one.name for one in list_summaries()] == ["Second try"]
    assert run.load_notes() == "A first try. <b>Ä</b>"
    with pytest.raises(RunError, match="10,000 characters"):
        run.save_notes("x" * 10_001)
    other = made("other", "stopped")
    with pytest.raises(RunError, match="There is a run 'other' already"):
        manager.rename_run(run, "other")
    manager.delete_run(run)
    assert [one.name for one in list_summaries()] == ["other"]
    assert [path.name for path in runs.iterdir()] == ["other"]
    with pytest.raises(RunError, match="There is no run Second try"):
        manager.delete_run(run)
    assert manager.get_run("other") == other
    with pytest.raises(RunError, match="Runs here: other"):
        manager.get_run("first")


def test_what_is_being_trained_is_neither_deleted_nor_renamed_nor_resumed() -> None:
    run = made("busy", "running", process=HERE)
    for change in (manager.delete_run, manager.resume_run, lambda r: manager.rename_run(r, "free")):
        with pytest.raises(RunError, match="being trained"):
            change(run)
    with pytest.raises(RunError, match="is finished"):
        manager.resume_run(made("done", "finished"))


def test_pictures_of_ones_own_are_asked_for_and_never_kept() -> None:
    config = CONFIG.replace(dataset=manager.UPLOADED_DATASET)
    with pytest.raises(RunError, match="needs them"):
        manager.start_run(config)
    run = made("mine", "stopped")
    run.write("config.json", config.to_dict())
    with pytest.raises(RunError, match="Bring the same zip"):
        manager.resume_run(run)


def test_differences_are_the_settings_that_differ() -> None:
    table = diff_configs(
        {"a": CONFIG, "b": CONFIG.replace(base_filters=16), "c": CONFIG.replace(base_filters=16, seed=3)}
    )
    assert table == {"width": {"a": 4, "b": 16, "c": 16}, "seed": {"a": 2, "b": 2, "c": 3}}
    assert diff_configs({"a": CONFIG}) == {}
    assert diff_configs({}) == {}


def test_a_packed_run_has_all_but_its_checkpoints() -> None:
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
    (run.folder / "film").mkdir()
    (run.folder / "film" / "00001.png").write_bytes(b"0")
    with zipfile.ZipFile(io.BytesIO(zip_run(run))) as packed:
        expected = {"config.json", "best.safetensors", "film/00001.png"}
        assert set(packed.namelist()) == {f"packed/{name}" for name in expected}
        assert json.loads(packed.read("packed/config.json"))["dataset"] == "my cells"


# Fault 30


def test_fault_30_a_folder_that_cannot_be_written_or_is_gone_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("WBCSEG_RUNS", str(tmp_path / "file"))
    with pytest.raises(RunError, match=r"file.* cannot be written"):
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
    assert run.load_progress() == {}
    assert run.load_notes() == ""


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="This system has no folder that nobody may write to.")
def test_fault_30_a_read_only_folder_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WBCSEG_RUNS", "/proc/runs")
    with pytest.raises(RunError, match="/proc/runs/unet-4-synthetic-1 cannot be written"):
        manager.start_run(CONFIG)


def test_two_that_begin_at_the_same_moment_get_two_folders(runs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    launched: list[str] = []
    monkeypatch.setattr(manager, "_launch_process", lambda run, _: launched.append(run.name))
    names = iter(["unet-4-synthetic-1", "unet-4-synthetic-1", "unet-4-synthetic-2"])
    monkeypatch.setattr(manager, "suggest_run_name", lambda *_: next(names))
    manager.start_run(CONFIG)
    manager.start_run(CONFIG)
    assert launched == ["unet-4-synthetic-1", "unet-4-synthetic-2"]
    with pytest.raises(RunError, match="holds a run already"):
        manager.start_run(CONFIG, name="unet-4-synthetic-1")


def test_of_two_that_make_a_folder_at_the_same_moment_only_one_has_it(
    runs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Run(runs / "both").create(CONFIG)
    # The other one looked before the first one had written anything.
    monkeypatch.setattr(Path, "exists", lambda _: False)
    monkeypatch.setattr(Path, "iterdir", lambda _: iter(()))
    with pytest.raises(RunError, match="holds a run already"):
        Run(runs / "both").create(CONFIG.replace(base_filters=8))
    assert Run(runs / "both").load_config() == CONFIG


def test_a_run_that_is_being_trained_is_not_resumed_from_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    run = made("busy", "running", process=HERE)
    before = run.load_state()
    assert main(["train", "--resume", "busy"]) == 1
    assert "is being trained already" in capsys.readouterr().err
    assert run.load_state() == before
