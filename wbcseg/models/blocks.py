"""Layers that the networks share. Imports TensorFlow."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

import keras
import numpy as np
import tensorflow as tf

from wbcseg.labels import CLASSES


class FusedBatchNormalization(keras.layers.Layer):  # type: ignore[misc]
    """Batch normalisation (Ioffe and Szegedy, 2015) over the last axis as one fused operation.

    On TensorFlow, Keras 3 composes it of small operations, which makes a training step a fifth to a third slower. The
    weights, their names and their order are those of :class:`keras.layers.BatchNormalization`.

    Args:
        momentum: Weight of the old value in the running averages.
        epsilon: Added to the variance.
    """

    def __init__(self, momentum: float = 0.99, epsilon: float = 1e-3, **kwargs: Any) -> None:
        # Under mixed precision the feature maps are bfloat16 and the statistics stay float32.
        super().__init__(autocast=False, **kwargs)
        self.momentum = momentum
        self.epsilon = epsilon
        self._get_step_count: Callable[[], Any] | None = None

    def enable_debiasing(self, get_step_count: Callable[[], Any]) -> None:
        """Start the running averages as plain means, as Keras 2 on TensorFlow 1 did.

        Args:
            get_step_count: Returns the number of training steps so far, as a scalar tensor.
        """
        self._get_step_count = get_step_count

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Create the four weight vectors, one value per channel."""
        shape = (input_shape[-1],)
        self.gamma = self.add_weight(name="gamma", shape=shape, initializer="ones")
        self.beta = self.add_weight(name="beta", shape=shape, initializer="zeros")
        self.moving_mean = self.add_weight(name="moving_mean", shape=shape, initializer="zeros", trainable=False)
        self.moving_variance = self.add_weight(name="moving_variance", shape=shape, initializer="ones", trainable=False)

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """Return the shape of the input."""
        return input_shape

    def call(self, inputs: Any, training: bool = False) -> Any:
        """Normalise ``[N, H, W, C]``, in training by the batch's statistics, otherwise by the running averages."""
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
        if self._get_step_count is not None:
            step = tf.cast(self._get_step_count(), "float32") + 1.0
            rate = rate / (1.0 - tf.pow(self.momentum, step))
        for average, value in ((self.moving_mean, mean), (self.moving_variance, variance)):
            average.assign(average.value + rate * (value - average.value))
        return outputs

    def get_config(self) -> dict[str, Any]:
        """Return the arguments."""
        return {**super().get_config(), "momentum": self.momentum, "epsilon": self.epsilon}


