"""Export: calibration images, and a model in 8 bits with a softmax in float32."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from builders import write_pairs

from wbcseg.datasets import open_dataset
from wbcseg.inference.tflite import TFLiteModel
from wbcseg.models import ARCHITECTURES
from wbcseg.models.forward import forward
from wbcseg.training import TrainingConfig
from wbcseg.training.data import load_data


@pytest.mark.parametrize(("augmentation", "input_size"), [("none", 48), ("strong", 72)])
def test_calibration_images_are_of_the_first_and_the_last_epoch(
    tmp_path: Path, augmentation: str, input_size: int
) -> None:
    pytest.importorskip("keras")
    from wbcseg.training.export import CALIBRATION_SAMPLE_COUNT, collect_calibration_samples

    folder = write_pairs(tmp_path / "cells", 10, (48, 48), seed=3)
    config = TrainingConfig(
        dataset=str(folder), input_size=input_size, augmentation=augmentation, epochs=3, warmup_epochs=1, batch_size=3
    )
    train_split = load_data(config, open_dataset(str(folder))).train
    samples = collect_calibration_samples(train_split, config)
    assert samples.shape == (16, input_size, input_size, 3)
    assert samples.dtype == np.float32
    assert samples.min() >= 0.0
    assert samples.max() <= 1.0
    assert (samples == collect_calibration_samples(train_split, config)).all()
    assert not (samples[:8] == samples[8:]).all()
    many = write_pairs(tmp_path / "many", 60, (32, 32), seed=4)
    config = config.replace(dataset=str(many), epochs=1, warmup_epochs=0, input_size=24)
    assert (
        len(collect_calibration_samples(load_data(config, open_dataset(str(many))).train, config))
        == CALIBRATION_SAMPLE_COUNT
    )


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_a_network_is_exported_in_eight_bits(name: str) -> None:
    pytest.importorskip("keras")
    from ai_edge_litert.interpreter import Interpreter

    from wbcseg.models import build_model
    from wbcseg.training.export import convert_to_tflite

    images = np.random.default_rng(1).random((8, 48, 48, 3)).astype(np.float32)
    model = build_model(name, base_filters=4)
    data = convert_to_tflite(model, images)
    network = TFLiteModel(data, name=name)
    weights = {f"{number:03}": np.asarray(weight) for number, weight in enumerate(model.weights)}
    for image in (*images[:2], np.zeros((24, 72, 3), np.float32)):
        output = network(image)
        assert output.shape == image.shape
        np.testing.assert_allclose(output.sum(axis=-1), 1.0, atol=1e-6)
    *_, (_, expected) = forward(name, weights, images[0])
    np.testing.assert_allclose(network(images[0]), expected, atol=0.02)
    kinds = [tensor["dtype"] for tensor in Interpreter(model_content=data).get_tensor_details()]
    assert kinds.count(np.int8) > 0.7 * len(kinds) - kinds.count(np.int32)
