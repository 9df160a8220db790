"""Load a network that was trained by steps, to export it. Imports TensorFlow."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import keras

from wbcseg.errors import ErrorCode, RunError, WeightsError
from wbcseg.training.checkpoint import load_final_weights
from wbcseg.training.trainer import list_weight_names


def load_trained_network(folder: Path, build_model: Callable[[], keras.Model]) -> keras.Model:
    """Return the network of a training folder, in float32, with the running averages of its weights.

    Args:
        folder: The training folder.
        build_model: Returns a new network.

    Raises:
        RunError: If there is no checkpoint.
        WeightsError: If it belongs to another network.
    """
    weights = load_final_weights(folder)
    if weights is None:
        raise RunError(
            f"Folder {folder} has no checkpoint to export.", code=ErrorCode.NOT_FOUND, hint="Train the network first."
        )
    keras.config.set_dtype_policy("float32")
    keras.backend.clear_session()
    model = build_model()
    names = list_weight_names(model)
    if [tuple(weights[name].shape) if name in weights else None for name in names] != [
        tuple(weight.shape) for weight in model.weights
    ]:
        raise WeightsError(f"The checkpoint in {folder} belongs to another network than its settings.")
    model.set_weights([weights[name] for name in names])
    return model
