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


def forward(name: str, weights: Mapping[str, FeatureMap], picture: FeatureMap) -> Iterator[tuple[Layer, FeatureMap]]:
    """Yield every layer of a network with its output, in order, for one picture.

    Args:
        name: The network.
        weights: Its arrays in order, as :func:`wbcseg.models.weights.read_weights` gives them.
        picture: ``float32[S, S, 3]`` in 0 to 1, S a multiple of 24.

    Yields:
        The layer and its output, ``float32[s, s, C]``. The softmax at the end gives the class probabilities.

    Raises:
        ConfigError: If there is no such network.
        WeightsError: If the arrays are not those of that network.
    """
    arrays = iter(weights.values())
    found: dict[str, FeatureMap] = {}
    uses = Counter(one for layer in list_layers(name) for one in layer.inputs)
    for layer in list_layers(name):
        held = list(islice(arrays, ARRAYS_PER_KIND.get(layer.kind, 0)))
        try:
            output = _apply_layer(layer, held, [found[one] for one in layer.inputs] or [picture])
        except (ValueError, IndexError) as error:
            raise WeightsError(f"These weights do not fit layer {layer.name} of network {name}: {error}") from None
        yield layer, output
        found[layer.name] = output
        for one in layer.inputs:
            uses[one] -= 1
            if not uses[one]:
                del found[one]
    if next(arrays, None) is not None:
        raise WeightsError(f"There are more weights than network {name} has.")


def _apply_layer(layer: Layer, held: Sequence[FeatureMap], inputs: Sequence[FeatureMap]) -> FeatureMap:
    x = inputs[0]
    match layer.kind:
        case graph.CONVOLUTION:
            kernel, bias = held
            return _convolve(_upsample(x, layer.factor), kernel) + bias
        case graph.TRANSPOSED_CONVOLUTION:
            kernel, bias = held
            return _convolve_transposed(x, kernel, layer.factor) + bias
        case graph.DENSE:
            kernel, bias = held
            return _rectify(x @ kernel + bias, layer.relu)
        case "normalisation":
            gamma, beta, mean, variance = held
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
    powers = np.exp(x - x.max(axis=-1, keepdims=True))
    chances: FeatureMap = powers / powers.sum(axis=-1, keepdims=True)
    return chances


def _upsample(x: FeatureMap, factor: int) -> FeatureMap:
    return x.repeat(factor, axis=0).repeat(factor, axis=1) if factor > 1 else x


def _convolve(x: FeatureMap, kernel: FeatureMap) -> FeatureMap:
    """Convolve ``[S, S, C]`` with ``[K, K, C, F]`` and give ``[S, S, F]``; an even kernel reaches further down."""
    side, reach = x.shape[0], kernel.shape[0]
    before = (reach - 1) // 2
    padded = np.pad(x, ((before, reach - 1 - before), (before, reach - 1 - before), (0, 0)))
    result = np.zeros((side, side, kernel.shape[3]), np.float32)
    for row, column in np.ndindex(reach, reach):
        result += padded[row : row + side, column : column + side] @ kernel[row, column]
    return result


def _convolve_transposed(x: FeatureMap, kernel: FeatureMap, stride: int) -> FeatureMap:
    """Convolve ``[S, S, C]`` with ``[K, K, F, C]``, transposed, and give ``[S·stride, S·stride, F]``."""
    side, reach = x.shape[0], kernel.shape[0]
    large = side * stride
    result = np.zeros((large + reach, large + reach, kernel.shape[2]), np.float32)
    for row, column in np.ndindex(reach, reach):
        result[row : row + large : stride, column : column + large : stride] += x @ kernel[row, column].T
    before = max(reach - stride, 0) // 2
    return result[before : before + large, before : before + large]
