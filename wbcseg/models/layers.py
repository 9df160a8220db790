"""Layers of single networks: unpooling, patches, recurrent sweeps, averages of the image. Imports TensorFlow."""

from __future__ import annotations

from typing import Any, ClassVar

import keras
import numpy as np
import tensorflow as tf


class MaxUnpooling(keras.layers.Layer):  # type: ignore[misc]
    """Put every value where max pooling found the maximum of its window, and zeros elsewhere (Zeiler et al., 2011).

    The place is found by comparison instead of by index: it is where the maps before the pooling equal the maximum.
    This is the same, but for equal maxima of a window, which all receive the value; and it can be exported, also in
    8-bit integers, for which LiteRT has no max pooling with indices.

    Args:
        factor: Side of the window.
    """

    def __init__(self, factor: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.factor = factor

    def compute_output_shape(self, input_shape: Any) -> tuple[int | None, ...]:
        """Return the shape of the maps before the pooling."""
        n, h, w, c = input_shape[0]
        return n, h and h * self.factor, w and w * self.factor, c

    def call(self, inputs: Any) -> Any:
        """Unpool ``[N, H, W, C]``, the first of the inputs.

        The second are the maps before the pooling, ``[N, H·factor, W·factor, C]``, and the third those after it.
        """
        x, source, pooled = inputs
        size = tf.shape(x)[1:3] * self.factor
        is_maximum = tf.equal(source, tf.image.resize(pooled, size, method="nearest"))
        x = tf.image.resize(x, size, method="nearest")
        outputs = tf.where(is_maximum, x, tf.zeros([], x.dtype))
        outputs.set_shape(self.compute_output_shape([tuple(tensor.shape) for tensor in inputs]))
        return outputs

    def get_config(self) -> dict[str, Any]:
        """Return the arguments."""
        return {**super().get_config(), "factor": self.factor}


class ImageAverage(keras.layers.Layer):  # type: ignore[misc]
    """Replace every pixel by the average of the whole image: global pooling whose result keeps the size of the maps."""

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """Return the shape of the input."""
        return input_shape

    def call(self, inputs: Any) -> Any:
        """Average ``[N, H, W, C]``."""
        return tf.broadcast_to(tf.reduce_mean(inputs, axis=(1, 2), keepdims=True), tf.shape(inputs))


class ChannelPadding(keras.layers.Layer):  # type: ignore[misc]
    """Append channels of zeros.

    Args:
        channels: How many.
    """

    def __init__(self, channels: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.channels = channels

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """Return ``[N, H, W, C + channels]``."""
        *size, channels = input_shape
        return (*size, channels and channels + self.channels)

    def call(self, inputs: Any) -> Any:
        """Pad ``[N, H, W, C]``."""
        return tf.pad(inputs, [[0, 0], [0, 0], [0, 0], [0, self.channels]])

    def get_config(self) -> dict[str, Any]:
        """Return the arguments."""
        return {**super().get_config(), "channels": self.channels}


class Patches(keras.layers.Layer):  # type: ignore[misc]
    """Make the pixels of every square patch the channels of one pixel.

    Args:
        factor: Side of a patch.
    """

    def __init__(self, factor: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.factor = factor

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """Return ``[N, H/factor, W/factor, C·factor²]``."""
        n, h, w, c = input_shape
        return n, h and h // self.factor, w and w // self.factor, c and c * self.factor**2

    def call(self, inputs: Any) -> Any:
        """Rearrange ``[N, H, W, C]``."""
        return tf.nn.space_to_depth(inputs, self.factor)

    def get_config(self) -> dict[str, Any]:
        """Return the arguments."""
        return {**super().get_config(), "factor": self.factor}


class RecurrentSweep(keras.layers.Layer):  # type: ignore[misc]
    """Two gated recurrent units (Cho et al., 2014) that sweep over a map in opposite directions (Visin et al., 2015).

    The gate that resets the state acts after the multiplication, as in cuDNN, so that a step has one multiplication.

    Args:
        units: Size of the state of each; the output has twice as many channels.
    """

    AXIS: ClassVar = 1

    def __init__(self, units: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.units = units

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Create the weights; those of the two directions lie beside one another."""
        self.kernel = self.add_weight(
            name="kernel", shape=(input_shape[-1], 6 * self.units), initializer="glorot_uniform"
        )
        self.recurrent_kernel = self.add_weight(
            name="recurrent_kernel",
            shape=(2, self.units, 3 * self.units),
            initializer=lambda shape, dtype: keras.ops.stack(
                [keras.initializers.Orthogonal()(shape[1:], dtype) for _ in range(2)]
            ),
        )
        self.bias = self.add_weight(name="bias", shape=(6 * self.units,), initializer="zeros")

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """Return ``[N, H, W, 2·units]``."""
        return (*input_shape[:-1], 2 * self.units)

    def call(self, inputs: Any) -> Any:
        """Sweep over ``[N, H, W, C]``."""
        gates = tf.tensordot(inputs, keras.ops.convert_to_tensor(self.kernel), 1)
        gates = gates + keras.ops.convert_to_tensor(self.bias)
        # Steps first, then the images and the positions across the sweep.
        gates = tf.transpose(gates, [1, 0, 2, 3] if self.AXIS == 1 else [2, 0, 1, 3])
        steps, images, across = (tf.shape(gates)[axis] for axis in range(3))
        gates = tf.reshape(gates, [steps, images * across, 6 * self.units])
        forward, backward = gates[..., : 3 * self.units], gates[..., 3 * self.units :]
        states = self._run_steps(tf.stack([forward, tf.reverse(backward, [0])], axis=1), inputs.shape[self.AXIS])
        outputs = tf.concat([states[:, 0], tf.reverse(states[:, 1], [0])], axis=-1)
        outputs = tf.reshape(outputs, [steps, images, across, 2 * self.units])
        outputs = tf.transpose(outputs, [1, 0, 2, 3] if self.AXIS == 1 else [1, 2, 0, 3])
        outputs.set_shape(self.compute_output_shape(tuple(inputs.shape)))
        return outputs

    def _run_steps(self, gates: Any, step_count: int | None) -> Any:
        """Return the states after all steps, ``[T, 2, M, units]``, from the inputs' part of the gates."""
        state = tf.zeros_like(gates[0, :, :, : self.units])
        if step_count is not None:
            states = []
            for step in range(step_count):
                state = self._step(gates[step], state)
                states.append(state)
            return tf.stack(states)

        # With a list of tensors of unknown size, the loop could not be exported.
        def run(step: Any, state: Any, states: Any) -> Any:
            state = self._step(gates[step], state)
            return step + 1, state, tf.concat([states, state[None]], axis=0)

        invariants = [tf.TensorShape([]), state.shape, tf.TensorShape([None, *state.shape])]
        count = tf.shape(gates)[0]
        # It starts from the state before the first step, as LiteRT cannot start from no states at all.
        *_, states = tf.while_loop(lambda step, *_: step < count, run, [tf.constant(0), state, state[None]], invariants)
        return states[1:]

    def _step(self, gates: Any, state: Any) -> Any:
        recurrent = tf.matmul(state, keras.ops.convert_to_tensor(self.recurrent_kernel))
        update, reset, candidate = tf.split(gates, 3, axis=-1)
        recurrent_update, recurrent_reset, recurrent_candidate = tf.split(recurrent, 3, axis=-1)
        update = tf.sigmoid(update + recurrent_update)
        reset = tf.sigmoid(reset + recurrent_reset)
        candidate = tf.tanh(candidate + reset * recurrent_candidate)
        return candidate + update * (state - candidate)

    def get_config(self) -> dict[str, Any]:
        """Return the arguments."""
        return {**super().get_config(), "units": self.units}


class VerticalSweep(RecurrentSweep):
    """A sweep down and up every column."""


class HorizontalSweep(RecurrentSweep):
    """A sweep along every row, in both directions."""

    AXIS: ClassVar = 2


def build_bilinear_kernel(shape: tuple[int, ...], dtype: Any = None) -> Any:
    """Return the kernel of a transposed convolution that interpolates bilinearly (Long et al., 2015).

    Args:
        shape: ``(K, K, C, C)``, K twice the stride.
        dtype: Type of the numbers.
    """
    side = shape[0]
    weights = 1.0 - np.abs(np.arange(side) - (side - 1) / 2) / (side / 2)
    kernel = np.zeros(shape, np.float32)
    for channel in range(shape[2]):
        kernel[:, :, channel, channel] = np.outer(weights, weights)
    return keras.ops.convert_to_tensor(kernel, dtype)
