"""Parameters, multiply-adds and shapes of a network, read from the built model. Imports TensorFlow."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np

from wbcseg.models import build_model


@dataclass(frozen=True)
class LayerSummary:
    """One layer.

    Attributes:
        name: Its name in the model.
        kind: Its class.
        shape: Height, width and channels of its output.
        parameters: Numbers that it holds.
        multiply_adds: Multiplications followed by an addition, for one picture; 0 for layers without a kernel.
    """

    name: str
    kind: str
    shape: tuple[int, int, int]
    parameters: int
    multiply_adds: int


@dataclass(frozen=True)
class NetworkSummary:
    """A network at one width and picture size.

    Attributes:
        name: The network.
        base_filters: Filters of the first stage.
        input_size: Side of the picture in pixels.
        parameters: Numbers that it holds.
        trainable_parameters: Numbers that training changes by gradient.
        multiply_adds: For one picture.
        output_shape: Height, width and channels of its output.
        layers: Every layer, in order.
    """

    name: str
    base_filters: int
    input_size: int
    parameters: int
    trainable_parameters: int
    multiply_adds: int
    output_shape: tuple[int, int, int]
    layers: tuple[LayerSummary, ...]

    def to_dict(self) -> dict[str, Any]:
        """Return the summary as JSON values."""
        return dataclasses.asdict(self)


def summarise_network(name: str, *, base_filters: int = 64, input_size: int = 120) -> NetworkSummary:
    """Build a network and count.

    Args:
        name: A network.
        base_filters: Filters of its first stage.
        input_size: Side of the picture in pixels, a multiple of 24.

    Raises:
        ConfigError: If the network is unknown or the width out of range.
    """
    model = build_model(name, base_filters=base_filters)
    shapes = compute_output_shapes(model, input_size)
    layers = tuple(
        LayerSummary(
            layer.name,
            type(layer).__name__,
            shapes[layer.name],
            layer.count_params(),
            _count_multiply_adds(layer, shapes),
        )
        for layer in model.layers
    )
    return NetworkSummary(
        name=name,
        base_filters=base_filters,
        input_size=input_size,
        parameters=model.count_params(),
        trainable_parameters=sum(int(np.prod(weight.shape)) for weight in model.trainable_weights),
        multiply_adds=sum(layer.multiply_adds for layer in layers),
        output_shape=layers[-1].shape,
        layers=layers,
    )


def compute_output_shapes(model: keras.Model, input_size: int) -> dict[str, tuple[int, int, int]]:
    """Return height, width and channels of every layer's output by its name."""
    outputs = keras.Model(model.input, [layer.output for layer in model.layers])
    shapes = outputs.compute_output_shape((1, input_size, input_size, 3))
    return {layer.name: tuple(shape[1:]) for layer, shape in zip(model.layers, shapes, strict=True)}


def _count_multiply_adds(layer: keras.layers.Layer, shapes: dict[str, tuple[int, int, int]]) -> int:
    """Count a layer's kernel once for every position where it is applied."""
    kernel = getattr(layer, "kernel", None)
    if kernel is None:
        return 0
    height, width, _ = shapes[layer.name]
    if isinstance(layer, keras.layers.Conv2DTranspose):
        # A transposed convolution applies its kernel at the positions of its input.
        height, width = height // layer.strides[0], width // layer.strides[1]
    return int(np.prod(kernel.shape)) * height * width
