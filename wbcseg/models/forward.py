"""The networks' arithmetic in NumPy, layer by layer: to look into them, not to predict with.

It follows :mod:`wbcseg.models.graph` and computes in float32 with the weights of a model's
``weights.safetensors``; a test compares every layer with Keras.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import Final

import numpy as np
from numpy.typing import NDArray

from wbcseg.errors import WeightsError
from wbcseg.models import graph
from wbcseg.models.graph import Layer, list_layers

FeatureMap = NDArray[np.float32]

BATCH_NORM_EPSILON: Final = 1e-3
"""What normalisation adds to the variance."""

ARRAYS_PER_KIND: Final = {graph.CONVOLUTION: 2, graph.TRANSPOSED_CONVOLUTION: 2, graph.DENSE: 2, "normalisation": 4}
"""How many arrays a layer of a kind holds."""


def forward(name: str, weights: Mapping[str, FeatureMap], image: FeatureMap) -> Iterator[tuple[Layer, FeatureMap]]:
    """Yield every layer of a network with its output, in order, for one picture.

    Args:
        name: The network.
        weights: Its arrays in order, as :func:`wbcseg.models.weights.read_weights` gives them.
        image: ``float32[S, S, 3]`` in 0 to 1, S a multiple of 24.

    Yields:
        The layer and its output, ``float32[s, s, C]``. The softmax at the end gives the class probabilities.

    Raises:
        ConfigError: If there is no such network.
        WeightsError: If the arrays are not those of that network.
    """
    arrays = iter(weights.values())
    feature_maps: dict[str, FeatureMap] = {}
    remaining_uses = Counter(input_name for layer in list_layers(name) for input_name in layer.inputs)
    for layer in list_layers(name):
        layer_weights = list(islice(arrays, ARRAYS_PER_KIND.get(layer.kind, 0)))
        try:
            output = _apply_layer(
                layer, layer_weights, [feature_maps[input_name] for input_name in layer.inputs] or [image]
            )
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
        case graph.CONVOLUTION:
            kernel, bias = weights
            return _convolve(_upsample(x, layer.factor), kernel) + bias
        case graph.TRANSPOSED_CONVOLUTION:
            kernel, bias = weights
            return _convolve_transposed(x, kernel, layer.factor) + bias
        case graph.DENSE:
            kernel, bias = weights
            return _rectify(x @ kernel + bias, layer.relu)
        case "normalisation":
            gamma, beta, mean, variance = weights
            scale: FeatureMap = gamma / np.sqrt(variance + np.float32(BATCH_NORM_EPSILON))
            return x * scale + (beta - mean * scale)
        case graph.POOLING:
            side, factor = x.shape[0] // layer.factor, layer.factor
            pooled: FeatureMap = x.reshape(side, factor, side, factor, -1).max(axis=(1, 3))
            return pooled
        case graph.UPSAMPLING:
            return _upsample(x, layer.factor)
        case graph.CONCAT:
            return np.concatenate(inputs, axis=-1)
        case "activation":
            return _rectify(x, layer.relu) if layer.relu else _softmax(x)
        case _:
            return x


def _rectify(x: FeatureMap, relu: bool) -> FeatureMap:
    return np.maximum(x, np.float32(0.0)) if relu else x


def _softmax(x: FeatureMap) -> FeatureMap:
    exponentials = np.exp(x - x.max(axis=-1, keepdims=True))
    probabilities: FeatureMap = exponentials / exponentials.sum(axis=-1, keepdims=True)
    return probabilities


def _upsample(x: FeatureMap, factor: int) -> FeatureMap:
    return x.repeat(factor, axis=0).repeat(factor, axis=1) if factor > 1 else x


def _convolve(x: FeatureMap, kernel: FeatureMap) -> FeatureMap:
    """Convolve ``[S, S, C]`` with ``[K, K, C, F]`` and give ``[S, S, F]``; an even kernel reaches further down."""
    size, kernel_size = x.shape[0], kernel.shape[0]
    padding = (kernel_size - 1) // 2
    padded = np.pad(x, ((padding, kernel_size - 1 - padding), (padding, kernel_size - 1 - padding), (0, 0)))
    result = np.zeros((size, size, kernel.shape[3]), np.float32)
    for row, column in np.ndindex(kernel_size, kernel_size):
        result += padded[row : row + size, column : column + size] @ kernel[row, column]
    return result


def _convolve_transposed(x: FeatureMap, kernel: FeatureMap, stride: int) -> FeatureMap:
    """Convolve ``[S, S, C]`` with ``[K, K, F, C]``, transposed, and give ``[S·stride, S·stride, F]``."""
    size, kernel_size = x.shape[0], kernel.shape[0]
    output_size = size * stride
    result = np.zeros((output_size + kernel_size, output_size + kernel_size, kernel.shape[2]), np.float32)
    for row, column in np.ndindex(kernel_size, kernel_size):
        result[row : row + output_size : stride, column : column + output_size : stride] += x @ kernel[row, column].T
    padding = max(kernel_size - stride, 0) // 2
    return result[padding : padding + output_size, padding : padding + output_size]
