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
    arrays = iter(weights.values())
    feature_maps: dict[str, FeatureMap] = {}
    remaining_uses = Counter(input_name for layer in layers for input_name in layer.inputs)
    for layer in layers:
        if layer.kind == structure.OTHER:
            raise ModelError(f"Feature maps of network {name} cannot be shown: layer {layer.name} is not implemented.")
        layer_weights = list(islice(arrays, ARRAYS_PER_KIND.get(layer.kind, 0)))
        inputs = [feature_maps[input_name] for input_name in layer.inputs] or [image]
        try:
            output = _apply_layer(layer, layer_weights, inputs)
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


def _apply_layer(layer: Layer, weights: Sequence[FeatureMap], inputs: Sequence[FeatureMap]) -> FeatureMap:
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
        case structure.CONCAT:
            return np.concatenate(inputs, axis=-1)
        case structure.ADDITION:
            total: FeatureMap = np.sum(inputs, axis=0)
            return total
        case structure.ACTIVATION:
            return _rectify(x, layer.relu) if layer.relu else softmax(x)
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


def _convolve(x: FeatureMap, kernel: FeatureMap, stride: int, dilation: int, is_depthwise: bool) -> FeatureMap:
    """Convolve ``[S, S, C]`` with ``[K, K, C, F]`` and return ``[S/stride, S/stride, F]``.

    It is padded with zeros as in TensorFlow. A depthwise kernel is ``[K, K, C, 1]``, and the result has C channels.
    """
    size, taps = x.shape[0], kernel.shape[0]
    output_size = -(-size // stride)
    span = (taps - 1) * dilation + 1
    padding = max((output_size - 1) * stride + span - size, 0)
    margins = (padding // 2, padding - padding // 2)
    padded = np.pad(x, (margins, margins, (0, 0)))
    result = np.zeros((output_size, output_size, kernel.shape[2] if is_depthwise else kernel.shape[3]), np.float32)
    extent = (output_size - 1) * stride + 1
    for row, column in np.ndindex(taps, taps):
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
