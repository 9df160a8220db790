"""Adam and AdamW with one fused operation per weight instead of a dozen. Imports TensorFlow."""

from __future__ import annotations

from typing import Any

import keras
import tensorflow as tf


class _FusedStep:
    """The step of Keras' Adam (Kingma and Ba, 2015) as TensorFlow's fused operation: equal up to rounding."""

    def update_step(self: Any, gradient: Any, variable: Any, learning_rate: Any) -> None:
        """Update one weight, a TensorFlow variable, by its gradient."""
        index = self._get_variable_index(variable)
        # The operation corrects the bias of the averages by these powers, for the current step.
        step = tf.cast(self.iterations.value + 1, variable.dtype)
        tf.raw_ops.ResourceApplyAdam(
            var=variable.handle,
            m=self._momentums[index].value.handle,
            v=self._velocities[index].value.handle,
            beta1_power=tf.pow(tf.cast(self.beta_1, variable.dtype), step),
            beta2_power=tf.pow(tf.cast(self.beta_2, variable.dtype), step),
            lr=tf.cast(learning_rate, variable.dtype),
            beta1=self.beta_1,
            beta2=self.beta_2,
            epsilon=self.epsilon,
            grad=gradient,
            use_locking=False,
            use_nesterov=False,
        )


class FusedAdam(_FusedStep, keras.optimizers.Adam):  # type: ignore[misc]
    """:class:`keras.optimizers.Adam`, with the same variables."""


class FusedAdamW(_FusedStep, keras.optimizers.AdamW):  # type: ignore[misc]
    """:class:`keras.optimizers.AdamW` (Loshchilov and Hutter, 2019), with the same variables."""
