"""Both networks train two steps, resume, and are exported to a folder that the cell detector loads."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from wbcseg.detector_training.options import NetworkName, TrainingOptions
from wbcseg.detector_training.train import export_detector, finish_folder, train_network
from wbcseg.errors import ErrorCode, ModelError, RunError, TrainingError
from wbcseg.inference.detection import CellDetector, DetectorCard
from wbcseg.training.checkpoint import load_checkpoint
from wbcseg.training.steps.loop import StepReport

pytestmark = pytest.mark.training

SMALL = {"batch_size": 2, "warmup_steps": 1}


@pytest.fixture(scope="module", autouse=True)
def _small_networks() -> Iterator[None]:
    """Train networks with few filters, and calibrate them with few images."""
    pytest.importorskip("keras")
    from wbcseg.detector_training import export, networks, restore, trainer

    def build(name: NetworkName, options: TrainingOptions) -> Any:
        if name == "detector":
            return networks.build_detector_network((2, 4, 4, 4), (1, 1, 1))
        return networks.build_verifier_network(options.crop_side, (2, 4, 4, 4))

    with pytest.MonkeyPatch.context() as patch:
        for module in (export, restore, trainer):
            patch.setattr(module, "build_network", build)
        patch.setattr(export, "CALIBRATION_FIELDS", 2)
        patch.setattr(export, "CALIBRATION_CROPS", 4)
        yield


@pytest.fixture(scope="module")
def trained(library_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a training folder in which each network was trained one step, stopped, resumed and finished."""
    folder = tmp_path_factory.mktemp("detector")
    networks: tuple[NetworkName, ...] = ("detector", "verifier")
    for network in networks:
        reports: list[StepReport] = []
        options = TrainingOptions(steps=2, **SMALL)  # type: ignore[arg-type]

        def run(
            should_stop: bool,
            network: NetworkName = network,
            options: TrainingOptions = options,
            reports: list[StepReport] = reports,
        ) -> bool:
            answers = iter([False, should_stop, should_stop])
            return train_network(
                network,
                folder,
                library_folder,
                options,
                composers=0,
                should_stop=lambda: next(answers),
                on_report=reports.append,
            )

        assert not run(should_stop=True)
        checkpoint = load_checkpoint(folder / network)
        assert checkpoint is not None
        assert checkpoint.epoch == 1
        assert not (folder / f"{network}.tflite").exists()
        assert run(should_stop=False)
        resumed = load_checkpoint(folder / network)
        assert resumed is not None
        assert resumed.epoch == 2
        assert resumed.history[-1]["step"] == 2
        assert [report.step for report in reports] == [2]
        assert all(np.isfinite(value) for value in reports[0].losses.values())
        changed = [name for name in checkpoint.arrays if (checkpoint.arrays[name] != resumed.arrays[name]).any()]
        assert any(name.startswith("weight/") for name in changed)
        assert any(name.startswith("ema/") for name in changed)
    finish_folder(folder)
    return folder


def test_the_exported_folder_is_a_cell_detector(trained: Path) -> None:
    detector = CellDetector(trained)
    image = np.random.default_rng(2).integers(0, 255, (100, 150, 3)).astype(np.uint8)
    assert isinstance(detector.detect(image, min_score=0.0), tuple)
    assert {data.name for data in detector.card.training_data} >= {"pbc", "segmentation_WBC", "chula-rbc-12"}


