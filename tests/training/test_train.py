"""Real trainings of tiny networks, each in a separate process, as everywhere in the package."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from builders import write_pairs

from wbcseg.datasets import open_dataset
from wbcseg.datasets.synthetic import draw_sample
from wbcseg.evaluation.fine_tuning import load_fine_tuning
from wbcseg.evaluation.model_card import write_model_card
from wbcseg.inference import Catalog
from wbcseg.io import encode_png
from wbcseg.metrics import FOREGROUND_REGIONS
from wbcseg.models.card import ModelCard
from wbcseg.models.forward import forward
from wbcseg.models.weights import read_weights
from wbcseg.training import Run
from wbcseg.training.checkpoint import load_checkpoint
from wbcseg.training.precision import PRECISIONS, load_precision_records
from wbcseg.training.runs.scores import is_stalled
from wbcseg.training.runs.summary import summarise_run

pytestmark = [pytest.mark.training, pytest.mark.usefixtures("toy_network")]

TINY = [
    *("--architecture", "toy", "--base-filters", "4", "--input-size", "48", "--batch-size", "4"),
    *("--folds", "3", "--warmup-epochs", "1", "--precision", "float32", "--keep-checkpoints"),
]


@pytest.fixture(scope="module")
def pairs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of twelve synthetic images with masks."""
    return write_pairs(tmp_path_factory.mktemp("data") / "cells", 12, (60, 56), seed=9)


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory, toy_network: None) -> Iterator[Path]:
    """A folder of runs, and a cache, that the processes of this module share."""
    folder = tmp_path_factory.mktemp("runs")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("WBCSEG_RUNS", str(folder))
        patch.setenv("WBCSEG_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield folder


def train(*options: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "wbcseg", "train", *options]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)


@pytest.fixture(scope="module")
def finished(pairs: Path, runs: Path) -> Path:
    """The folder of a run of four epochs that was not interrupted."""
    done = train("--dataset", str(pairs), "--name", "whole", "--epochs", "4", *TINY, "--ema-decay", "0.9")
    assert done.returncode == 0, done.stderr
    assert "epoch 4/4" in done.stdout
    assert "loss" in done.stdout
    assert "Dice nucleus" in done.stdout
    assert "left" in done.stdout
    return runs / "whole"


def test_a_finished_run_is_a_model(finished: Path, runs: Path) -> None:
    run = Run(finished)
    assert run.load_state().status == "finished"
    assert len(run.load_metrics()) == 4
    assert {"loss", "val_loss", "accuracy", "val_accuracy", "seconds"} <= set(run.load_metrics()[0])
    environment = run.read("environment.json")
    assert {"python", "processor", "precision", "packages"} <= set(environment)

    segmenter = Catalog(runs=runs).load("whole")
    assert segmenter.predict(draw_sample(9, 0).image).labels.shape == draw_sample(9, 0).size
    card = segmenter.card
    # One held-out Dice everywhere: that of the card.
    summary = summarise_run(run)
    assert summary.heldout_dice == {
        region: value for region in FOREGROUND_REGIONS if (value := card.test_metrics.regions[region].dice) is not None
    }
    assert summary.to_dict()["heldout_dice"] == summary.heldout_dice
    assert card.dataset == "cells"
    assert not card.is_leaky
    assert card.config["dataset"] == "cells"
    assert card.test_metrics.images == len(run.load_split().test) == 4
    assert str(finished.parents[1]) not in json.dumps(card.to_dict())


@pytest.mark.parametrize(
    ("changes", "cell_fraction"), [({"augmentation": "strong", "cell_fraction": 0.75}, 0.75), ({}, 0.5)]
)
def test_the_card_of_a_two_stage_model_has_its_cell_fraction(
    finished: Path, pairs: Path, tmp_path: Path, changes: dict[str, str | float], cell_fraction: float
) -> None:
    folder = shutil.copytree(finished, tmp_path / "copy")
    run = Run(folder)
    run.write("config.json", {**run.load_config().to_dict(), **changes})
    assert write_model_card(run, open_dataset(str(pairs)), 1).cell_fraction == cell_fraction
    assert ModelCard.read(folder).cell_fraction == cell_fraction


