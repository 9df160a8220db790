"""Estimates of time and memory, from what was measured. Nothing here loads TensorFlow."""

from __future__ import annotations

import dataclasses
import itertools
import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from filelock import FileLock

from wbcseg.errors import ErrorCode, NotEnoughMemoryError, TrainingError
from wbcseg.io import memory
from wbcseg.io.atomic import write_json
from wbcseg.models import ARCHITECTURES, ArchitectureSpec, get_spec
from wbcseg.models.structure import CONVOLUTION, Layer, NetworkStructure
from wbcseg.training import PRESETS, Run, TrainingConfig
from wbcseg.training.cost import estimate as module
from wbcseg.training.cost import probe
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
    """An empty runs folder."""
    monkeypatch.setenv("WBCSEG_RUNS", str(tmp_path / "runs"))
    return tmp_path / "runs"


@pytest.fixture
def free(monkeypatch: pytest.MonkeyPatch) -> None:
    """A computer with 4 GB of free memory."""
    have(monkeypatch, 4.0)


class ToySpec(ArchitectureSpec):
    """A network of one layer."""

    @property
    def structure(self) -> NetworkStructure:
        """Its layer."""
        layer = Layer(
            "only",
            CONVOLUTION,
            channels=(8, 0),
            parameters=(900, 9, 3),
            trainable=(900, 9, 3),
            multiply_adds=(57_600, 0, 0),
        )
        return NetworkStructure(8, (layer,))


@pytest.fixture
def toy() -> Iterator[ArchitectureSpec]:
    """A registered network without reference records."""
    spec = ToySpec(
        "toy", "Toy", "A toy.", "Nobody (2026)", False, "#888888", "circle", builder=lambda **_: None, size_multiple=8
    )
    ARCHITECTURES.add(spec)
    yield spec
    ARCHITECTURES.remove("toy")


def have(monkeypatch: pytest.MonkeyPatch, gigabytes: float) -> None:
    monkeypatch.setattr(module, "get_free_memory", lambda: int(gigabytes * GIGABYTE))


