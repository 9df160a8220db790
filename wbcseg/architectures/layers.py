"""Layers that the three networks share. Imports TensorFlow."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import tensorflow as tf

from wbcseg.classes import CLASSES


class FusedBatchNormalization(keras.layers.Layer):  # type: ignore[misc]
    """Batch normalisation (Ioffe and Szegedy, 2015) over the last axis as one fused operation.

    Keras 3 composes it from small operations on TensorFlow, which costs a training step a fifth to a third more. The
    weights, their names and their order are those of :class:`keras.layers.BatchNormalization`.

    Args:
        momentum: Share of the old value in the running averages.
        epsilon: Added to the variance.
    """

    def __init__(self, momentum: float = 0.99, epsilon: float = 1e-3, **kwargs: Any) -> None:
        # Under mixed precision the picture is bfloat16 and the statistics stay float32.
        super().__init__(autocast=False, **kwargs)
        self.momentum = momentum
        self.epsilon = epsilon
        self._updates_done: Callable[[], Any] | None = None

    def debias(self, updates_done: Callable[[], Any]) -> None:
        """Make the running averages plain means in the beginning, as Keras 2 on TensorFlow 1 did.

        Args:
            updates_done: Returns how many training steps have been done so far: a scalar tensor.
        """
        self._updates_done = updates_done

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Create the four vectors of statistics, one value a channel."""
        shape = (input_shape[-1],)
        self.gamma = self.add_weight(name="gamma", shape=shape, initializer="ones")
        self.beta = self.add_weight(name="beta", shape=shape, initializer="zeros")
        self.moving_mean = self.add_weight(name="moving_mean", shape=shape, initializer="zeros", trainable=False)
        self.moving_variance = self.add_weight(name="moving_variance", shape=shape, initializer="ones", trainable=False)

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """Return the shape of the input."""
        return input_shape

    def call(self, inputs: Any, training: bool = False) -> Any:
        """Normalise ``[N, H, W, C]``: by the batch in training, by the running averages otherwise."""
        if not training:
            outputs, _, _ = tf.compat.v1.nn.fused_batch_norm(
                inputs,
                self.gamma.value,
                self.beta.value,
                mean=self.moving_mean.value,
                variance=self.moving_variance.value,
                epsilon=self.epsilon,
                is_training=False,
            )
            return outputs
        outputs, mean, variance = tf.compat.v1.nn.fused_batch_norm(
            inputs, self.gamma.value, self.beta.value, epsilon=self.epsilon, is_training=True
        )
        rate: Any = 1.0 - self.momentum
        if self._updates_done is not None:
            step = tf.cast(self._updates_done(), "float32") + 1.0
            rate = rate / (1.0 - tf.pow(self.momentum, step))
        for average, value in ((self.moving_mean, mean), (self.moving_variance, variance)):
            average.assign(average.value + rate * (value - average.value))
        return outputs

    def get_config(self) -> dict[str, Any]:
        """Return the arguments."""
        return {**super().get_config(), "momentum": self.momentum, "epsilon": self.epsilon}


class NearestUpsampling(keras.layers.Layer):  # type: ignore[misc]
    """Repeat every pixel ``factor`` times in both directions: Keras' ``UpSampling2D`` in a form that exports.

    Args:
        factor: Whole number of repetitions.
    """

    def __init__(self, factor: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.factor = factor

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """Return ``[N, H·factor, W·factor, C]``."""
        n, h, w, c = input_shape
        return n, h and h * self.factor, w and w * self.factor, c

    def call(self, inputs: Any) -> Any:
        """Enlarge ``[N, H, W, C]``."""
        size = tf.shape(inputs)[1:3] * self.factor
        outputs = tf.image.resize(inputs, size, method="nearest")
        static = self.compute_output_shape(tuple(inputs.shape))
        return tf.ensure_shape(outputs, static)

    def get_config(self) -> dict[str, Any]:
        """Return the arguments."""
        return {**super().get_config(), "factor": self.factor}


class Stage:
    """Convolution, batch normalisation and ReLU with the settings that a whole network shares.

    Args:
        bn_momentum: Momentum of every batch normalisation.
    """

    def __init__(self, bn_momentum: float) -> None:
        self.bn_momentum = bn_momentum

    def __call__(self, x: Any, filters: int, kernel: int, *, times: int = 1, relu: bool = True) -> Any:
        """Apply ``times`` convolutions of ``kernel``×``kernel``, each normalised and, if ``relu``, rectified."""
        for _ in range(times):
            x = keras.layers.Conv2D(filters, kernel, padding="same")(x)
            x = FusedBatchNormalization(self.bn_momentum)(x)
            if relu:
                x = keras.layers.Activation("relu")(x)
        return x


def picture() -> Any:
    """Return the input of every network: ``float32[N, H, W, 3]`` in 0 to 1, H and W multiples of 24."""
    return keras.Input((None, None, 3), name="picture")


def head(x: Any, dropout: float) -> Any:
    """Return class probabilities ``float32[N, H, W, 3]``: 1×1 convolution, dropout, softmax.

    The softmax stays in float32 under mixed precision.
    """
    x = keras.layers.Conv2D(len(CLASSES), 1, name="scores")(x)
    if dropout:
        x = keras.layers.Dropout(dropout, name="dropout")(x)
    return keras.layers.Activation("softmax", dtype="float32", name="probabilities")(x)