def test_the_exported_model_computes_the_same_as_its_weights(finished: Path, runs: Path) -> None:
    from wbcseg.models import build_model

    weights = read_weights(finished / "weights.safetensors")
    model = build_model("toy", base_filters=4)
    model.set_weights(list(weights.arrays.values()))
    image = draw_sample(9, 3, size=(48, 48)).image
    scaled = (image / np.float32(255)).astype(np.float32)
    expected = model(scaled[None]).numpy()[0]
    *_, (_, in_float) = forward("toy", weights.arrays, scaled)
    np.testing.assert_allclose(in_float, expected, atol=1e-5)
    # The exported model computes in 8 bits: every layer's values are rounded to 256 levels.
    exported = Catalog(runs=runs).load("whole").predict(image).probabilities
    np.testing.assert_allclose(exported, expected, atol=1 / 256)
    assert np.abs(exported - expected).mean() < 1e-3
    assert (exported.argmax(-1) == expected.argmax(-1)).mean() > 0.998


def test_a_training_starts_from_a_models_weights(finished: Path, pairs: Path, runs: Path) -> None:
    options = ["--dataset", str(pairs), "--epochs", "1", *TINY, "--warmup-epochs", "0", "--learning-rate", "1e-7"]
    done = train(*options, "--name", "tuned", "--start-from", "whole")
    assert done.returncode == 0, done.stderr
    before, after = (read_weights(runs / name / "weights.safetensors").arrays for name in ("whole", "tuned"))
    kernels = [name for name in before if name.endswith("kernel")]
    assert kernels
    for name in kernels:
        # Stored in 8 bits.
        np.testing.assert_allclose(after[name], before[name], atol=0.02 * np.abs(before[name]).max())
    # Both models are scored on the same held-out images.
    fine_tuning = load_fine_tuning(Run(runs / "tuned"))
    assert fine_tuning is not None
    assert fine_tuning.start == "whole"
    assert fine_tuning.changes["cell"].images == 4
    assert fine_tuning.known == 0
    assert fine_tuning.changes["cell"].difference == pytest.approx(0, abs=0.02)
    assert fine_tuning.summary in done.stdout
    for start_from, message in (("unet-16", "without trainable weights"), ("unet-general", "belong to unet")):
        failed = train(*options, "--name", f"from-{start_from}", "--start-from", start_from)
        assert failed.returncode == 1
        assert message in failed.stderr


def test_a_run_stopped_by_ctrl_c_and_resumed_has_the_same_weights(finished: Path, pairs: Path, runs: Path) -> None:
    options = ["--dataset", str(pairs), "--name", "parts", "--epochs", "4", *TINY, "--ema-decay", "0.9"]
    command = [sys.executable, "-u", "-m", "wbcseg", "train", *options]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if line.startswith("epoch 2/"):
                process.send_signal(signal.SIGINT)
        assert process.wait(60) == 130
    state = Run(runs / "parts").load_state()
    assert state.status == "stopped"
    assert state.epoch in (2, 3)
    assert not (runs / "parts" / "card.json").exists()

    resumed = train("--resume", "parts")
    assert resumed.returncode == 0, resumed.stderr
    assert "epoch 1/4" not in resumed.stdout
    whole, parts = load_checkpoint(finished), load_checkpoint(runs / "parts")
    assert whole is not None
    assert parts is not None
    assert set(whole.arrays) == set(parts.arrays)
    for name, array in whole.arrays.items():
        np.testing.assert_allclose(parts.arrays[name], array, rtol=1e-4, atol=1e-5, err_msg=name)


def test_the_thesis_preset_runs_and_times_both_precisions(runs: Path, tmp_path: Path) -> None:
    """The whole preparation of the thesis on synthetic images of 120×120, with few filters and for one epoch."""
    root = write_pairs(tmp_path / "squares", 16, (120, 120), seed=4)
    done = train(
        "--preset", "thesis", "--dataset", str(root), "--base-filters", "4", "--epochs", "1", "--name", "thesis"
    )
    assert done.returncode == 0, done.stderr
    assert "leaky split" in done.stdout
    card = Catalog(runs=runs).load("thesis").card
    assert card.is_leaky
    split = Run(runs / "thesis").load_split()
    assert split.kind == "thesis"
    assert len(split.train) + len(split.test) == 31
    (record,) = load_precision_records()
    assert set(record.seconds) == set(PRECISIONS)
    assert Run(runs / "thesis").read("environment.json")["precision"] == record.precision


def test_a_wrong_mask_value_is_named_before_the_first_epoch(pairs: Path, runs: Path, tmp_path: Path) -> None:
    bad = tmp_path / "bad"
    shutil.copytree(pairs, bad)
    (bad / "masks" / "03.png").write_bytes(encode_png(np.full((60, 56), 77, np.uint8)))
    done = train("--dataset", str(bad), "--name", "bad", "--epochs", "1", *TINY)
    assert done.returncode == 1
    assert "03.png" in done.stderr
    assert "77" in done.stderr
    assert "epoch" not in done.stdout
    assert "Traceback" not in done.stderr
    assert Run(runs / "bad").load_state().status == "failed"


