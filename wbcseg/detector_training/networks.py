"""The two networks of the cell detector. Imports TensorFlow."""

from __future__ import annotations

from typing import Any, Final

import keras

from wbcseg.detector_training.options import NetworkName, TrainingOptions
from wbcseg.models.blocks import FusedBatchNormalization, NearestUpsampling

DETECTOR_FILTERS: Final = (16, 32, 48, 96)
"""Filters of the detector network at strides 2, 4, 8 and 16."""

DETECTOR_BLOCKS: Final = (1, 2, 2)
"""Its residual blocks at strides 4, 8 and 16."""

VERIFIER_FILTERS: Final = (32, 48, 80, 112)
"""Filters of the verifier at strides 2, 4, 8 and 16."""

VERIFIER_STRIDE: Final = 16

BN_MOMENTUM: Final = 0.97

INITIAL_HEAT: Final = -3.5
"""Logit of the heat map before training: nearly everything is background."""


def build_network(name: NetworkName, options: TrainingOptions) -> keras.Model:
    """Return a new network."""
    return build_detector_network() if name == "detector" else build_verifier_network(options.crop_side)


def build_detector_network(
    filters: tuple[int, int, int, int] = DETECTOR_FILTERS, blocks: tuple[int, int, int] = DETECTOR_BLOCKS
) -> keras.Model:
    """Return the detector network, which computes a heat map of cell centres (CenterNet: Zhou et al., 2019).

    It maps ``float32[N, H, W, 3]`` to ``float32[N, H/4, W/4, 1]``, the logit of the heat of a cell's centre, and
    ``float32[N, H/4, W/4, 4]``: how far down and to the right the centre is, in pixels of the map, and the logarithms
    of the cell's height and width relative to :data:`wbcseg.inference.detection.candidates.SIZE_UNIT`. They are
    separate outputs, because in 8 bits an output has a single scale. H and W are multiples of 16.

    Args:
        filters: Filters at strides 2, 4, 8 and 16.
        blocks: Residual blocks at strides 4, 8 and 16.
    """
    image = keras.Input((None, None, 3), name="image")
    x = _convolve(image, filters[0], "stem", stride=2)
    x = _convolve(x, filters[1], "quarter", stride=2)
    quarter = _add_residual_blocks(x, "quarter", blocks[0])
    x = _convolve(quarter, filters[2], "eighth", stride=2)
    eighth = _add_residual_blocks(x, "eighth", blocks[1])
    x = _convolve(eighth, filters[3], "sixteenth", stride=2)
    x = _add_residual_blocks(x, "sixteenth", blocks[2])
    x = _merge_upsampled(x, eighth, filters[2], "8")
    x = _convolve(x, filters[2], "mix8")
    x = _merge_upsampled(x, quarter, filters[1], "4")
    x = _convolve(x, filters[1] + 16, "mix4")
    bias = keras.initializers.Constant(INITIAL_HEAT)
    heat = keras.layers.Conv2D(1, 1, name="heat", bias_initializer=bias)(x)
    geometry = keras.layers.Conv2D(4, 1, name="geometry")(x)
    return keras.Model(image, [heat, geometry], name="detector")


def build_verifier_network(crop_side: int = 64, filters: tuple[int, int, int, int] = VERIFIER_FILTERS) -> keras.Model:
    """Return the verifier network, which sees one candidate in a close-up.

    It maps crops ``float32[N, S, S, 3]`` to ``float32[N, 1]``, the logit of being a white cell, and ``float32[N, 4]``,
    the shifts of the box's left, top, right and bottom relative to its longer side.

    Args:
        crop_side: Side S of the crops in pixels, a multiple of 16.
        filters: Filters at strides 2, 4, 8 and 16.
    """
    crop = keras.Input((crop_side, crop_side, 3), name="crop")
    x = _convolve(crop, filters[0], "stem", stride=2)
    x = _convolve(x, filters[1], "quarter", stride=2)
    x = _add_residual_blocks(x, "quarter", 1)
    x = _convolve(x, filters[2], "eighth", stride=2)
    x = _add_residual_blocks(x, "eighth", 1)
    x = _convolve(x, filters[3], "sixteenth", stride=2)
    x = _add_residual_blocks(x, "sixteenth", 1)
    # Normalised and leaky: the units of a plain dense layer with ReLU died on whatever is certainly a cell.
    x = keras.layers.Conv2D(
        128, crop_side // VERIFIER_STRIDE, use_bias=False, kernel_initializer="he_normal", name="whole_conv"
    )(x)
    x = FusedBatchNormalization(BN_MOMENTUM, name="whole_norm")(x)
    x = keras.layers.LeakyReLU(0.1, name="whole_relu")(x)
    logit = keras.layers.Flatten(name="logit")(keras.layers.Conv2D(1, 1, name="logit_conv")(x))
    shifts = keras.layers.Conv2D(4, 1, name="shifts_conv", kernel_initializer="zeros")(x)
    return keras.Model(crop, [logit, keras.layers.Flatten(name="shifts")(shifts)], name="verifier")


def _convolve(x: Any, filters: int, name: str, *, size: int = 3, stride: int = 1, relu: bool = True) -> Any:
    x = keras.layers.Conv2D(
        filters,
        size,
        stride,
        padding="same",
        use_bias=False,
        kernel_initializer="he_normal",
        name=f"{name}_conv",
    )(x)
    x = FusedBatchNormalization(BN_MOMENTUM, name=f"{name}_norm")(x)
    return keras.layers.ReLU(name=f"{name}_relu")(x) if relu else x


def _add_residual_blocks(x: Any, name: str, count: int) -> Any:
    for index in range(count):
        prefix = f"{name}{index}"
        inner = _convolve(x, x.shape[-1], f"{prefix}a")
        inner = _convolve(inner, x.shape[-1], f"{prefix}b", relu=False)
        x = keras.layers.ReLU(name=f"{prefix}_out")(keras.layers.Add(name=f"{prefix}_add")([x, inner]))
    return x


def _merge_upsampled(x: Any, skipped: Any, filters: int, name: str) -> Any:
    """Upsample twofold and add the feature map of that stride."""
    x = _convolve(x, filters, f"up{name}", size=1, relu=False)
    x = NearestUpsampling(2, name=f"double{name}")(x)
    return keras.layers.ReLU(name=f"sum{name}")(keras.layers.Add(name=f"add{name}")([x, skipped]))
