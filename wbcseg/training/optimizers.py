"""Adam and AdamW with one fused operation per weight instead of a dozen. Imports TensorFlow."""

from __future__ import annotations

from typing import Any

import keras
import tensorflow as tf


class _FusedStep:
    """The step of Keras' Adam (Kingma and Ba, 2015) as TensorFlow's fused operation: equal up to rounding."""

    _step_scalars: dict[str, Any]

    def apply(self: Any, grads: Any, trainable_variables: Any = None) -> None:
        """Update all weights, which are ``float32``, by their gradients."""
        # Once for all weights: dozens of small operations a weight make tracing and every step slower.
        # The fused operation corrects the bias of the averages by the powers, for the current step.
        step = tf.cast(self.iterations.value + 1, tf.float32)
        self._step_scalars = {
            "beta1_power": tf.pow(tf.constant(self.beta_1, tf.float32), step),
            "beta2_power": tf.pow(tf.constant(self.beta_2, tf.float32), step),
            "beta1": tf.constant(self.beta_1, tf.float32),
            "beta2": tf.constant(self.beta_2, tf.float32),
            "epsilon": tf.constant(self.epsilon, tf.float32),
        }
        super().apply(grads, trainable_variables)  # type: ignore[misc]

    def update_step(self: Any, gradient: Any, variable: Any, learning_rate: Any) -> None:
        """Update one weight, a TensorFlow variable, by its gradient."""
        index = self._get_variable_index(variable)
        tf.raw_ops.ResourceApplyAdam(
            var=variable.handle,
            m=self._momentums[index].value.handle,
            v=self._velocities[index].value.handle,
            lr=learning_rate,
            grad=gradient,
            use_locking=False,
            use_nesterov=False,
            **self._step_scalars,
        )


class FusedAdam(_FusedStep, keras.optimizers.Adam):  # type: ignore[misc]
    """:class:`keras.optimizers.Adam`, with the same variables."""


class FusedAdamW(_FusedStep, keras.optimizers.AdamW):  # type: ignore[misc]
    """:class:`keras.optimizers.AdamW` (Loshchilov and Hutter, 2019), with the same variables."""
