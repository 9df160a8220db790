"""A network in training: weights, optimiser and training steps. Imports TensorFlow."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from wbcseg.errors import TrainingError
from wbcseg.io.arrays import Arrays
from wbcseg.training.checkpoint import EMA_PREFIX, WEIGHT_PREFIX
from wbcseg.training.optimizers import FusedAdamW
from wbcseg.training.steps.schedule import StepOptions, compute_learning_rate
from wbcseg.training.trainer import list_weight_names

MAX_GRADIENT_NORM: Final = 5.0

NOT_DECAYED: Final = ("bias", "gamma", "beta", "gain")
"""Parts of the names of weights that weight decay leaves alone."""

Losses = dict[str, Any]


class StepTrainer:
    """A network, its optimiser and its training step.

    Args:
        build_model: Returns a new network.
        compute_losses: From the network's outputs and what is to be answered to losses by name, which are summed.
        options: The settings.
        prepare: From the arrays of a batch to the network's input and what is to be answered; part of the compiled
            step. By default a batch is these two.

    Attributes:
        model: The network.
    """

    def __init__(
        self,
        build_model: Callable[[], keras.Model],
        compute_losses: Callable[[Any, Any], Losses],
        options: StepOptions,
        prepare: Callable[..., tuple[Any, Any]] | None = None,
    ) -> None:
        self._options = options
        keras.utils.set_random_seed(options.seed)
        keras.config.set_dtype_policy("mixed_bfloat16" if options.precision == "bfloat16" else "float32")
        self.model = build_model()
        self._names = list_weight_names(self.model)
        self._compute_losses = compute_losses
        self._prepare = prepare or _cast_pair
        self._optimizer = FusedAdamW(
            options.learning_rate, weight_decay=options.weight_decay, global_clipnorm=MAX_GRADIENT_NORM
        )
        self._optimizer.exclude_from_weight_decay(var_names=list(NOT_DECAYED))
        self._optimizer.build(self.model.trainable_variables)
        self._ema_weights = [tf.Variable(weight.value) for weight in self.model.weights]
        self._compiled_step = tf.function(self._run_step, autograph=False)

    def _run_step(self, *batch: Any) -> Losses:
        inputs, targets = self._prepare(*batch)
        with tf.GradientTape() as tape:
            losses = self._compute_losses(self.model(inputs, training=True), targets)
            total = tf.add_n(list(losses.values()))
        gradients = tape.gradient(total, self.model.trainable_variables)
        self._optimizer.apply(gradients, self.model.trainable_variables)
        count = tf.cast(self._optimizer.iterations.value, tf.float32)
        decay = tf.minimum(self._options.ema_decay, count / (9.0 + count))
        for ema_weight, weight in zip(self._ema_weights, self.model.weights, strict=True):
            ema_weight.assign(ema_weight + (1.0 - decay) * (weight.value - ema_weight))
        return losses

    def step(self, batch: Sequence[NDArray[Any]], number: int) -> dict[str, float]:
        """Do training step ``number`` (from 0); return the batch's losses by name."""
        self._optimizer.learning_rate.assign(compute_learning_rate(self._options, number))
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

    def start_from(self, weights: Arrays, adapt: Callable[[str, Any, Any], Any] | None = None) -> None:
        """Start from trained weights, by name (:func:`wbcseg.training.trainer.list_weight_names`).

        Args:
            weights: The weights.
            adapt: From name, array and weight to the array to use, for weights of another size.

        Raises:
            TrainingError: If the weights belong to another network.
        """
        for name, weight, average in zip(self._names, self.model.weights, self._ema_weights, strict=True):
            array = weights.get(name)
            if array is not None and adapt is not None:
                array = adapt(name, array, weight)
            _assign(weight, name, array)
            average.assign(weight.value)

    def reset_averages(self) -> None:
        """Set the running averages to the weights, after these were set from outside."""
        for weight, average in zip(self.model.weights, self._ema_weights, strict=True):
            average.assign(weight.value)

    def use_averages(self) -> None:
        """Set the weights to their running averages."""
        for weight, average in zip(self.model.weights, self._ema_weights, strict=True):
            weight.assign(average)

    def _name_variables(self) -> dict[str, Any]:
        named = {f"{WEIGHT_PREFIX}{name}": w for name, w in zip(self._names, self.model.weights, strict=True)}
        named |= {f"{EMA_PREFIX}{name}": v for name, v in zip(self._names, self._ema_weights, strict=True)}
        return named | {f"optimizer/{index:03d}": v for index, v in enumerate(self._optimizer.variables)}


def _cast_pair(images: Any, targets: Any) -> tuple[Any, Any]:
    return tf.cast(images, tf.float32), tf.cast(targets, tf.float32)


def _assign(variable: Any, name: str, array: NDArray[Any] | None) -> None:
    if array is None or tuple(array.shape) != tuple(variable.shape):
        raise TrainingError(
            f"The weights belong to another network: {name} must have shape {tuple(variable.shape)}. "
            f"Received: {None if array is None else array.shape}"
        )
    variable.assign(array)
