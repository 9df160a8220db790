"""What a training will cost is told before it starts, from what was measured. Nothing here loads TensorFlow."""

from __future__ import annotations

import dataclasses
import itertools
import json
import os
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest
from filelock import FileLock

from wbcseg.errors import NotEnoughMemoryError, TrainingError
from wbcseg.io.atomic import write_json
from wbcseg.models import ARCHITECTURES, get_spec
from wbcseg.training import PRESETS, Run, TrainingConfig
from wbcseg.training.cost import estimate as module
from wbcseg.training.cost import memory, probe
from wbcseg.training.cost import records as measured
from wbcseg.training.cost.estimate import CostEstimate, check_memory, count_samples, estimate_cost
from wbcseg.training.cost.model import (
    EXPORT_BYTES,
    CostSource,
    estimate_memory,
    estimate_test_seconds_per_image,
    estimate_train_seconds_per_image,
    find_nearest_source,
    load_reference_sources,
)
from wbcseg.training.cost.probe import start_probe
from wbcseg.training.cost.records import (
    CostRecord,
    get_hardware,
    load_cost_records,
    load_reference_records,
    store_cost_record,
)
from wbcseg.training.jobs import queue
from wbcseg.training.jobs.process import ProcessId

SMALL = TrainingConfig(base_filters=8, batch_size=16, epochs=10, precision="float32")
GIGABYTE = 1_000_000_000


