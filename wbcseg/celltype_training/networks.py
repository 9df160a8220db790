"""The network of the type model. Imports TensorFlow.

It has no normalisation layers: the weights of every convolution are standardised instead (Qiao et al. 2019; Brock et
al. 2021), so that neither other images of a batch nor averages of the training laboratory change what it computes.
"""

from __future__ import annotations

import math
from typing import Any, Final

import keras
import numpy as np
from keras import ops

from wbcseg.celltype_training.efficientnet import add_efficientnet
from wbcseg.celltype_training.library import ATTRIBUTES
from wbcseg.celltype_training.options import TypeOptions
from wbcseg.celltypes.crops import NETWORK_SIDE
from wbcseg.celltypes.measure import SHAPE_FEATURES
from wbcseg.celltypes.names import SUBTYPES
from wbcseg.errors import WeightsError
from wbcseg.models.weights import Weights

INPUT_CHANNELS: Final = 5
"""Red, green and blue relative to the background, nucleus, whole cell."""

RELU_GAIN: Final = math.sqrt(2 / (1 - 1 / math.pi))
"""Keeps the variance of what passes a ReLU."""

EMBEDDING_UNITS: Final = 96
ENCODER_FILTERS: Final = (16, 32, 64, 128, 256)
FIRST_TRAINED_STAGE: Final = 2
"""The stages of the encoder before this one stay as they were trained for segmentation."""

USUAL_AREAS: Final = {"nucleus": 0.17, "cell": 0.31}
"""Usual share of the crop's area."""

FIRST_POOLED_STAGE: Final = 2
"""From this stage on, the feature maps are pooled."""

BN_EPSILON: Final = 1e-3
DROPOUT: Final = 0.3
ATTRIBUTE_COUNT: Final = sum(len(values) for values in ATTRIBUTES.values())


class StandardisedConv2D(keras.layers.Layer):  # type: ignore[misc]
    """A convolution whose kernels have mean 0 and a variance that keeps that of the input, with a learned gain.

    Args:
        filters: Number of filters.
        size: Side of the kernel.
        stride: Stride.
        name: Name of the layer.
    """

    def __init__(self, filters: int, size: int, stride: int = 1, *, name: str, **settings: Any) -> None:
        super().__init__(name=name, **settings)
        self.filters, self.size, self.stride = filters, size, stride

    def build(self, input_shape: Any) -> None:
        """Create the weights."""
        shape = (self.size, self.size, int(input_shape[-1]), self.filters)
        self.kernel = self.add_weight(shape=shape, initializer="he_normal", name="kernel", autocast=False)
        self.gain = self.add_weight(shape=(self.filters,), initializer="ones", name="gain", autocast=False)
        self.bias = self.add_weight(shape=(self.filters,), initializer="zeros", name="bias")

    def compute_kernel(self) -> Any:
        """Return the kernel that is applied."""
        kernel = ops.convert_to_tensor(self.kernel)
        mean = ops.mean(kernel, axis=(0, 1, 2), keepdims=True)
        variance = ops.var(kernel, axis=(0, 1, 2), keepdims=True)
        fan_in = math.prod(kernel.shape[:3])
        return (kernel - mean) * (ops.rsqrt(variance * fan_in + 1e-6) * self.gain)

    def call(self, inputs: Any) -> Any:
        """Convolve."""
        kernel = ops.cast(self.compute_kernel(), self.compute_dtype)
        return ops.conv(inputs, kernel, self.stride, padding="same") + self.bias


def freeze_kernels(model: keras.Model, options: TypeOptions) -> keras.Model:
    """Return the same network, with plain convolutions in place of standardised ones."""
    plain = build_network(options, plain=True)
    for layer in model.layers:
        weights = layer.get_weights()
        if isinstance(layer, StandardisedConv2D):
            weights = [np.asarray(layer.compute_kernel()), np.asarray(layer.bias)]
        plain.get_layer(layer.name).set_weights(weights)
    return plain


class _PlainConv2D(keras.layers.Conv2D):  # type: ignore[misc]
    """A convolution with the arguments of :class:`StandardisedConv2D`."""

    def __init__(self, filters: int, size: int, stride: int = 1, *, name: str) -> None:
        super().__init__(filters, size, stride, padding="same", name=name)


class ScalarGain(keras.layers.Layer):  # type: ignore[misc]
    """Multiplies by one learned number, small at first (SkipInit: De and Smith 2020)."""

    def build(self, _input_shape: Any) -> None:
        """Create the weight."""
        self.gain = self.add_weight(shape=(), initializer=keras.initializers.Constant(0.2), name="gain")

    def call(self, inputs: Any) -> Any:
        """Multiply."""
        return inputs * self.gain


def build_network(options: TypeOptions, *, plain: bool = False) -> keras.Model:
    """Return a new network of the settings' kind.

    It maps crops ``float32[N, 96, 96, 5]`` and measurements ``float32[N, F]`` (standardised
    :data:`wbcseg.celltypes.measure.SHAPE_FEATURES`) to logits of subtypes ``float32[N, 11]`` and of attributes.

    Args:
        options: The settings.
        plain: Whether to have plain convolutions in place of standardised ones.
    """
    crop = keras.Input((NETWORK_SIDE, NETWORK_SIDE, INPUT_CHANNELS), name="crop")
    features = keras.Input((len(SHAPE_FEATURES),), name="features")
    if options.network == "residual":
        x = _add_residual_stages(crop, options, plain=plain)
    elif options.network == "efficientnet":
        x = keras.layers.Concatenate(name="pooled")(add_efficientnet(crop, _pool))
    else:
        x = _add_encoder(crop, FIRST_TRAINED_STAGE if options.network == "encoder" else len(ENCODER_FILTERS))
    x = keras.layers.Dropout(DROPOUT, name="dropout")(x)
    measured = keras.layers.Dense(24, activation="relu", name="measured")(
        keras.layers.Dropout(0.1, name="feature_dropout")(features)
    )
    x = keras.layers.Concatenate(name="joined")([x, measured])
    x = keras.layers.Dense(EMBEDDING_UNITS, activation="relu", name="embedding")(x)
    logits = keras.layers.Dense(len(SUBTYPES), name="subtypes")(x)
    attributes = keras.layers.Dense(ATTRIBUTE_COUNT, name="attributes")(x)
    return keras.Model([crop, features], [logits, attributes], name="types")