class Upsampling(keras.layers.Layer):  # type: ignore[misc]
    """Enlarge maps: ``UpSampling2D`` in a form that can be exported.

    Args:
        factor: By how much.
    """

    METHOD: ClassVar[str]

    def __init__(self, factor: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.factor = factor

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """Return ``[N, H·factor, W·factor, C]``."""
        n, h, w, c = input_shape
        return n, h and h * self.factor, w and w * self.factor, c

    def call(self, inputs: Any) -> Any:
        """Upsample ``[N, H, W, C]``."""
        size = tf.shape(inputs)[1:3] * self.factor
        outputs = tf.cast(tf.image.resize(inputs, size, method=self.METHOD), inputs.dtype)
        outputs.set_shape(self.compute_output_shape(tuple(inputs.shape)))
        return outputs

    def get_config(self) -> dict[str, Any]:
        """Return the arguments."""
        return {**super().get_config(), "factor": self.factor}


class NearestUpsampling(Upsampling):
    """Repeat every pixel ``factor`` times in both directions."""

    METHOD = "nearest"


class BilinearUpsampling(Upsampling):
    """Interpolate between the pixels."""

    METHOD = "bilinear"


class UpsampledConvolution(keras.layers.Conv2D):  # type: ignore[misc]
    """Repeat every pixel ``factor`` times in both directions and convolve, in one operation with the same result.

    Several weights of the kernel fall on the same repeated pixel, so they can be summed beforehand and applied to the
    small feature map. A training step of such a stage takes a quarter to half of the time. The weights, their names and
    their initial values are those of :class:`keras.layers.Conv2D` with padding ``same``.

    Args:
        filters: Output channels.
        kernel_size: Side of the kernel, odd.
        factor: Number of repetitions.
    """

    def __init__(self, filters: int, kernel_size: int, factor: int, **kwargs: Any) -> None:
        super().__init__(filters, kernel_size, padding="same", **kwargs)
        self.factor = factor

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """Return ``[N, H·factor, W·factor, filters]``."""
        n, h, w, _ = input_shape
        return n, h and h * self.factor, w and w * self.factor, self.filters

    def call(self, inputs: Any, training: bool = False) -> Any:
        """Upsample and convolve ``[N, H, W, C]``."""
        kernel = keras.ops.convert_to_tensor(self.kernel)
        # If the kernel covers whole repeated pixels, every output pixel of a block reads the same input pixels.
        is_aligned = self.kernel_size[0] // 2 % self.factor == 0
        # Measured: TensorFlow trains faster with the transposed convolution, LiteRT predicts faster with the plain one.
        outputs = (self._convolve_transposed if training and not is_aligned else self._convolve_subpixel)(
            inputs, kernel
        )
        outputs = tf.nn.bias_add(outputs, keras.ops.convert_to_tensor(self.bias))
        outputs.set_shape(self.compute_output_shape(tuple(inputs.shape)))
        return outputs

    def _convolve_transposed(self, inputs: Any, kernel: Any) -> Any:
        """Apply a transposed convolution whose kernel is summed over a pixel's repetitions."""
        margin = self.factor - 1
        summed_kernel = tf.pad(tf.reverse(kernel, [0, 1]), [[margin, margin], [margin, margin], [0, 0], [0, 0]])
        kernel_side = self.kernel_size[0] + margin
        summed_kernel = tf.add_n([summed_kernel[i : i + kernel_side] for i in range(self.factor)])
        summed_kernel = tf.add_n([summed_kernel[:, i : i + kernel_side] for i in range(self.factor)])
        n, h, w, _ = tf.unstack(tf.shape(inputs))
        size = [n, h * self.factor, w * self.factor, self.filters]
        return tf.nn.conv2d_transpose(inputs, tf.transpose(summed_kernel, [0, 1, 3, 2]), size, self.factor, "SAME")

    def _convolve_subpixel(self, inputs: Any, kernel: Any) -> Any:
        """Compute the ``factor``² output pixels of every input pixel as channels, then rearrange them (subpixel)."""
        kernel_side, factor = self.kernel_size[0], self.factor
        # Offset of the small map's pixel that every tap reads, for each position in a block.
        source_offsets = np.array(
            [
                [(position + tap - kernel_side // 2) // factor for tap in range(kernel_side)]
                for position in range(factor)
            ]
        )
        tap_count = int((source_offsets.max(axis=1) - source_offsets.min(axis=1)).max()) + 1
        first, last = int(source_offsets.min()), int(source_offsets.max())
        starts = np.minimum(source_offsets.min(axis=1), last - tap_count + 1)
        selection = np.zeros((factor, tap_count, kernel_side), np.float32)
        for position, tap in np.ndindex(factor, kernel_side):
            selection[position, source_offsets[position, tap] - starts[position], tap] = 1.0
        selection_tensor = tf.constant(selection, kernel.dtype)
        merged_kernel = tf.einsum("pai,qbj,ijcf->abcpqf", selection_tensor, selection_tensor, kernel)
        merged_kernel = tf.reshape(merged_kernel, [tap_count, tap_count, kernel.shape[2], factor**2 * self.filters])
        margins = [[0, 0], [-first, last], [-first, last], [0, 0]]
        outputs = tf.nn.conv2d(tf.pad(inputs, margins), merged_kernel, 1, "VALID")
        if starts.min() < starts.max():
            _, h, w, _ = tf.unstack(tf.shape(inputs))
            down, right = np.divmod(np.arange(factor**2), factor)
            parts = tf.split(outputs, factor**2, axis=-1)
            outputs = tf.concat(
                [
                    part[:, starts[i] - first :, starts[j] - first :][:, :h, :w]
                    for part, i, j in zip(parts, down, right, strict=True)
                ],
                axis=-1,
            )
        return tf.nn.depth_to_space(outputs, factor)

    def get_config(self) -> dict[str, Any]:
        """Return the arguments."""
        config = {**super().get_config(), "kernel_size": self.kernel_size[0], "factor": self.factor}
        del config["padding"]
        return config


class ConvBlock:
    """Convolution, batch normalisation and ReLU, with the settings of a whole network.

    Args:
        bn_momentum: Momentum of every batch normalisation.
    """

    def __init__(self, bn_momentum: float) -> None:
        self.bn_momentum = bn_momentum

    def __call__(
        self,
        x: Any,
        filters: int,
        kernel_size: int,
        *,
        convolutions: int = 1,
        relu: bool = True,
        upsample: int = 1,
        name: str | None = None,
    ) -> Any:
        """Apply ``convolutions`` convolutions, each with batch normalisation and, if ``relu``, a ReLU.

        Before the first one, every pixel is repeated ``upsample`` times in both directions. The last ReLU gets the
        name.
        """
        # For a 3×3 kernel on pixels repeated three times, fusing the two gains nothing (measured).
        is_fused = upsample > 1 and (kernel_size, upsample) != (3, 3)
        if upsample > 1 and not is_fused:
            x = NearestUpsampling(upsample)(x)
        for index in range(convolutions):
            if is_fused and index == 0:
                x = UpsampledConvolution(filters, kernel_size, upsample)(x)
            else:
                x = keras.layers.Conv2D(filters, kernel_size, padding="same")(x)
            x = FusedBatchNormalization(self.bn_momentum)(x)
            if relu:
                x = keras.layers.Activation("relu", name=name if index == convolutions - 1 else None)(x)
        return x


def build_image_input() -> Any:
    """Return the input of a network: ``float32[N, H, W, 3]`` in 0 to 1, of any size that the network can divide."""
    return keras.Input((None, None, 3), name="image")


def build_head(x: Any, dropout: float, kernel_size: int = 1) -> Any:
    """Return class probabilities ``float32[N, H, W, 3]``: convolution, dropout, softmax."""
    x = keras.layers.Conv2D(len(CLASSES), kernel_size, padding="same", name="scores")(x)
    return build_probabilities(x, dropout)


def build_probabilities(x: Any, dropout: float) -> Any:
    """Return class probabilities from scores ``[N, H, W, 3]``: dropout, softmax.

    The softmax stays in float32 under mixed precision.
    """
    if dropout:
        x = keras.layers.Dropout(dropout, name="dropout")(x)
    return keras.layers.Activation("softmax", dtype="float32", name="probabilities")(x)