@pytest.fixture
def runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder of runs."""
    monkeypatch.setenv("WBCSEG_RUNS", str(tmp_path / "runs"))
    return tmp_path / "runs"


@pytest.fixture
def free(monkeypatch: pytest.MonkeyPatch) -> None:
    """A computer with 4 GB of free memory."""
    have(monkeypatch, 4.0)


def have(monkeypatch: pytest.MonkeyPatch, gigabytes: float) -> None:
    monkeypatch.setattr(module, "get_free_memory", lambda: int(gigabytes * GIGABYTE))


def record(config: TrainingConfig = SMALL, **changes: object) -> CostRecord:
    """A measurement on this machine: 0.1 s a picture, 0.02 s in a test, 1 GB, of which the libraries are 0.7."""
    processor, cores = get_hardware()
    values: dict[str, object] = {
        "architecture": config.architecture,
        "width": config.base_filters,
        "input_size": config.input_size,
        "batch_size": config.batch_size,
        "precision": config.precision,
        "optimizer": config.optimizer,
        "ema_decay": config.ema_decay > 0,
        "parameters": get_spec(config.architecture).count_parameters(config.base_filters),
        "train_seconds_per_image": 0.1,
        "test_seconds_per_image": 0.02,
        "trace_seconds": 5.0,
        "start_seconds": 7.0,
        "base_bytes": 700_000_000,
        "peak_bytes": 1_000_000_000,
        "processor": processor,
        "cores": cores,
        "created": 1.0,
    }
    found = CostRecord.from_dict({**values, **changes})
    assert found is not None
    return found


def make_run(folder: Path, name: str, config: TrainingConfig, *, seconds: float, **environment: object) -> None:
    """A run of three epochs with 8 and 2 pictures: a slow first epoch, then ``seconds`` and a test of one second."""
    run = Run(folder / name)
    run.create(config)
    processor, cores = get_hardware()
    run.write(
        "environment.json", {"processor": processor, "cores": cores, "precision": config.precision, **environment}
    )
    run.write("split.json", {"train": [str(i) for i in range(8)], "test": ["8", "9"]})
    rows = [
        {"epoch": n + 1, "train_seconds": s, "seconds": s + 1.0, "memory_bytes": 1_100_000_000 + n}
        for n, s in enumerate((seconds + 30.0, seconds, seconds))
    ]
    run.write("metrics.json", {"epochs": rows})


# What an estimate is made from


def test_without_any_measurement_the_reference_machine_counts(runs: Path, free: None) -> None:
    for name in ARCHITECTURES:
        for width in (16, 64):
            found = estimate_cost(TrainingConfig(architecture=name, base_filters=width), (100, 20), runs)
            assert found.basis == "reference"
            assert not found.is_exact
            assert 700_000_000 < found.memory_bytes < 10 * GIGABYTE
            assert found.seconds > 100 * found.seconds_per_epoch > 0


def test_the_reference_has_every_network_narrow_and_wide() -> None:
    widths = {
        name: {r.base_filters for r in load_reference_records() if r.architecture == name} for name in ARCHITECTURES
    }
    assert all({16, 64} <= found for found in widths.values())
    assert len({r.processor for r in load_reference_records()}) == 1
    for r in load_reference_records():
        assert r.parameters == get_spec(r.architecture).count_parameters(r.base_filters)
        assert r.finish_seconds > 0
        assert r.peak_bytes > r.base_bytes > 500_000_000


def test_the_reference_grows_with_the_width_but_slower_than_the_multiply_adds() -> None:
    for name in ARCHITECTURES:
        records = sorted((r for r in load_reference_records() if r.architecture == name), key=lambda r: r.base_filters)
        for narrow, wide in itertools.pairwise(records):
            growth = wide.train_seconds_per_image / narrow.train_seconds_per_image
            work = [get_spec(name).count_multiply_adds(r.base_filters, 120) for r in (narrow, wide)]
            assert 1 < growth < 1.2 * work[1] / work[0]


def test_timed_steps_of_the_same_settings_are_taken_as_they_are(runs: Path, free: None) -> None:
    store_cost_record(runs, record())
    found = estimate_cost(SMALL, (100, 10), runs)
    assert (found.basis, found.is_exact) == ("timed", True)
    assert found.seconds_per_epoch == pytest.approx(100 * 0.1 + 10 * 0.02)
    # Ten epochs, start and tracing, and one more test for the scores.
    least = 10 * found.seconds_per_epoch + 12.0 + 0.2
    assert least < found.seconds < least + 60
    assert found.memory_bytes == pytest.approx(GIGABYTE + EXPORT_BYTES, rel=0.02)


def test_an_earlier_run_comes_before_timed_steps(runs: Path, free: None) -> None:
    store_cost_record(runs, record())
    make_run(runs, "a", SMALL, seconds=16.0)
    found = estimate_cost(SMALL, (8, 2), runs)
    assert (found.basis, found.is_exact) == ("runs", True)
    assert found.seconds_per_epoch == pytest.approx(16.0 + 1.0)
    assert found.memory_bytes == pytest.approx(1_100_000_002 + EXPORT_BYTES, abs=5)


def test_of_two_runs_alike_the_newer_counts(runs: Path, free: None) -> None:
    for name, seconds, age in (("a", 20.0, 100), ("b", 10.0, 0), ("c", 30.0, 200)):
        make_run(runs, name, SMALL, seconds=seconds)
        moment = time.time() - age
        os.utime(runs / name / "metrics.json", (moment, moment))
    assert estimate_cost(SMALL, (8, 2), runs).seconds_per_epoch == pytest.approx(11.0)


def test_the_same_settings_come_before_a_near_run(runs: Path, free: None) -> None:
    make_run(runs, "near", SMALL.replace(base_filters=12), seconds=99.0)
    store_cost_record(runs, record())
    assert estimate_cost(SMALL, (8, 2), runs).basis == "timed"
    assert estimate_cost(SMALL.replace(base_filters=12, seed=9), (8, 2), runs).basis == "runs"


@pytest.mark.parametrize("environment", [{"processor": "another"}, {"cores": 99}])
def test_runs_and_records_of_another_machine_do_not_count(
    runs: Path, free: None, environment: dict[str, object]
) -> None:
    make_run(runs, "a", SMALL, seconds=16.0, **environment)
    store_cost_record(runs, record(**environment))
    assert estimate_cost(SMALL, (8, 2), runs).basis == "reference"


@pytest.mark.parametrize("name", ["config.json", "environment.json", "split.json", "metrics.json"])
def test_a_damaged_run_does_not_count(runs: Path, free: None, name: str) -> None:
    make_run(runs, "a", SMALL, seconds=16.0)
    for content in ("{", "[]", '{"train": [], "test": [], "epochs": [{}]}'):
        (runs / "a" / name).write_text(content, encoding="utf-8")
        assert estimate_cost(SMALL, (8, 2), runs).basis == "reference"


def test_runs_without_memory_take_it_from_elsewhere(runs: Path, free: None) -> None:
    make_run(runs, "a", SMALL, seconds=16.0)
    rows = Run(runs / "a").load_metrics()
    Run(runs / "a").write("metrics.json", {"epochs": [{**row, "memory_bytes": 0} for row in rows]})
    store_cost_record(runs, record())
    found = estimate_cost(SMALL, (8, 2), runs)
    assert found.basis == "runs"
    assert found.memory_bytes == pytest.approx(GIGABYTE + EXPORT_BYTES, rel=0.02)


def test_fewer_cores_than_the_reference_take_longer(runs: Path, free: None, monkeypatch: pytest.MonkeyPatch) -> None:
    cores = load_reference_records()[0].cores
    times = []
    for count in (cores, 1, 4 * cores):
        monkeypatch.setattr(module, "get_hardware", lambda count=count: ("another", count))
        times.append(estimate_cost(SMALL, (100, 10), runs).seconds_per_epoch)
    assert times[1] == pytest.approx(cores * times[0])
    assert times[2] == times[0]


# Scaling


def test_the_nearest_is_chosen() -> None:
    known = [
        CostSource(record(SMALL.replace(width=w, batch_size=b)), "timed", b) for w, b in ((4, 16), (16, 16), (16, 64))
    ]
    for width, batch_size, expected in ((5, 16, 0), (14, 20, 1), (16, 60, 2), (64, 16, 1)):
        assert find_nearest_source(SMALL.replace(width=width, batch_size=batch_size), known) is known[expected]
    foreign = [dataclasses.replace(k, basis="reference") for k in known]
    assert find_nearest_source(SMALL.replace(base_filters=16), [*foreign, known[0]]) is known[0]


def test_time_grows_with_the_pixels() -> None:
    known = CostSource(record(), "timed", 16)
    for scaled in (estimate_train_seconds_per_image, estimate_test_seconds_per_image):
        once = scaled(SMALL, known)
        assert scaled(SMALL.replace(input_size=240), known) == pytest.approx(4 * once)
        assert scaled(SMALL.replace(batch_size=2), known) == once
        assert scaled(SMALL.replace(base_filters=4), known) < once < scaled(SMALL.replace(base_filters=16), known)


def test_time_at_other_widths_is_the_reference_machines() -> None:
    for r in load_reference_records():
        known = CostSource(
            record(SMALL.replace(architecture=r.architecture), train_seconds_per_picture=0.3), "timed", 16
        )
        at_8 = estimate_train_seconds_per_image(SMALL.replace(architecture=r.architecture), known)
        ratio = (
            estimate_train_seconds_per_image(SMALL.replace(architecture=r.architecture, width=r.base_filters), known)
            / at_8
        )
        own = CostSource(r, "reference", 16)
        expected = r.train_seconds_per_image / estimate_train_seconds_per_image(
            SMALL.replace(architecture=r.architecture), own
        )
        assert ratio == pytest.approx(expected)
    wide, widest = (
        estimate_train_seconds_per_image(SMALL.replace(width=w), CostSource(record(), "timed", 16)) for w in (64, 128)
    )
    network = get_spec("unet")
    assert widest / wide == pytest.approx(network.count_multiply_adds(128, 120) / network.count_multiply_adds(64, 120))


def test_memory_grows_with_everything_that_is_held() -> None:
    known = CostSource(record(), "timed", 16)
    base = estimate_memory(SMALL, known, 100)
    assert base == pytest.approx(GIGABYTE + EXPORT_BYTES, rel=0.02)
    for change in ({"batch_size": 32}, {"input_size": 144}, {"width": 12}, {"ema_decay": 0.9}):
        assert estimate_memory(SMALL.replace(**change), known, 100) > base
    assert estimate_memory(SMALL, known, 1000) > base


def test_scaled_memory_is_never_below_the_model() -> None:
    """A record that held little makes its own estimate small, and no other one."""
    modest, usual = (CostSource(record(peak_bytes=peak), "timed", 16) for peak in (940_000_000, 1_000_000_000))
    assert estimate_memory(SMALL, modest, 16) == 940_000_000 + EXPORT_BYTES
    wider = SMALL.replace(base_filters=32)
    assert estimate_memory(wider, modest, 16) == estimate_memory(wider, usual, 16)


def test_the_memory_model_is_that_of_the_reference_machine() -> None:
    """From any record of a network, the memory of all others, export included: not much less, nor far more."""
    for k in load_reference_sources():
        for r in load_reference_records():
            if r.architecture == k.record.architecture:
                config = SMALL.replace(architecture=r.architecture, width=r.base_filters, batch_size=r.batch_size)
                error = estimate_memory(config, k, r.batch_size) / (r.peak_bytes + r.finish_bytes) - 1
                assert -0.1 < error < 0.2, (r, k)


# Refusal


def test_what_does_not_fit_is_refused_with_advice(runs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = PRESETS["thesis"]
    have(monkeypatch, 3.2)
    with pytest.raises(NotEnoughMemoryError) as caught:
        check_memory(config, (417, 30), runs)
    text = str(caught.value)
    assert isinstance(caught.value, TrainingError)
    for part in ("U-Net of width 64 with batches of 20 pictures of 120×120", "3.2 GB are free", "close other programs"):
        assert part in text
    batch = int(text.split("a batch size of ")[1].split()[0])
    width = int(text.split("a width of ")[1].split(",")[0])
    assert 4 <= batch < 20
    assert width in (8, 12, 16, 24, 32, 48)
    # What is advised fits, and the next larger does not.
    assert check_memory(config.replace(batch_size=batch), (417, 30), runs).fits
    assert check_memory(config.replace(width=width), (417, 30), runs).fits
    assert not estimate_cost(config.replace(batch_size=batch + 1), (417, 30), runs).fits


def test_where_only_both_smaller_fit_both_are_advised(runs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    have(monkeypatch, 1.3)
    config = TrainingConfig(base_filters=64, batch_size=200)
    with pytest.raises(NotEnoughMemoryError, match="Choose a width of") as caught:
        check_memory(config, (100, 20), runs)
    width, batch = re.search(r"a width of (\d+) with a batch size of (\d+), or close", str(caught.value)).groups()
    assert check_memory(config.replace(width=int(width), batch_size=int(batch)), (100, 20), runs).fits


def test_where_nothing_fits_that_is_said(runs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    have(monkeypatch, 0.7)
    with pytest.raises(NotEnoughMemoryError, match="No setting of this network fits here"):
        check_memory(TrainingConfig(base_filters=64), (100, 20), runs)
    assert not estimate_cost(TrainingConfig(base_filters=4), (100, 20), runs).fits


def test_a_refusal_keeps_a_tenth_in_reserve() -> None:
    assert CostEstimate(1.0, 1.0, 1000, 1100, "timed", True).fits
    assert not CostEstimate(1.0, 1.0, 1000, 1099, "timed", True).fits


# Free memory


def group(root: Path, **values: int | str) -> None:
    root.mkdir(parents=True, exist_ok=True)
    for name, value in values.items():
        (root / name.replace("__", ".")).write_text(f"{value}\n", encoding="ascii")


def left(system: Path, cgroup: str) -> list[int]:
    (system / "proc/self").mkdir(parents=True, exist_ok=True)
    (system / "proc/self/cgroup").write_text(cgroup, encoding="utf-8")
    return list(memory._iter_cgroup_headroom(system))


def test_the_limit_of_a_container_counts_version_2(tmp_path: Path) -> None:
    root = tmp_path / "sys/fs/cgroup"
    group(root, memory__max=1000, memory__current=700, memory__stat="anon 1\ninactive_file 50")
    assert left(tmp_path, "0::/\n") == [350]
    group(root / "a/b", memory__max="max", memory__current=10)
    group(root / "a", memory__max=300, memory__current=100)
    assert left(tmp_path, "0::/a/b\n") == [200, 350]


def test_the_limit_of_a_container_counts_version_1(tmp_path: Path) -> None:
    root = tmp_path / "sys/fs/cgroup/memory"
    stat = "inactive_file 1\ntotal_inactive_file 40"
    group(root, memory__limit_in_bytes=900, memory__usage_in_bytes=400, memory__stat=stat)
    # The path is the host's and is not there within the container.
    assert left(tmp_path, "5:cpu,cpuacct:/docker/1\n4:memory:/docker/1\n1:name=systemd:/\n") == [540]


def test_a_system_without_control_groups_has_no_limits(tmp_path: Path) -> None:
    assert list(memory._iter_cgroup_headroom(tmp_path)) == []
    assert left(tmp_path, "nonsense\n0::\n") == []


def test_the_least_is_what_is_free(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert memory.get_free_memory() > 0
    group(tmp_path / "sys/fs/cgroup", memory__max=1000, memory__current=900, memory__stat="inactive_file 0")
    left(tmp_path, "0::/\n")
    monkeypatch.setattr(memory, "SYSTEM_ROOT", tmp_path)
    assert memory.get_free_memory() == 100
    group(tmp_path / "sys/fs/cgroup", memory__current=1200)
    assert memory.get_free_memory() == 0


# How many pictures


def test_pictures_of_the_published_split(no_data: Path) -> None:
    assert count_samples(PRESETS["thesis"]) == (417, 30)
    assert count_samples(PRESETS["thesis"].replace(flipped_copies=False)) == (208, 15)
    assert count_samples(PRESETS["thesis"].replace(thesis_bugs=False)) == (2 * 209, 15)


def test_pictures_of_a_leak_free_split(no_data: Path, pair_folder: Path) -> None:
    assert count_samples(TrainingConfig(dataset="zheng-1")) == (240, 60)
    assert count_samples(TrainingConfig(dataset="zheng")) == (320, 80)
    assert count_samples(TrainingConfig(dataset="synthetic", folds=3)) == (40, 20)
    assert count_samples(TrainingConfig(dataset=str(pair_folder), folds=2)) == (2, 2)


def test_pictures_of_the_real_data(zheng_data: Path) -> None:
    assert count_samples(PRESETS["thesis"]) == (417, 30)
    train, test = count_samples(TrainingConfig(dataset="zheng-1"))
    assert train + test == len(list((zheng_data / "Dataset 1").glob("*.png")))


# The records


def test_the_newest_of_the_same_settings_wins_and_the_file_stays_small(
    runs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(measured, "MAX_RECORDS", 3)
    for width in (4, 5, 6, 7):
        store_cost_record(runs, record(SMALL.replace(width=width)))
    store_cost_record(runs, record(SMALL.replace(base_filters=6), train_seconds_per_picture=0.5))
    found = load_cost_records(runs)
    assert [r.base_filters for r in found] == [5, 7, 6]
    assert found[-1].train_seconds_per_image == 0.5


@pytest.mark.parametrize("content", ["", "{", "[]", "null", '{"records": 3}', '{"records": [1, {}, null]}', "\x00"])
def test_a_damaged_file_counts_as_nothing_measured(runs: Path, free: None, content: str) -> None:
    runs.mkdir()
    (runs / measured.COSTS_FILE).write_text(content, encoding="utf-8")
    assert load_cost_records(runs) == []
    assert estimate_cost(SMALL, (8, 2), runs).basis == "reference"
    store_cost_record(runs, record())
    assert load_cost_records(runs) == [record()]


@pytest.mark.parametrize(
    "change",
    [{"width": "8"}, {"width": True}, {"peak_bytes": 0}, {"trace_seconds": -1.0}, {"start_seconds": float("inf")}],
)
def test_a_record_that_makes_no_sense_is_left_out(runs: Path, change: dict[str, object]) -> None:
    runs.mkdir()
    good = record().to_dict()
    (runs / measured.COSTS_FILE).write_text(json.dumps({"records": [{**good, **change}, good]}), encoding="utf-8")
    assert load_cost_records(runs) == [record()]


# Measuring


def test_nothing_is_measured_twice_or_beside_a_training(runs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[TrainingConfig] = []

    def launch(config: TrainingConfig, folder: Path) -> subprocess.Popen[bytes]:
        started.append(config)
        return subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])

    monkeypatch.setattr(probe, "_launch_probe", launch)
    runs.mkdir()
    with FileLock(runs / queue.LOCK_FILE):
        start_probe(SMALL)
    with FileLock(runs / probe.LOCK_FILE):
        start_probe(SMALL)
    assert started == []
    assert not probe.is_probing(SMALL)

    start_probe(SMALL)
    start_probe(SMALL)
    other = SMALL.replace(base_filters=16)
    start_probe(other)
    assert started == [SMALL]
    assert probe.is_probing(SMALL)
    assert probe.is_probing(SMALL.replace(seed=5)), "a seed does not change the cost"
    assert not probe.is_probing(other)

    process = ProcessId.from_dict(json.loads((runs / probe.LAST_PROBE_FILE).read_text(encoding="utf-8"))["process"])
    assert process is not None
    process.kill()
    while process.is_alive():
        time.sleep(0.01)
    # It failed: the same settings are left alone for a while, others may follow.
    start_probe(SMALL)
    assert started == [SMALL]
    assert not probe.is_probing(SMALL)
    last = json.loads((runs / probe.LAST_PROBE_FILE).read_text(encoding="utf-8"))
    write_json(runs / probe.LAST_PROBE_FILE, {**last, "at": time.time() - 2 * probe.MIN_RETRY_SECONDS})
    start_probe(SMALL)
    assert started == [SMALL, SMALL]
    again = ProcessId.from_dict(json.loads((runs / probe.LAST_PROBE_FILE).read_text(encoding="utf-8"))["process"])
    assert again is not None
    again.kill()


def test_estimating_loads_no_tensorflow(runs: Path) -> None:
    code = (
        "import sys; from wbcseg.training import PRESETS; from wbcseg.training.cost.estimate import estimate; "
        "estimate(PRESETS['compact'], (10, 2)); print(sorted(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    for heavy in ("'tensorflow'", "'keras'", "'sklearn'", "'scipy'"):
        assert heavy not in done.stdout


@pytest.mark.training
def test_a_few_steps_are_measured_in_a_process_of_their_own(runs: Path) -> None:
    config = TrainingConfig(base_filters=4, input_size=48, batch_size=4)
    start_probe(config)
    assert probe.is_probing(config)
    deadline = time.time() + 130
    while probe.is_probing(config):
        assert time.time() < deadline
        time.sleep(0.2)
    (found,) = load_cost_records(runs)
    assert found.key == measured.build_cost_key(config)
    assert 0 < found.test_seconds_per_image < found.train_seconds_per_image < 5
    assert 300_000_000 < found.base_bytes < found.peak_bytes < 3 * GIGABYTE
    assert found.start_seconds > 0.5
    cost = estimate_cost(config, (48, 12), runs)
    assert (cost.basis, cost.is_exact) == ("timed", True)
    assert min(load_reference_sources(), key=lambda k: k.record.base_filters).record.base_bytes / found.base_bytes < 2
