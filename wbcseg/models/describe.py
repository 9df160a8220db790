"""Compute a network's structure from its built Keras model. Imports TensorFlow.

As a program (``python -m wbcseg.models.describe NAME FILE``) it prints the structure of the network that a file
registers, as JSON.
"""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Iterable, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any, Final

import numpy as np

from wbcseg.errors import ModelError
from wbcseg.models import structure
from wbcseg.models.registry import ARCHITECTURES, build_model, get_spec
from wbcseg.models.structure import Layer, NetworkStructure, Polynomial, evaluate_polynomial
from wbcseg.registry import import_file

LAYER_KINDS: Final = {
    "InputLayer": structure.INPUT,
    "Conv2D": structure.CONVOLUTION,
    "UpsampledConvolution": structure.CONVOLUTION,
    "DepthwiseConv2D": structure.DEPTHWISE_CONVOLUTION,
    "Conv2DTranspose": structure.TRANSPOSED_CONVOLUTION,
    "Dense": structure.DENSE,
    "MaxPooling2D": structure.POOLING,
    "NearestUpsampling": structure.UPSAMPLING,
    "UpSampling2D": structure.UPSAMPLING,
    "Concatenate": structure.CONCAT,
    "Add": structure.ADDITION,
    "BatchNormalization": structure.NORMALISATION,
    "FusedBatchNormalization": structure.NORMALISATION,
    "Activation": structure.ACTIVATION,
    "ReLU": structure.ACTIVATION,
    "Dropout": structure.DROPOUT,
    "SpatialDropout2D": structure.DROPOUT,
    "MaxUnpooling": structure.UNPOOLING,
    "BilinearUpsampling": structure.BILINEAR_UPSAMPLING,
    "ImageAverage": structure.IMAGE_AVERAGE,
    "ChannelPadding": structure.CHANNEL_PADDING,
    "Patches": structure.PATCHES,
    "VerticalSweep": structure.VERTICAL_SWEEP,
    "HorizontalSweep": structure.HORIZONTAL_SWEEP,
    "PReLU": structure.PRELU,
}

FITTED_FILTERS: Final = (8, 12, 16)
"""Base filters at which a network is built to find the polynomials."""

CHECKED_FILTERS: Final = 21
"""Base filters at which they are checked: odd, so that a half of it is not whole."""


def describe_network(name: str) -> NetworkStructure:
    """Build a network at several numbers of base filters and return its structure.

    Raises:
        ConfigError: If there is no such network.
        ModelError: If its channels are not a whole multiple of the base filters plus a constant, its layers differ
            between numbers of base filters, or its output is not of the input's size.
    """
    import keras

    size = get_spec(name).size_multiple
    models, rows = [], []
    for base_filters in (*FITTED_FILTERS, CHECKED_FILTERS):
        keras.backend.clear_session()
        models.append(build_model(name, base_filters=base_filters))
        rows.append(_measure_layers(models[-1], size))
    if any([row["name"] for row in other] != [row["name"] for row in rows[0]] for other in rows[1:]):
        raise ModelError(f"Network {name} must have the same layers for every number of base filters.")
    doubled = _measure_layers(models[0], 2 * size)
    layers = []
    for index, layer in enumerate(models[0].layers):
        values = [row[index] for row in rows]
        _check_scaling(name, size, values[0], doubled[index])
        fits = {
            key: _fit(name, layer.name, key, [value[key] for value in values])
            for key in ("channels", "parameters", "trainable", "multiply_adds")
        }
        quadratic, *channels = fits.pop("channels")
        if quadratic:
            raise ModelError(
                f"Layer {layer.name} of network {name} has channels that grow with the square of the filters."
            )
        layers.append(
            Layer(
                layer.name,
                LAYER_KINDS.get(type(layer).__name__, structure.OTHER),
                inputs=tuple(tensor._keras_history.operation.name for tensor in _list_inputs(layer)),
                channels=(channels[0], channels[1]),
                downsampling=size // values[0]["side"],
                kernel_size=_get_side(getattr(layer, "kernel_size", 1)),
                kernel_width=_get_width(layer),
                stride=1 if isinstance(layer, keras.layers.Conv2DTranspose) else _get_stride(layer),
                dilation=_get_side(getattr(layer, "dilation_rate", 1)),
                factor=_get_factor(layer),
                relu=type(layer).__name__ == "ReLU"
                or getattr(getattr(layer, "activation", None), "__name__", "") == "relu",
                **fits,
            )
        )
    if layers[-1].downsampling != 1 or layers[-1].channels[0]:
        raise ModelError(f"Network {name} must end in class probabilities of the size of its input.")
    return NetworkStructure(size, tuple(layers))


