"""The networks' forward pass in NumPy, layer by layer: to show feature maps, not to predict with.

It follows :mod:`wbcseg.models.structure` and computes in float32 with the weights of a model's
``weights.safetensors``; a test compares every layer with Keras.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import Final

import numpy as np
from numpy.typing import NDArray

from wbcseg.errors import ModelError, WeightsError
from wbcseg.models import get_spec, structure
from wbcseg.models.structure import Layer

FeatureMap = NDArray[np.float32]

BATCH_NORM_EPSILON: Final = 1e-3
"""Added to the variance by batch normalisation."""

ARRAYS_PER_KIND: Final = {
    structure.CONVOLUTION: 2,
    structure.DEPTHWISE_CONVOLUTION: 2,
    structure.TRANSPOSED_CONVOLUTION: 2,
    structure.DENSE: 2,
    structure.NORMALISATION: 4,
    structure.PRELU: 1,
    structure.VERTICAL_SWEEP: 3,
    structure.HORIZONTAL_SWEEP: 3,
}
"""Number of weight arrays of a layer, by its kind."""


def forward(name: str, weights: Mapping[str, FeatureMap], image: FeatureMap) -> Iterator[tuple[Layer, FeatureMap]]:
    """Yield every layer of a network with its output, in order, for one image.

    Args:
        name: The network.
        weights: Its arrays in order, as :func:`wbcseg.models.weights.read_weights` returns them.
        image: ``float32[S, S, 3]`` in 0 to 1, S a multiple of the network's ``size_multiple``.

    Yields:
        The layer and its output, ``float32[s, s, C]``. The last output, after the softmax, is the class probabilities.

    Raises:
        ConfigError: If there is no such network.
        ModelError: If the network has a layer that is not implemented here.
        WeightsError: If the arrays are not those of that network.
    """
    layers = get_spec(name).structure.layers
    base_filters = _infer_base_filters(layers, weights)
    arrays = iter(weights.values())
    feature_maps: dict[str, FeatureMap] = {}
    remaining_uses = Counter(input_name for layer in layers for input_name in layer.inputs)
    for layer in layers:
        if layer.kind == structure.OTHER:
            raise ModelError(f"Feature maps of network {name} cannot be shown: layer {layer.name} is not implemented.")
        layer_weights = list(islice(arrays, ARRAYS_PER_KIND.get(layer.kind, 0)))
        inputs = [feature_maps[input_name] for input_name in layer.inputs] or [image]
        try:
            output = _apply_layer(layer, layer_weights, inputs, layer.count_filters(base_filters))
        except (ValueError, IndexError) as error:
            raise WeightsError(f"These weights do not fit layer {layer.name} of network {name}: {error}") from None
        yield layer, output
        feature_maps[layer.name] = output
        for input_name in layer.inputs:
            remaining_uses[input_name] -= 1
            if not remaining_uses[input_name]:
                del feature_maps[input_name]
    if next(arrays, None) is not None:
        raise WeightsError(f"There are more weights than network {name} has.")


def _infer_base_filters(layers: Sequence[Layer], weights: Mapping[str, FeatureMap]) -> int:
    """Return the base filters from the channels of the first convolution; 0 if there are no weights."""
    first_layer = next(layer for layer in layers if layer.channels[0])
    multiple, constant = first_layer.channels
    return next(((kernel.shape[-1] - constant) // multiple for kernel in weights.values() if kernel.ndim), 0)


def _apply_layer(
    layer: Layer, weights: Sequence[FeatureMap], inputs: Sequence[FeatureMap], channels: int
) -> FeatureMap:
    x = inputs[0]
    match layer.kind:
        case structure.CONVOLUTION | structure.DEPTHWISE_CONVOLUTION:
            kernel, bias = weights
            is_depthwise = layer.kind == structure.DEPTHWISE_CONVOLUTION
            x = _convolve(_upsample(x, layer.factor), kernel, layer.stride, layer.dilation, is_depthwise) + bias
            return _rectify(x, layer.relu)
        case structure.TRANSPOSED_CONVOLUTION:
            kernel, bias = weights
            return _rectify(_convolve_transposed(x, kernel, layer.factor) + bias, layer.relu)
        case structure.DENSE:
            kernel, bias = weights
            return _rectify(x @ kernel + bias, layer.relu)
        case structure.NORMALISATION:
            gamma, beta, mean, variance = weights
            scale: FeatureMap = gamma / np.sqrt(variance + np.float32(BATCH_NORM_EPSILON))
            return x * scale + (beta - mean * scale)
        case structure.POOLING:
            side, factor = x.shape[0] // layer.factor, layer.factor
            pooled: FeatureMap = x.reshape(side, factor, side, factor, -1).max(axis=(1, 3))
            return pooled
        case structure.UPSAMPLING:
            return _upsample(x, layer.factor)
        case structure.BILINEAR_UPSAMPLING:
            return _interpolate(_interpolate(x, layer.factor, 0), layer.factor, 1)
        case structure.UNPOOLING:
            _, source, pooled = inputs
            is_maximum = source == _upsample(pooled, layer.factor)
            return np.where(is_maximum, _upsample(x, layer.factor), np.float32(0.0))
        case structure.PATCHES:
            side, factor = x.shape[0] // layer.factor, layer.factor
            return x.reshape(side, factor, side, factor, -1).swapaxes(1, 2).reshape(side, side, -1)
        case structure.VERTICAL_SWEEP:
            return _sweep(x, *weights)
        case structure.HORIZONTAL_SWEEP:
            return _sweep(x.swapaxes(0, 1), *weights).swapaxes(0, 1)
        case structure.IMAGE_AVERAGE:
            average: FeatureMap = np.broadcast_to(x.mean(axis=(0, 1)), x.shape)
            return average
        case structure.CHANNEL_PADDING:
            return np.pad(x, ((0, 0), (0, 0), (0, channels - x.shape[-1])))
        case structure.CONCAT:
            return np.concatenate(inputs, axis=-1)
        case structure.ADDITION:
            total: FeatureMap = np.sum(inputs, axis=0)
            return total
        case structure.ACTIVATION:
            return _rectify(x, layer.relu) if layer.relu else softmax(x)
        case structure.PRELU:
            return np.where(x > 0, x, x * weights[0])
        case _:
            return x


def _rectify(x: FeatureMap, relu: bool) -> FeatureMap:
    return np.maximum(x, np.float32(0.0)) if relu else x


def softmax(x: FeatureMap) -> FeatureMap:
    """Return the softmax over the last axis."""
    exponentials = np.exp(x - x.max(axis=-1, keepdims=True))
    probabilities: FeatureMap = exponentials / exponentials.sum(axis=-1, keepdims=True)
    return probabilities


def _upsample(x: FeatureMap, factor: int) -> FeatureMap:
    return x.repeat(factor, axis=0).repeat(factor, axis=1) if factor > 1 else x


def _interpolate(x: FeatureMap, factor: int, axis: int) -> FeatureMap:
    """Enlarge a map along an axis by linear interpolation between the centres of its pixels."""
    size = x.shape[axis]
    positions = np.clip((np.arange(size * factor) + 0.5) / factor - 0.5, 0, size - 1)
    lower = np.floor(positions).astype(np.int64)
    fraction = (positions - lower).astype(np.float32).reshape([-1 if a == axis else 1 for a in range(x.ndim)])
    below, above = x.take(lower, axis), x.take(np.minimum(lower + 1, size - 1), axis)
    result: FeatureMap = below + fraction * (above - below)
    return result


def _sweep(x: FeatureMap, kernel: FeatureMap, recurrent_kernel: FeatureMap, bias: FeatureMap) -> FeatureMap:
    """Run gated recurrent units down and up the columns: :class:`wbcseg.models.layers.RecurrentSweep`."""
    gates = np.split(x @ kernel + bias, 2, axis=-1)
    directions = []
    for direction, order in enumerate((slice(None), slice(None, None, -1))):
        state = np.zeros((x.shape[1], recurrent_kernel.shape[1]), np.float32)
        states = []
        for row in gates[direction][order]:
            update, reset, candidate = np.split(row, 3, axis=-1)
            from_update, from_reset, from_candidate = np.split(state @ recurrent_kernel[direction], 3, axis=-1)
            weight = _sigmoid(update + from_update)
            candidate = np.tanh(candidate + _sigmoid(reset + from_reset) * from_candidate)
            state = candidate + weight * (state - candidate)
            states.append(state)
        directions.append(np.stack(states)[order])
    return np.concatenate(directions, axis=-1)


def _sigmoid(x: FeatureMap) -> FeatureMap:
    # By the tangent, which does not overflow.
    result: FeatureMap = np.float32(0.5) * (np.float32(1.0) + np.tanh(np.float32(0.5) * x))
    return result


def _convolve(x: FeatureMap, kernel: FeatureMap, stride: int, dilation: int, is_depthwise: bool) -> FeatureMap:
    """Convolve ``[S, S, C]`` and return ``[S/stride, S/stride, F]``.

    It is padded with zeros as in TensorFlow; the kernel is ``[K, L, C, F]``. A depthwise kernel is ``[K, L, C, 1]``,
    and the result has C channels.
    """
    size = x.shape[0]
    output_size = -(-size // stride)
    margins = []
    for taps in kernel.shape[:2]:
        span = (taps - 1) * dilation + 1
        padding = max((output_size - 1) * stride + span - size, 0)
        margins.append((padding // 2, padding - padding // 2))
    padded = np.pad(x, (*margins, (0, 0)))
    result = np.zeros((output_size, output_size, kernel.shape[2] if is_depthwise else kernel.shape[3]), np.float32)
    extent = (output_size - 1) * stride + 1
    for row, column in np.ndindex(*kernel.shape[:2]):
        top, left = row * dilation, column * dilation
        patch = padded[top : top + extent : stride, left : left + extent : stride]
        result += patch * kernel[row, column, :, 0] if is_depthwise else patch @ kernel[row, column]
    return result


def _convolve_transposed(x: FeatureMap, kernel: FeatureMap, stride: int) -> FeatureMap:
    """Convolve ``[S, S, C]`` with ``[K, K, F, C]``, transposed, and return ``[S·stride, S·stride, F]``."""
    size, kernel_size = x.shape[0], kernel.shape[0]
    output_size = size * stride
    result = np.zeros((output_size + kernel_size, output_size + kernel_size, kernel.shape[2]), np.float32)
    for row, column in np.ndindex(kernel_size, kernel_size):
        result[row : row + output_size : stride, column : column + output_size : stride] += x @ kernel[row, column].T
    padding = max(kernel_size - stride, 0) // 2
    return result[padding : padding + output_size, padding : padding + output_size]
