"""The runs that come with the package: real trainings on synthetic smears, small, to replay epoch by epoch."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from wbcseg.datasets import open_dataset
from wbcseg.paths import get_example_runs_folder
from wbcseg.training.jobs.queue import list_runs
from wbcseg.training.runs.examples import list_examples
from wbcseg.training.runs.snapshots import load_snapshot, load_snapshots
from wbcseg.training.runs.summary import list_summaries
from wbcseg.transforms.padding import pad_labels_to_square


def test_there_are_two_small_examples_of_synthetic_data_only() -> None:
    examples = list_examples()
    assert len(examples) == 2
    for summary in examples:
        assert summary.is_example
        assert summary.status == "finished"
        assert summary.config is not None
        assert summary.config.dataset == "synthetic"
        assert summary.epoch == summary.epochs == len(summary.run.load_metrics())
        assert summary.heldout_interval is not None
        files = [path for path in summary.run.folder.rglob("*") if path.is_file()]
        assert sum(path.stat().st_size for path in files) <= 120_000
        assert all(sample_id.startswith("synthetic/") for sample_id in summary.run.load_split().test)


def test_every_epoch_can_be_replayed_and_the_network_learns() -> None:
    dataset = open_dataset("synthetic")
    for run in list_runs(get_example_runs_folder()):
        snapshots = load_snapshots(run)
        assert snapshots is not None
        assert snapshots.epochs == tuple(range(len(run.load_metrics()) + 1))
        expert = load_snapshot(run, snapshots, None)
        masks = [dataset.read(sample_id).mask for sample_id in snapshots.ids]
        assert all(
            np.array_equal(pad_labels_to_square(mask, snapshots.input_size), labels)
            for mask, labels in zip(masks, expert, strict=True)
            if mask is not None
        )
        errors = [float((load_snapshot(run, snapshots, epoch) != expert).mean()) for epoch in snapshots.epochs]
        assert errors[-1] < errors[0] / 2


def test_examples_are_no_runs_of_the_user(tmp_path: Path) -> None:
    assert list_summaries(tmp_path) == []