def _add_encoder(crop: Any, first_trained_stage: int) -> Any:
    """Add the encoder of the segmentation network; from a stage on, it sees the outline, too, and learns."""
    x = keras.layers.Lambda(lambda planes: planes[..., :3], name="pixels")(crop)
    masks = keras.layers.Lambda(lambda planes: planes[..., 3:], name="masks")(crop)
    pooled = []
    for stage, width in enumerate(ENCODER_FILTERS):
        if stage:
            x = keras.layers.MaxPooling2D(2, name=f"stage{stage}pool")(x)
        if stage == first_trained_stage:
            small_masks = keras.layers.AveragePooling2D(2**stage, name="small_masks")(masks)
            x = keras.layers.Concatenate(name="with_masks")([x, small_masks])
        for index in range(2):
            convolution = keras.layers.Conv2D(
                width,
                3,
                padding="same",
                activation="relu",
                kernel_initializer="he_normal",
                name=f"stage{stage}conv{index}",
            )
            convolution.trainable = stage >= first_trained_stage
            x = convolution(x)
        if stage >= FIRST_POOLED_STAGE:
            pooled += _pool(x, masks, stage, 2**stage)
    return keras.layers.Concatenate(name="pooled")(pooled)


def _pool(x: Any, masks: Any, stage: int, stride: int) -> list[Any]:
    """Return the means of feature maps over the crop, and their sums over the nucleus and the cell.

    Every cell has the same area in its crop, so that no division is needed.
    """
    own_masks = keras.layers.AveragePooling2D(stride, name=f"stage{stage}masks")(masks)
    pooled = [keras.layers.GlobalAveragePooling2D(name=f"stage{stage}mean")(x)]
    for index, region in enumerate(("nucleus", "cell")):
        mask = keras.layers.Lambda(
            lambda planes, first=index: planes[..., first : first + 1], name=f"stage{stage}{region}_mask"
        )(own_masks)
        masked = keras.layers.Multiply(name=f"stage{stage}{region}")([x, mask])
        mean = keras.layers.GlobalAveragePooling2D(name=f"stage{stage}{region}_mean")(masked)
        # In 8 bits all of them share one scale.
        pooled.append(keras.layers.Rescaling(1 / USUAL_AREAS[region], name=f"stage{stage}{region}_scaled")(mean))
    return pooled


def initialise_encoder(model: keras.Model, weights: Weights) -> None:
    """Set the encoder to that of a U-Net, with its normalisation folded into the convolutions.

    Args:
        model: A network of kind ``encoder``.
        weights: Weights of a U-Net of 16 base filters.

    Raises:
        WeightsError: If they are of another network.
    """
    arrays = list(weights.arrays.values())
    if weights.architecture != "unet" or weights.base_filters != ENCODER_FILTERS[0]:
        raise WeightsError(f"The encoder must be a U-Net of {ENCODER_FILTERS[0]} base filters.")
    for number in range(2 * len(ENCODER_FILTERS)):
        kernel, bias, gamma, beta, mean, variance = (
            np.asarray(a, np.float32) for a in arrays[6 * number : 6 * number + 6]
        )
        factor = gamma / np.sqrt(variance + BN_EPSILON)
        layer = model.get_layer(f"stage{number // 2}conv{number % 2}")
        kernel = kernel * factor
        own_kernel, _ = layer.get_weights()
        if own_kernel.shape[2] > kernel.shape[2]:
            # The masks join with small random weights.
            kernel = np.concatenate([kernel, 0.3 * own_kernel[:, :, kernel.shape[2] :]], axis=2)
        layer.set_weights([kernel, (bias - mean) * factor + beta])


def _add_residual_stages(crop: Any, options: TypeOptions, *, plain: bool) -> Any:
    convolution = _PlainConv2D if plain else StandardisedConv2D
    x = convolution(options.filters[0], 3, 2, name="stem")(crop)
    for stage, (width, count) in enumerate(zip(options.filters, options.blocks, strict=True)):
        for index in range(count):
            x = _add_block(x, width, 2 if stage and not index else 1, f"stage{stage}block{index}", convolution)
    x = keras.layers.ReLU(name="last_relu")(x)
    return keras.layers.GlobalAveragePooling2D(name="pool")(x)


def _add_block(x: Any, width: int, stride: int, name: str, convolution: Any) -> Any:
    inner = keras.layers.ReLU(name=f"{name}_relu")(x)
    shortcut = x
    if stride > 1 or x.shape[-1] != width:
        shortcut = inner
        if stride > 1:
            shortcut = keras.layers.AveragePooling2D(stride, padding="same", name=f"{name}_pool")(shortcut)
        shortcut = convolution(width, 1, name=f"{name}_shortcut")(shortcut)
    inner = convolution(width, 3, stride, name=f"{name}_a")(inner)
    inner = keras.layers.ReLU(name=f"{name}_inner_relu")(inner)
    inner = convolution(width, 3, name=f"{name}_b")(inner)
    inner = ScalarGain(name=f"{name}_gain")(inner)
    return keras.layers.Add(name=f"{name}_add")([shortcut, inner])