def test_an_export_keeps_the_thresholds_of_its_target(trained: Path, library_folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "cell-detector"
    shutil.copytree(trained, out)
    card = DetectorCard.read(out)
    replace(card, thresholds=replace(card.thresholds, cell_score=0.42)).write(out)
    assert export_detector(trained, library_folder, out).thresholds.cell_score == 0.42
    assert (out / "detector.tflite").read_bytes() == (trained / "detector.tflite").read_bytes()
    assert CellDetector(out).card.thresholds.cell_score == 0.42


@pytest.mark.parametrize("network", ["detector", "verifier"])
def test_an_exported_network_is_restored_for_training(
    trained: Path, library_folder: Path, tmp_path: Path, network: NetworkName
) -> None:
    from wbcseg.detector_training.restore import restore_weights
    from wbcseg.detector_training.trainer import NetworkTrainer
    from wbcseg.training.checkpoint import load_final_weights

    rng = np.random.default_rng(3)
    options = TrainingOptions(**SMALL)  # type: ignore[arg-type]
    images = rng.uniform(-1, 1, (4, 64, 64, 3)).astype(np.float32)
    weights = load_final_weights(trained / network)
    assert weights is not None
    restored = restore_weights(network, (trained / f"{network}.tflite").read_bytes(), options, images)
    first, second = NetworkTrainer(network, options), NetworkTrainer(network, options)
    first.start_from(weights)
    second.start_from(restored)
    for expected, output in zip(first.model(images), second.model(images), strict=True):
        assert np.abs(output - expected).mean() < 0.1 * np.abs(expected).mean() + 0.02
    # In training, the normalisation finds the statistics that it has.
    for in_training, output in zip(second.model(images, training=True), second.model(images), strict=True):
        np.testing.assert_allclose(in_training, output, atol=0.05)
    # The exported folder is enough to start from.
    shutil.copy(trained / f"{network}.tflite", tmp_path)
    shutil.copy(trained / "detector.tflite", tmp_path)
    new = tmp_path / "new"
    new.mkdir()
    shutil.copy(trained / "detector.tflite", new)
    assert train_network(
        network, new, library_folder, TrainingOptions(steps=1, **SMALL), composers=0, start_from=tmp_path
    )  # type: ignore[arg-type]


def test_a_training_starts_from_trained_weights(trained: Path, library_folder: Path, tmp_path: Path) -> None:
    from wbcseg.detector_training.trainer import NetworkTrainer
    from wbcseg.training.checkpoint import load_final_weights

    weights = load_final_weights(trained / "verifier")
    assert weights is not None
    trainer = NetworkTrainer("verifier", TrainingOptions(steps=1, **SMALL))  # type: ignore[arg-type]
    trainer.start_from(weights)
    state = trainer.collect_state()
    assert all((state[f"weight/{name}"] == array).all() for name, array in weights.items())
    assert all((state[f"ema/{name}"] == array).all() for name, array in weights.items())
    larger = NetworkTrainer("verifier", TrainingOptions(steps=1, crop_side=96, **SMALL))  # type: ignore[arg-type]
    larger.start_from(weights)
    with pytest.raises(TrainingError):
        NetworkTrainer("detector", TrainingOptions(steps=1, **SMALL)).start_from(weights)  # type: ignore[arg-type]


def test_a_resized_kernel_answers_alike(trained: Path) -> None:
    from wbcseg.detector_training.trainer import resize_kernel

    kernel = np.random.default_rng(1).normal(size=(4, 4, 3, 2)).astype(np.float32)
    resized = resize_kernel(kernel, 6)
    assert resized.shape == (6, 6, 3, 2)
    assert resized.mean() * 36 == pytest.approx(kernel.mean() * 16, abs=1.0)
    constant = np.ones((4, 4, 3, 2), np.float32)
    assert resize_kernel(constant, 6).sum() == pytest.approx(constant.sum(), rel=1e-6)
    assert resize_kernel(kernel, 4) is kernel


def test_the_verifier_needs_a_detector_network(library_folder: Path, tmp_path: Path) -> None:
    options = TrainingOptions(steps=1, **SMALL)  # type: ignore[arg-type]
    with pytest.raises(ModelError) as caught:
        train_network("verifier", tmp_path, library_folder, options, composers=0)
    assert caught.value.code == ErrorCode.NOT_FOUND
    with pytest.raises(RunError) as missing:
        train_network("detector", tmp_path, library_folder, options, composers=0, start_from=tmp_path)
    assert missing.value.code == ErrorCode.NOT_FOUND


def test_fields_are_composed_in_a_process_of_their_own(library_folder: Path) -> None:
    from wbcseg.detector_training.batches import DetectorBatches, run_in_processes

    source = DetectorBatches(library_folder, 2, side=64)
    with run_in_processes(source, [7]) as batches:
        images, targets = next(batches)
    expected = next(source.iterate(7))
    assert (images == expected[0]).all()
    assert (targets == expected[1]).all()