def record(config: TrainingConfig = SMALL, **changes: object) -> CostRecord:
    """A measurement on this machine: 0.1 s per training image, 0.02 s in validation, 1 GB, 0.7 of it libraries."""
    processor, cores = get_hardware()
    values: dict[str, object] = {
        "architecture": config.architecture,
        "base_filters": config.base_filters,
        "input_size": config.input_size,
        "batch_size": config.batch_size,
        "precision": config.precision,
        "optimizer": config.optimizer,
        "uses_ema": config.uses_ema,
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
    record = CostRecord.from_dict({**values, **changes})
    assert record is not None
    return record


def make_run(folder: Path, name: str, config: TrainingConfig, *, seconds: float, **environment: object) -> None:
    """A run of three epochs with 8 and 2 images: a slow first epoch, then ``seconds`` and one second of validation."""
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


# Basis


def test_without_any_measurement_the_estimate_is_based_on_the_reference_machine(runs: Path, free: None) -> None:
    for name in ARCHITECTURES:
        spec = get_spec(name)
        # With 64 base filters, a dense network would need 16 GB.
        for base_filters in (16, 64 if spec.thesis_parameters else spec.find_base_filters(1_500_000)):
            estimate = estimate_cost(TrainingConfig(architecture=name, base_filters=base_filters), (100, 20), runs)
            assert estimate.basis == "reference"
            assert not estimate.is_exact
            assert 700_000_000 < estimate.memory_bytes < 10 * GIGABYTE
            assert estimate.seconds > 100 * estimate.seconds_per_epoch > 0


def test_the_reference_records_fit_their_networks() -> None:
    assert len({r.processor for r in load_reference_records()}) == 1
    for r in load_reference_records():
        assert r.parameters == get_spec(r.architecture).count_parameters(r.base_filters)
        assert r.finish_seconds > 0
        assert r.peak_bytes > r.base_bytes > 500_000_000


def test_reference_times_grow_with_the_network_but_more_slowly_than_its_multiply_adds() -> None:
    for name in ARCHITECTURES:
        records = sorted((r for r in load_reference_records() if r.architecture == name), key=lambda r: r.base_filters)
        for narrow, wide in itertools.pairwise(records):
            growth = wide.train_seconds_per_image / narrow.train_seconds_per_image
            work = [get_spec(name).count_multiply_adds(r.base_filters, 120) for r in (narrow, wide)]
            assert 1 < growth < 1.2 * work[1] / work[0]


def test_timed_steps_of_the_same_settings_are_not_scaled(runs: Path, free: None) -> None:
    store_cost_record(runs, record())
    estimate = estimate_cost(SMALL, (100, 10), runs)
    assert (estimate.basis, estimate.is_exact) == ("timed", True)
    assert estimate.seconds_per_epoch == pytest.approx(100 * 0.1 + 10 * 0.02)
    # Ten epochs, start and compilation, and one more validation for the evaluation.
    least = 10 * estimate.seconds_per_epoch + 12.0 + 0.2
    assert least < estimate.seconds < least + 60
    assert estimate.memory_bytes == pytest.approx(GIGABYTE + EXPORT_BYTES, rel=0.02)


def test_an_earlier_run_is_preferred_to_timed_steps(runs: Path, free: None) -> None:
    store_cost_record(runs, record())
    make_run(runs, "a", SMALL, seconds=16.0)
    estimate = estimate_cost(SMALL, (8, 2), runs)
    assert (estimate.basis, estimate.is_exact) == ("runs", True)
    assert estimate.seconds_per_epoch == pytest.approx(16.0 + 1.0)
    assert estimate.memory_bytes == pytest.approx(1_100_000_002 + EXPORT_BYTES, abs=5)


def test_of_two_equal_runs_the_newer_is_used(runs: Path, free: None) -> None:
    for name, seconds, age in (("a", 20.0, 100), ("b", 10.0, 0), ("c", 30.0, 200)):
        make_run(runs, name, SMALL, seconds=seconds)
        moment = time.time() - age
        os.utime(runs / name / "metrics.json", (moment, moment))
    assert estimate_cost(SMALL, (8, 2), runs).seconds_per_epoch == pytest.approx(11.0)


def test_the_same_settings_are_preferred_to_a_similar_run(runs: Path, free: None) -> None:
    make_run(runs, "near", SMALL.replace(base_filters=12), seconds=99.0)
    store_cost_record(runs, record())
    assert estimate_cost(SMALL, (8, 2), runs).basis == "timed"
    assert estimate_cost(SMALL.replace(base_filters=12, seed=9), (8, 2), runs).basis == "runs"


@pytest.mark.parametrize("environment", [{"processor": "another"}, {"cores": 99}])
def test_runs_and_records_of_another_machine_are_ignored(
    runs: Path, free: None, environment: dict[str, object]
) -> None:
    make_run(runs, "a", SMALL, seconds=16.0, **environment)
    store_cost_record(runs, record(**environment))
    assert estimate_cost(SMALL, (8, 2), runs).basis == "reference"


@pytest.mark.parametrize("name", ["config.json", "environment.json", "split.json", "metrics.json"])
def test_a_damaged_run_is_ignored(runs: Path, free: None, name: str) -> None:
    make_run(runs, "a", SMALL, seconds=16.0)
    for content in ("{", "[]", '{"train": [], "test": [], "epochs": [{}]}'):
        (runs / "a" / name).write_text(content, encoding="utf-8")
        assert estimate_cost(SMALL, (8, 2), runs).basis == "reference"


def test_memory_is_taken_from_another_source_if_runs_lack_it(runs: Path, free: None) -> None:
    make_run(runs, "a", SMALL, seconds=16.0)
    rows = Run(runs / "a").load_metrics()
    Run(runs / "a").write("metrics.json", {"epochs": [{**row, "memory_bytes": 0} for row in rows]})
    store_cost_record(runs, record())
    estimate = estimate_cost(SMALL, (8, 2), runs)
    assert estimate.basis == "runs"
    assert estimate.memory_bytes == pytest.approx(GIGABYTE + EXPORT_BYTES, rel=0.02)


def test_fewer_cores_than_the_reference_take_longer(runs: Path, free: None, monkeypatch: pytest.MonkeyPatch) -> None:
    cores = load_reference_records()[0].cores
    times = []
    for count in (cores, 1, 4 * cores):
        monkeypatch.setattr(module, "get_hardware", lambda count=count: ("another", count))
        times.append(estimate_cost(SMALL, (100, 10), runs).seconds_per_epoch)
    assert times[1] == pytest.approx(cores * times[0])
    assert times[2] == times[0]


def test_a_network_without_reference_records_takes_those_of_the_most_similar_one(
    runs: Path, free: None, toy: ArchitectureSpec
) -> None:
    assert not any(r.architecture == toy.name for r in load_reference_records())
    configs = [SMALL.replace(architecture=toy.name, base_filters=f, input_size=64) for f in (8, 16, 64)]
    estimates = [estimate_cost(config, (100, 20), runs) for config in configs]
    assert [e.basis for e in estimates] == ["reference"] * 3
    for smaller, larger in itertools.pairwise(estimates):
        assert 0 < smaller.seconds_per_epoch < larger.seconds_per_epoch
        assert smaller.memory_bytes < larger.memory_bytes
    # Its work is about that of a U-Net with as many multiply-adds.
    unet = SMALL.replace(base_filters=24, input_size=120)
    unet_work = get_spec("unet").count_multiply_adds(24, 120) / toy.count_multiply_adds(64, 64)
    ratio = estimate_cost(unet, (100, 20), runs).seconds_per_epoch / estimates[2].seconds_per_epoch
    assert unet_work / 3 < ratio < unet_work * 3

    # Once it was measured here, its own record is used.
    store_cost_record(runs, record(configs[0]))
    own = estimate_cost(configs[0], (100, 10), runs)
    assert (own.basis, own.is_exact) == ("timed", True)
    assert estimate_cost(configs[1], (100, 10), runs).basis == "timed"
    assert estimate_cost(SMALL, (100, 10), runs).basis == "reference"


# Scaling


def test_the_most_similar_measurement_is_used() -> None:
    known = [
        CostSource(record(SMALL.replace(base_filters=w, batch_size=b)), "timed", b)
        for w, b in ((4, 16), (16, 16), (16, 64))
    ]
    for base_filters, batch_size, expected in ((5, 16, 0), (14, 20, 1), (16, 60, 2), (64, 16, 1)):
        assert (
            find_nearest_source(SMALL.replace(base_filters=base_filters, batch_size=batch_size), known)
            is known[expected]
        )
    foreign = [dataclasses.replace(k, basis="reference") for k in known]
    assert find_nearest_source(SMALL.replace(base_filters=16), [*foreign, known[0]]) is known[0]


def test_time_grows_with_the_pixels() -> None:
    known = CostSource(record(), "timed", 16)
    for scaled in (estimate_train_seconds_per_image, estimate_test_seconds_per_image):
        once = scaled(SMALL, known)
        assert scaled(SMALL.replace(input_size=240), known) == pytest.approx(4 * once)
        assert scaled(SMALL.replace(batch_size=2), known) == once
        assert scaled(SMALL.replace(base_filters=4), known) < once < scaled(SMALL.replace(base_filters=16), known)


def test_time_scales_with_base_filters_as_on_the_reference_machine() -> None:
    for r in load_reference_records():
        known = CostSource(record(SMALL.replace(architecture=r.architecture), train_seconds_per_image=0.3), "timed", 16)
        at_8 = estimate_train_seconds_per_image(SMALL.replace(architecture=r.architecture), known)
        ratio = (
            estimate_train_seconds_per_image(
                SMALL.replace(architecture=r.architecture, base_filters=r.base_filters), known
            )
            / at_8
        )
        own = CostSource(r, "reference", 16)
        expected = r.train_seconds_per_image / estimate_train_seconds_per_image(
            SMALL.replace(architecture=r.architecture), own
        )
        assert ratio == pytest.approx(expected)
    wide, widest = (
        estimate_train_seconds_per_image(SMALL.replace(base_filters=w), CostSource(record(), "timed", 16))
        for w in (64, 128)
    )
    network = get_spec("unet")
    assert widest / wide == pytest.approx(network.count_multiply_adds(128, 120) / network.count_multiply_adds(64, 120))


def test_memory_grows_with_batch_input_network_and_data() -> None:
    known = CostSource(record(), "timed", 16)
    base = estimate_memory(SMALL, known, 100)
    assert base == pytest.approx(GIGABYTE + EXPORT_BYTES, rel=0.02)
    for change in ({"batch_size": 32}, {"input_size": 144}, {"base_filters": 12}, {"ema_decay": 0.9}):
        assert estimate_memory(SMALL.replace(**change), known, 100) > base
    assert estimate_memory(SMALL, known, 1000) > base


def test_scaled_memory_is_never_below_the_model() -> None:
    """A record with little memory lowers the estimate of the same settings only."""
    modest, usual = (CostSource(record(peak_bytes=peak), "timed", 16) for peak in (940_000_000, 1_000_000_000))
    assert estimate_memory(SMALL, modest, 16) == 940_000_000 + EXPORT_BYTES
    wider = SMALL.replace(base_filters=32)
    assert estimate_memory(wider, modest, 16) == estimate_memory(wider, usual, 16)


def test_the_memory_model_fits_the_reference_machine() -> None:
    """From each record of a network to all others, including the export."""
    for k in load_reference_sources():
        for r in load_reference_records():
            if r.architecture == k.record.architecture:
                config = SMALL.replace(
                    architecture=r.architecture, base_filters=r.base_filters, batch_size=r.batch_size
                )
                error = estimate_memory(config, k, r.batch_size) / (r.peak_bytes + r.finish_bytes) - 1
                assert -0.1 < error < 0.2, (r, k)


# Too little memory


def test_a_training_that_does_not_fit_is_refused_with_a_hint(runs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = PRESETS["thesis"]
    have(monkeypatch, 3.2)
    with pytest.raises(NotEnoughMemoryError) as caught:
        check_memory(config, (417, 30), runs)
    text = str(caught.value)
    assert isinstance(caught.value, TrainingError)
    assert caught.value.code == ErrorCode.OUT_OF_MEMORY
    assert "3.2 GB" in text
    hint = caught.value.hint or ""
    batch = int(re.findall(r"batch size of (\d+)", hint)[0])
    base_filters = int(re.findall(r"(\d+) base filters", hint)[0])
    assert 4 <= batch < 20
    assert base_filters in (8, 12, 16, 24, 32, 48)
    # What is suggested fits, and the next larger does not.
    assert check_memory(config.replace(batch_size=batch), (417, 30), runs).fits
    assert check_memory(config.replace(base_filters=base_filters), (417, 30), runs).fits
    assert not estimate_cost(config.replace(batch_size=batch + 1), (417, 30), runs).fits


def test_base_filters_and_batch_size_are_suggested_together_if_only_that_fits(
    runs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    have(monkeypatch, 1.3)
    config = TrainingConfig(base_filters=64, batch_size=200)
    with pytest.raises(NotEnoughMemoryError) as caught:
        check_memory(config, (100, 20), runs)
    match = re.search(r"(\d+) base filters with a batch size of (\d+)", caught.value.hint or "")
    assert match
    fitting = config.replace(base_filters=int(match[1]), batch_size=int(match[2]))
    assert check_memory(fitting, (100, 20), runs).fits


def test_nothing_is_suggested_if_nothing_fits(runs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    have(monkeypatch, 0.7)
    with pytest.raises(NotEnoughMemoryError) as caught:
        check_memory(TrainingConfig(base_filters=64), (100, 20), runs)
    assert not re.search(r"\d", caught.value.hint or "")
    assert not estimate_cost(TrainingConfig(base_filters=4), (100, 20), runs).fits


def test_a_tenth_of_the_memory_is_kept_in_reserve() -> None:
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


def test_container_limits_are_read_from_cgroups_version_2(tmp_path: Path) -> None:
    root = tmp_path / "sys/fs/cgroup"
    group(root, memory__max=1000, memory__current=700, memory__stat="anon 1\ninactive_file 50")
    assert left(tmp_path, "0::/\n") == [350]
    group(root / "a/b", memory__max="max", memory__current=10)
    group(root / "a", memory__max=300, memory__current=100)
    assert left(tmp_path, "0::/a/b\n") == [200, 350]


def test_container_limits_are_read_from_cgroups_version_1(tmp_path: Path) -> None:
    root = tmp_path / "sys/fs/cgroup/memory"
    stat = "inactive_file 1\ntotal_inactive_file 40"
    group(root, memory__limit_in_bytes=900, memory__usage_in_bytes=400, memory__stat=stat)
    # The path is the host's and does not exist in the container.
    assert left(tmp_path, "5:cpu,cpuacct:/docker/1\n4:memory:/docker/1\n1:name=systemd:/\n") == [540]


def test_a_system_without_control_groups_has_no_limits(tmp_path: Path) -> None:
    assert list(memory._iter_cgroup_headroom(tmp_path)) == []
    assert left(tmp_path, "nonsense\n0::\n") == []


def test_free_memory_is_the_smallest_limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert memory.get_free_memory() > 0
    group(tmp_path / "sys/fs/cgroup", memory__max=1000, memory__current=900, memory__stat="inactive_file 0")
    left(tmp_path, "0::/\n")
    monkeypatch.setattr(memory, "SYSTEM_ROOT", tmp_path)
    assert memory.get_free_memory() == 100
    group(tmp_path / "sys/fs/cgroup", memory__current=1200)
    assert memory.get_free_memory() == 0


# Number of images


def test_image_counts_of_the_thesis_split(no_data: Path) -> None:
    assert count_samples(PRESETS["thesis"]) == (417, 30)
    assert count_samples(PRESETS["thesis"].replace(flipped_copies=False)) == (208, 15)
    assert count_samples(PRESETS["thesis"].replace(thesis_bugs=False)) == (2 * 209, 15)


def test_image_counts_of_a_leak_free_split(no_data: Path, pair_folder: Path) -> None:
    assert count_samples(TrainingConfig(dataset="zheng-1")) == (240, 60)
    assert count_samples(TrainingConfig(dataset="zheng")) == (320, 80)
    assert count_samples(TrainingConfig(dataset="synthetic", folds=3)) == (40, 20)
    assert count_samples(TrainingConfig(dataset=str(pair_folder), folds=2)) == (2, 2)


def test_image_counts_of_the_real_data(zheng_data: Path) -> None:
    assert count_samples(PRESETS["thesis"]) == (417, 30)
    train, test = count_samples(TrainingConfig(dataset="zheng-1"))
    assert train + test == len(list((zheng_data / "Dataset 1").glob("*.png")))


# Records


def test_a_record_replaces_the_older_one_and_the_file_stays_small(runs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(measured, "MAX_RECORDS", 3)
    for base_filters in (4, 5, 6, 7):
        store_cost_record(runs, record(SMALL.replace(base_filters=base_filters)))
    store_cost_record(runs, record(SMALL.replace(base_filters=6), train_seconds_per_image=0.5))
    records = load_cost_records(runs)
    assert [r.base_filters for r in records] == [5, 7, 6]
    assert records[-1].train_seconds_per_image == 0.5


@pytest.mark.parametrize("content", ["", "{", "[]", "null", '{"records": 3}', '{"records": [1, {}, null]}', "\x00"])
def test_a_damaged_file_is_ignored(runs: Path, free: None, content: str) -> None:
    runs.mkdir()
    (runs / measured.COSTS_FILE).write_text(content, encoding="utf-8")
    assert load_cost_records(runs) == []
    assert estimate_cost(SMALL, (8, 2), runs).basis == "reference"
    store_cost_record(runs, record())
    assert load_cost_records(runs) == [record()]


@pytest.mark.parametrize(
    "change",
    [
        {"base_filters": "8"},
        {"base_filters": True},
        {"peak_bytes": 0},
        {"trace_seconds": -1.0},
        {"start_seconds": float("inf")},
    ],
)
def test_an_invalid_record_is_ignored(runs: Path, change: dict[str, object]) -> None:
    runs.mkdir()
    good = record().to_dict()
    (runs / measured.COSTS_FILE).write_text(json.dumps({"records": [{**good, **change}, good]}), encoding="utf-8")
    assert load_cost_records(runs) == [record()]


# Probes


def test_no_probe_is_started_twice_or_during_a_training(runs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
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
    # It failed: the same settings are not probed again for a while.
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


def test_estimates_do_not_import_tensorflow(runs: Path) -> None:
    code = (
        "import sys; from wbcseg.training import PRESETS; from wbcseg.training.cost.estimate import estimate_cost; "
        "estimate_cost(PRESETS['compact'], (10, 2)); print(sorted(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    for heavy in ("'tensorflow'", "'keras'", "'sklearn'", "'scipy'"):
        assert heavy not in done.stdout


@pytest.mark.training
def test_a_probe_measures_a_few_steps_in_a_process_of_its_own(runs: Path) -> None:
    config = TrainingConfig(base_filters=4, input_size=48, batch_size=4)
    start_probe(config)
    assert probe.is_probing(config)
    deadline = time.time() + 130
    while probe.is_probing(config):
        assert time.time() < deadline
        time.sleep(0.2)
    (record,) = load_cost_records(runs)
    assert record.key == measured.build_cost_key(config)
    assert 0 < record.test_seconds_per_image < record.train_seconds_per_image < 5
    assert 300_000_000 < record.base_bytes < record.peak_bytes < 3 * GIGABYTE
    assert record.start_seconds > 0.5
    cost = estimate_cost(config, (48, 12), runs)
    assert (cost.basis, cost.is_exact) == ("timed", True)
    assert min(load_reference_sources(), key=lambda k: k.record.base_filters).record.base_bytes / record.base_bytes < 2
