"""From a trained run to the files of a model. Imports TensorFlow."""

from __future__ import annotations

import tempfile
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from wbcseg import architectures
from wbcseg.cards import MODEL, WEIGHTS
from wbcseg.errors import RunError
from wbcseg.files import write_bytes
from wbcseg.training import checkpoint
from wbcseg.training.run import Run
from wbcseg.training.trainer import weight_names
from wbcseg.training.weights import Weights, check_weights, read_weights, write_weights


def export(run: Run) -> int:
    """Write a run's trainable weights and its model for prediction.

    The model is made from the weights as they are in the file, so both hold the same numbers.

    Args:
        run: A run with a final checkpoint.

    Returns:
        How many parameters the network has.

    Raises:
        RunError: If there are no weights yet.
        WeightsError: If the weights are of another network.
    """
    config = run.config()
    best = checkpoint.load_best(run.folder) if config.keep == "best" else None
    arrays = best[0] if best else checkpoint.final_weights(run.folder)
    if arrays is None:
        raise RunError(f"Run {run.name} has no checkpoint to export. Train at least one epoch.")
    write_weights(run.folder / WEIGHTS, Weights(arrays, config.architecture, config.width))

    weights = read_weights(run.folder / WEIGHTS)
    keras.config.set_dtype_policy("float32")
    keras.backend.clear_session()
    model = architectures.build(config.architecture, width=config.width)
    names = weight_names(model)
    shapes = {name: tuple(w.shape) for name, w in zip(names, model.weights, strict=True)}
    check_weights(weights, config.architecture, config.width, shapes)
    model.set_weights([weights.arrays[name] for name in names])
    write_bytes(run.folder / MODEL, to_litert(model))
    return int(model.count_params())


def to_litert(model: keras.Model) -> bytes:
    """Return a model in LiteRT's format: one picture of any size at a time, weights stored in float16.

    Args:
        model: From ``float32[N, H, W, 3]`` to ``float32[N, H, W, 3]``.

    Returns:
        The file's bytes. Input ``float32[1, H, W, 3]``, output likewise; it computes in float32.
    """
    picture = keras.Input(batch_shape=(1, None, None, 3), name="picture")
    single = keras.Model(picture, model(picture))
    single(np.zeros((1, architectures.MULTIPLE, architectures.MULTIPLE, 3), np.float32))
    with tempfile.TemporaryDirectory() as folder:
        saved = Path(folder) / "model"
        single.export(str(saved), format="tf_saved_model", verbose=False)
        converter = tf.lite.TFLiteConverter.from_saved_model(str(saved))
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
        converter.target_spec.supported_types = [tf.float16]
        data: bytes = converter.convert()
    return data