def _measure_layers(model: Any, input_size: int) -> list[dict[str, Any]]:
    """Return name, side, channels, parameters and multiply-adds of every layer for a square image."""
    import keras

    outputs = keras.Model(model.input, [layer.output for layer in model.layers])
    shapes = outputs.compute_output_shape((1, input_size, input_size, 3))
    return [
        {
            "name": layer.name,
            "side": shape[1],
            "channels": shape[-1],
            "parameters": layer.count_params(),
            "trainable": _count(layer.trainable_weights),
            "multiply_adds": _count(w for w in layer.weights if len(w.shape) > 1) * _count_positions(layer, shape),
        }
        for layer, shape in zip(model.layers, shapes, strict=True)
    ]


def _count_positions(layer: Any, shape: Sequence[int]) -> int:
    """Return how often a layer applies its kernel: a transposed convolution does so at the positions of its input."""
    stride = layer.strides[0] if type(layer).__name__ == "Conv2DTranspose" else 1
    return math.prod(side // stride for side in shape[1:-1])


def _count(weights: Iterable[Any]) -> int:
    return sum(int(np.prod(weight.shape)) for weight in weights)


def _check_scaling(name: str, size: int, single: dict[str, Any], double: dict[str, Any]) -> None:
    if double["side"] != 2 * single["side"] or size % single["side"]:
        raise ModelError(
            f"Layer {single['name']} of network {name} has {single['side']} pixels a side for {size} of the image, and "
            f"{double['side']} for {2 * size}: `size_multiple` must be a multiple of "
            "everything that the network divides its input by."
        )
    if double["multiply_adds"] != 4 * single["multiply_adds"]:
        raise ModelError(f"The work of layer {single['name']} of network {name} must grow with the number of pixels.")


def _fit(name: str, layer: str, key: str, values: Sequence[int]) -> Polynomial:
    """Return the polynomial through the values at :data:`FITTED_FILTERS`, checked at :data:`CHECKED_FILTERS`."""
    (x0, x1, x2), (y0, y1, y2) = FITTED_FILTERS, values[:3]
    slope = Fraction(y1 - y0, x1 - x0)
    quadratic = (Fraction(y2 - y1, x2 - x1) - slope) / (x2 - x0)
    linear = slope - quadratic * (x0 + x1)
    constant = y0 - quadratic * x0**2 - linear * x0
    coefficients = (quadratic, linear, constant)
    are_whole = all(c.denominator == 1 for c in coefficients)
    result: Polynomial = (int(quadratic), int(linear), int(constant))
    if not are_whole or evaluate_polynomial(result, CHECKED_FILTERS) != values[3]:
        raise ModelError(
            f"Layer {layer} of network {name}: {key} must follow from the base filters by whole numbers; "
            "let every layer's channels be a whole multiple of them, plus a constant."
        )
    return result


def _list_inputs(layer: Any) -> list[Any]:
    if type(layer).__name__ == "InputLayer":
        return []
    return layer.input if isinstance(layer.input, list) else [layer.input]


def _get_stride(layer: Any) -> int:
    return _get_side(layer.strides) if type(layer).__name__ in ("Conv2D", "DepthwiseConv2D") else 1


def _get_factor(layer: Any) -> int:
    attribute = {"MaxPooling2D": "pool_size", "Conv2DTranspose": "strides", "UpSampling2D": "size"}
    return _get_side(getattr(layer, attribute.get(type(layer).__name__, "factor"), 1))


def _get_side(value: Any) -> int:
    return int(value[0] if isinstance(value, tuple | list) else value)


def _get_width(layer: Any) -> int:
    """Return the width of a kernel that is not square, otherwise 0."""
    kernel_size = getattr(layer, "kernel_size", (1, 1))
    is_square = not isinstance(kernel_size, tuple) or len(set(kernel_size)) == 1
    return 0 if is_square else int(kernel_size[-1])


def main() -> int:
    """Print one network's structure. Return the exit code."""
    name, source = sys.argv[1:]
    if name not in ARCHITECTURES:
        import_file(Path(source))
    json.dump(describe_network(name).to_dict(), sys.stdout)
    return 0


if __name__ == "__main__":
    sys.exit(main())
