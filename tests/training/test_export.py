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
from wbcseg.training import PRESETS, Run, TrainingConfig
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
def test_a_network_is_exported_in_eight_bits_or_float16(name: str) -> None:
    keras = pytest.importorskip("keras")
    from ai_edge_litert.interpreter import Interpreter

    from wbcseg.models import build_model
    from wbcseg.training.export import convert_to_float16, convert_to_tflite

    # Unpooling depends on which of two nearly equal values is larger, which rounding may change: repeatable weights.
    keras.utils.set_random_seed(1)
    images = np.random.default_rng(1).random((8, 48, 48, 3)).astype(np.float32)
    model = build_model(name, base_filters=4)
    uses_int8 = ARCHITECTURES[name].uses_int8
    data = convert_to_tflite(model, images) if uses_int8 else convert_to_float16(model)
    network = TFLiteModel(data, name=name)
    weights = {f"{number:03}": np.asarray(weight) for number, weight in enumerate(model.weights)}
    for image in (*images[:2], np.zeros((24, 72, 3), np.float32)):
        output = network(image)
        assert output.shape == image.shape
        np.testing.assert_allclose(output.sum(axis=-1), 1.0, atol=1e-6)
    # The close-ups of a field are computed together.
    np.testing.assert_array_equal(network.predict_batch(images[:4])[3], network(images[3]))
    *_, (_, expected) = forward(name, weights, images[0])
    np.testing.assert_allclose(network(images[0]), expected, atol=0.02)
    if not uses_int8:
        np.testing.assert_allclose(network(images[0]), expected, atol=2e-3)
        return
    kinds = [tensor["dtype"] for tensor in Interpreter(model_content=data).get_tensor_details()]
    assert kinds.count(np.int8) > 0.7 * len(kinds) - kinds.count(np.int32)


# TensorFlow's converter uses what TensorFlow calls outdated.
@pytest.mark.filterwarnings("ignore::UserWarning")
def test_a_model_that_eight_bits_would_change_is_stored_in_float16(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keras = pytest.importorskip("keras")
    from wbcseg.models import build_model
    from wbcseg.training import checkpoint, export
    from wbcseg.training.trainer import list_weight_names

    folder = write_pairs(tmp_path / "pairs", 12, (48, 48), seed=4)
    config = PRESETS["quick"].replace(
        architecture="segnet", dataset=str(folder), base_filters=4, input_size=48, ema_decay=0.0
    )
    data = load_data(config, open_dataset(str(folder)))
    # The names of weights count the layers of a process.
    keras.backend.clear_session()
    keras.utils.set_random_seed(1)
    model = build_model(config.architecture, base_filters=config.base_filters)
    arrays = {
        checkpoint.WEIGHT_PREFIX + name: np.asarray(weight)
        for name, weight in zip(list_weight_names(model), model.weights, strict=True)
    }
    run = Run(tmp_path / "run")
    run.create(config)
    checkpoint.save_checkpoint(run.folder, checkpoint.Checkpoint(arrays, 1, []))
    images = data.test.images.astype(np.float32) / 255

    monkeypatch.setattr(export, "MIN_AGREEMENT", 0.0)
    exported = export.export_model(run, data.train, data.test)
    assert not exported.note
    assert 0 <= exported.agreement <= 1
    monkeypatch.setattr(export, "MIN_AGREEMENT", 1.1)
    exported = export.export_model(run, data.train, data.test)
    assert "float16" in exported.note
    float16 = (run.folder / "model.tflite").read_bytes()
    assert export.measure_agreement(float16, model, images) > 0.98
    network = TFLiteModel(float16, name="float16")
    np.testing.assert_allclose(network(images[0]), np.asarray(model(images[:1], training=False))[0], atol=0.005)
