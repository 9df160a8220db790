"""EfficientNet-Lite0 (Tan and Le 2019; variant *Lite* of 2020) without its end. Imports TensorFlow.

It was made for 8-bit integers: no squeeze-and-excitation, ReLU6. Its normalisation is folded into the convolutions, so
that neither other images of a batch nor averages of the training laboratory change what it computes.
"""

from __future__ import annotations

from typing import Any, Final

import keras
import numpy as np

from wbcseg.errors import WeightsError
from wbcseg.io.arrays import Arrays

STEM_FILTERS: Final = 32
STAGES: Final = (
    (3, 1, 1, 16, 1),
    (3, 2, 6, 24, 2),
    (5, 2, 6, 40, 2),
    (3, 2, 6, 80, 3),
    (5, 1, 6, 112, 3),
    (5, 2, 6, 192, 2),
)
"""Kernel size, stride, expansion, filters and blocks of each stage. The published network has two more blocks of the
last of these stages, which hold a third of all weights, and a seventh stage."""

FIRST_TRAINED_BLOCK: Final = 1
"""The stem and the blocks before this one stay as they are."""

MASKED_STAGE: Final = 2
"""After this stage the network is told the outline."""

POOLED_FILTERS: Final = {2: 48, 4: 96, 5: 128}
"""After these stages, feature maps of so many filters are made and pooled."""

MIN_DEVIATION: Final = 1e-3

BRIGHTNESS_SCALE: Final = 1.85
"""From brightness relative to the background, 1 for the background itself, to the values of the published network:
(value - 127) / 128."""


def add_efficientnet(crop: Any, pool: Any) -> list[Any]:
    """Add the network to a crop.

    Args:
        crop: ``float32[N, S, S, 5]``: red, green, blue relative to the background, nucleus, cell.
        pool: From feature maps, masks, the stage's number and its stride to pooled feature maps.

    Returns:
        The pooled feature maps of all pooled stages.
    """
    pixels = keras.layers.Lambda(lambda planes: planes[..., :3], name="pixels")(crop)
    masks = keras.layers.Lambda(lambda planes: planes[..., 3:], name="masks")(crop)
    x = keras.layers.Rescaling(BRIGHTNESS_SCALE, -1.0, name="scaled")(pixels)
    x = _convolve(x, STEM_FILTERS, 3, 2, "stem", is_trainable=FIRST_TRAINED_BLOCK <= 0)
    pooled, index, total_stride = [], 0, 2
    for stage, (size, stride, expansion, filters, count) in enumerate(STAGES):
        for number in range(count):
            x = _add_block(x, index, size, stride if number == 0 else 1, expansion, filters)
            index += 1
        total_stride *= stride
        if stage == MASKED_STAGE:
            small_masks = keras.layers.AveragePooling2D(total_stride, name="small_masks")(masks)
            told = keras.layers.Conv2D(filters, 1, name="told_masks", kernel_initializer="he_normal")(small_masks)
            x = keras.layers.Add(name="with_masks")([x, told])
        if stage in POOLED_FILTERS:
            side = keras.layers.Conv2D(
                POOLED_FILTERS[stage], 1, activation="relu", kernel_initializer="he_normal", name=f"stage{stage}side"
            )
            pooled += pool(side(x), masks, stage, total_stride)
    return pooled


def initialise_efficientnet(model: keras.Model, weights: Arrays, inputs: Any) -> None:
    """Set the convolutions to the published weights (:func:`wbcseg.celltype_training.pretrained.read_efficientnet`).

    What is learned anew sees feature maps of mean 0 and standard deviation 1 at first.

    Args:
        model: The network.
        weights: The weights.
        inputs: Inputs of the network for a batch of cells.

    Raises:
        WeightsError: If they are of another network.
    """
    for layer in (model.get_layer(name) for name in list_layer_names()):
        own = [weights.get(f"{layer.name}.{kind}") for kind in ("kernel", "bias")]
        if [None if array is None else array.shape for array in own] != [tuple(w.shape) for w in layer.weights]:
            raise WeightsError(f"The weights belong to another network: layer {layer.name} differs.")
        layer.set_weights(own)
    for layer in (model.get_layer(f"stage{stage}side") for stage in POOLED_FILTERS):
        maps = np.asarray(keras.Model(model.inputs, layer.input)(inputs, training=False), np.float32)
        mean, deviation = maps.mean(axis=(0, 1, 2)), maps.std(axis=(0, 1, 2)) + MIN_DEVIATION
        kernel = layer.get_weights()[0] / deviation[:, None]
        layer.set_weights([kernel, -mean @ kernel[0, 0]])


def list_layer_names() -> list[str]:
    """Return the names of the layers whose weights are published."""
    blocks = sum(stage[-1] for stage in STAGES)
    names = ["stem", *(f"block{i}{part}" for i in range(blocks) for part in ("expand", "depthwise", "project"))]
    return [name for name in names if name != "block0expand"]


def _add_block(x: Any, index: int, size: int, stride: int, expansion: int, filters: int) -> Any:
    """Add an inverted residual block with a depthwise convolution."""
    is_trainable = index >= FIRST_TRAINED_BLOCK
    inner = x
    if expansion > 1:
        inner = _convolve(inner, expansion * x.shape[-1], 1, 1, f"block{index}expand", is_trainable=is_trainable)
    depthwise = keras.layers.DepthwiseConv2D(size, stride, padding="same", name=f"block{index}depthwise")
    depthwise.trainable = is_trainable
    inner = keras.layers.ReLU(6, name=f"block{index}depthwise_relu")(depthwise(inner))
    project = keras.layers.Conv2D(filters, 1, name=f"block{index}project")
    project.trainable = is_trainable
    inner = project(inner)
    if stride == 1 and x.shape[-1] == filters:
        return keras.layers.Add(name=f"block{index}add")([x, inner])
    return inner


def _convolve(x: Any, filters: int, size: int, stride: int, name: str, *, is_trainable: bool) -> Any:
    convolution = keras.layers.Conv2D(filters, size, stride, padding="same", name=name)
    convolution.trainable = is_trainable
    return keras.layers.ReLU(6, name=f"{name}_relu")(convolution(x))
