"""One of the two networks in training: weights, optimiser and training steps. Imports TensorFlow."""

from __future__ import annotations

from typing import Any, Final

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from wbcseg.detector_training.batches import Batch
from wbcseg.detector_training.losses import compute_detector_losses, compute_verifier_losses
from wbcseg.detector_training.networks import build_detector_network, build_verifier_network
from wbcseg.detector_training.options import NetworkName, TrainingOptions
from wbcseg.errors import TrainingError
from wbcseg.io.arrays import Arrays
from wbcseg.training.checkpoint import EMA_PREFIX, WEIGHT_PREFIX
from wbcseg.training.optimizers import FusedAdamW
from wbcseg.training.trainer import list_weight_names

MAX_GRADIENT_NORM: Final = 5.0

RESIZED_KERNEL: Final = "whole_conv.kernel"
"""The verifier's kernel that covers the whole feature map, so that its size depends on the crop's."""


def build_network(name: NetworkName, options: TrainingOptions) -> keras.Model:
    """Return a new network."""
    return build_detector_network() if name == "detector" else build_verifier_network(options.crop_side)


class NetworkTrainer:
    """A network, its optimiser and its training step.

    Args:
        name: Which network.
        options: The settings.

    Attributes:
        model: The network.
    """

    def __init__(self, name: NetworkName, options: TrainingOptions) -> None:
        self._options = options
        keras.utils.set_random_seed(options.seed)
        keras.config.set_dtype_policy("mixed_bfloat16" if options.precision == "bfloat16" else "float32")
        self.model = build_network(name, options)
        self._names = list_weight_names(self.model)
        self._compute_losses = compute_detector_losses if name == "detector" else compute_verifier_losses
        self._optimizer = FusedAdamW(
            options.learning_rate, weight_decay=options.weight_decay, global_clipnorm=MAX_GRADIENT_NORM
        )
        self._optimizer.exclude_from_weight_decay(var_names=["bias", "gamma", "beta"])
        self._optimizer.build(self.model.trainable_variables)
        self._ema_weights = [tf.Variable(weight.value) for weight in self.model.weights]
        self._compiled_step = tf.function(self._run_step)

    def _run_step(self, images: Any, targets: Any) -> dict[str, Any]:
        images, targets = tf.cast(images, tf.float32), tf.cast(targets, tf.float32)
        with tf.GradientTape() as tape:
            losses = self._compute_losses(self.model(images, training=True), targets)
            total = tf.add_n(list(losses.values()))
        gradients = tape.gradient(total, self.model.trainable_variables)
        self._optimizer.apply(gradients, self.model.trainable_variables)
        count = tf.cast(self._optimizer.iterations.value, tf.float32)
        decay = tf.minimum(self._options.ema_decay, count / (9.0 + count))
        for ema_weight, weight in zip(self._ema_weights, self.model.weights, strict=True):
            ema_weight.assign(ema_weight + (1.0 - decay) * (weight.value - ema_weight))
        return losses

    def step(self, batch: Batch, number: int) -> dict[str, float]:
        """Do training step ``number`` (from 0); return the batch's losses by name."""
        self._optimizer.learning_rate.assign(self._options.compute_learning_rate(number))
        losses = self._compiled_step(*(tf.constant(array) for array in batch))
        return {name: float(value) for name, value in losses.items()}

    def collect_state(self) -> Arrays:
        """Return everything that a resumed training needs: weights, running averages, optimiser."""
        return {name: np.asarray(variable) for name, variable in self._name_variables().items()}

    def restore(self, arrays: Arrays) -> None:
        """Restore what :meth:`collect_state` returned.

        Raises:
            TrainingError: If the arrays belong to another network or optimiser.
        """
        for name, variable in self._name_variables().items():
            _assign(variable, name, arrays.get(name))

    def start_from(self, weights: Arrays) -> None:
        """Start from trained weights, by name (:func:`wbcseg.training.trainer.list_weight_names`).

        A verifier for crops of another size takes them, too.

        Raises:
            TrainingError: If the weights belong to another network.
        """
        for name, weight, average in zip(self._names, self.model.weights, self._ema_weights, strict=True):
            array = weights.get(name)
            if array is not None and name.endswith(RESIZED_KERNEL):
                array = resize_kernel(array, int(weight.shape[0]))
            _assign(weight, name, array)
            average.assign(weight.value)

    def _name_variables(self) -> dict[str, Any]:
        named = {f"{WEIGHT_PREFIX}{name}": w for name, w in zip(self._names, self.model.weights, strict=True)}
        named |= {f"{EMA_PREFIX}{name}": v for name, v in zip(self._names, self._ema_weights, strict=True)}
        return named | {f"optimizer/{index:03d}": v for index, v in enumerate(self._optimizer.variables)}


def resize_kernel(kernel: NDArray[np.float32], side: int) -> NDArray[np.float32]:
    """Return a kernel ``[k, k, in, out]`` interpolated to ``side``, with the same response to a constant image."""
    old_side = len(kernel)
    if old_side == side:
        return kernel
    positions = np.clip((np.arange(side) + 0.5) * old_side / side - 0.5, 0, old_side - 1)
    lower = np.minimum(positions.astype(np.intp), max(old_side - 2, 0))
    mixing = np.zeros((side, old_side))
    mixing[np.arange(side), lower] = 1 - (positions - lower)
    mixing[np.arange(side), np.minimum(lower + 1, old_side - 1)] += positions - lower
    resized = np.einsum("ai,bj,ijcd->abcd", mixing, mixing, kernel)
    return np.asarray(resized * (old_side / side) ** 2, np.float32)


def _assign(variable: Any, name: str, array: NDArray[Any] | None) -> None:
    if array is None or tuple(array.shape) != tuple(variable.shape):
        raise TrainingError(
            f"The weights belong to another network: {name} must have shape {tuple(variable.shape)}. "
            f"Received: {None if array is None else array.shape}"
        )
    variable.assign(array)