def test_images_without_masks_and_masks_of_another_size_are_listed(pairs: Path, tmp_path: Path) -> None:
    bad = tmp_path / "bad"
    shutil.copytree(pairs, bad)
    (bad / "masks" / "03.png").unlink()
    (bad / "masks" / "05.png").write_bytes(encode_png(np.zeros((60, 50), np.uint8)))
    done = train("--dataset", str(bad), "--name", "bad-pairs", "--epochs", "1", *TINY)
    assert done.returncode == 1
    assert "03.png" in done.stderr
    assert "05.png" in done.stderr


def test_a_run_is_not_resumed_on_changed_data(finished: Path, pairs: Path, runs: Path, tmp_path: Path) -> None:
    data = tmp_path / "cells"
    shutil.copytree(pairs, data)
    shutil.copytree(finished, runs / "changing")
    Run(runs / "changing").write("config.json", {**Run(finished).load_config().to_dict(), "dataset": str(data)})
    (data / "masks" / "03.png").write_bytes(encode_png(np.zeros((60, 56), np.uint8)))
    done = train("--resume", "changing")
    assert done.returncode == 1
    assert "cells/03" in done.stderr


def test_a_run_is_never_overwritten_and_unknown_runs_are_named(finished: Path, pairs: Path) -> None:
    done = train("--dataset", str(pairs), "--name", "whole", "--epochs", "1", *TINY)
    assert done.returncode == 1
    assert "whole" in done.stderr
    done = train("--resume", "nowhere")
    assert done.returncode == 1
    assert "nowhere" in done.stderr


def test_a_training_stops_early_and_the_terminal_is_readable(pairs: Path, runs: Path) -> None:
    settings = ["--epochs", "6", "--patience", "1", "--learning-rate", "1e-7", "--dataset", str(pairs)]
    done = train("--preset", "quick", *TINY, *settings, "--name", "stalled")
    assert done.returncode == 0
    run = Run(runs / "stalled")
    config, rows = run.load_config(), run.load_metrics()
    assert 2 <= len(rows) < 6
    assert is_stalled(rows, config)
    assert not is_stalled(rows[:-1], config)
    summary = summarise_run(run)
    assert (summary.status, summary.epoch) == ("finished", len(rows))
    assert "Stopped early" in summary.reason

    # Nothing of TensorFlow or LiteRT, one line an epoch, and what to do next.
    assert done.stderr == ""
    text = done.stdout
    assert not [word for word in ("INFO", "XNNPACK", "fully_quantize", "oneDNN") if word in text]
    lines = [line.split() for line in text.splitlines() if line.startswith("epoch ")]
    assert [words[1] for words in lines] == [f"{i}/6" for i in range(1, len(rows) + 1)]
    assert "wbcseg segment IMAGE --model stalled" in text
    assert max(map(len, text.splitlines())) <= 200

    assert train("--resume", "stalled").returncode == 0
    assert len(run.load_metrics()) == len(rows)


def test_a_finished_run_drops_its_checkpoints_unless_they_are_to_be_kept(pairs: Path, runs: Path) -> None:
    settings = [*TINY, "--no-keep-checkpoints", "--epochs", "2", "--dataset", str(pairs), "--name", "small"]
    assert train("--preset", "quick", *settings).returncode == 0
    run = Run(runs / "small")
    assert {path.name for path in run.folder.glob("*.safetensors")} == {"weights.safetensors"}
    assert Catalog().load("small")
    before = run.load_metrics()
    done = train("--resume", "small")
    assert done.returncode == 1
    assert "is finished" in done.stderr
    assert run.load_metrics() == before


def test_an_epoch_records_rate_gradients_speed_and_classes(pairs: Path, runs: Path) -> None:
    settings = ["--epochs", "2", "--dataset", str(pairs), "--name", "recorded"]
    assert train("--preset", "quick", *TINY, *settings).returncode == 0
    run = Run(runs / "recorded")
    first, last = run.load_metrics()
    assert first["learning_rate"] == run.load_config().learning_rate
    assert last["learning_rate"] <= first["learning_rate"] / 2
    assert first["gradient_norm"] > 0
    assert first["images_per_second"] > 0
    assert 0 <= first["val_recall_cell"] <= 1
    pixels = sum(value for name, value in last.items() if name.startswith("val_confusion_"))
    assert pixels == len(run.load_split().test) * 48**2
