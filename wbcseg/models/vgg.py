"""The convolutions of VGG-16 (Simonyan and Zisserman, 2015), on which networks are built. Imports TensorFlow."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import keras

from wbcseg.models.blocks import ConvBlock, FusedBatchNormalization
from wbcseg.models.layers import MaxUnpooling

STAGES: Final = ((1, 2, 2), (2, 2, 2), (4, 3, 2), (8, 3, 1), (8, 3, 3))
"""Multiple of the base filters, number of 3×3 convolutions, and side of the pooling of every stage.

VGG-16 pools by two after each stage, 32 in total. Here it is 24, so that 120 pixels can be divided: the fourth and the
fifth stage, which have equally many filters, share a resolution, and the pooling after them is by three."""


@dataclass(frozen=True)
class Pooling:
    """A max pooling: what unpooling needs of it.

    Attributes:
        factor: Side of the window; 1 if nothing is pooled.
        source: The maps before it.
        pooled: The maps after it.
    """

    factor: int
    source: Any
    pooled: Any

    def invert(self, x: Any) -> Any:
        """Return maps ``[N, H, W, C]`` unpooled to the places of the maxima."""
        return MaxUnpooling(self.factor)([x, self.source, self.pooled]) if self.factor > 1 else x


def build_encoder(x: Any, base_filters: int, bn_momentum: float) -> tuple[Any, list[Pooling]]:
    """Return the last maps of all stages and the poolings after the stages.

    The ReLU before a pooling comes after it, which does not change its result: the maximum of a window then has one
    place also where no value is positive.
    """
    conv_block = ConvBlock(bn_momentum)
    poolings = []
    for multiple, convolutions, factor in STAGES:
        x = conv_block(x, multiple * base_filters, 3, convolutions=convolutions - 1)
        x = source = conv_block(x, multiple * base_filters, 3, relu=False)
        x = keras.layers.MaxPooling2D(factor)(x) if factor > 1 else x
        poolings.append(Pooling(factor, source, x))
        x = keras.layers.Activation("relu")(x)
    return x, poolings


def build_decoder(
    x: Any, base_filters: int, bn_momentum: float, poolings: Sequence[Pooling], *, transposed: bool, is_whole: bool
) -> Any:
    """Return maps of the image's size: the encoder's stages mirrored, each after an unpooling.

    Args:
        x: Maps ``[N, H/24, W/24, 8 · base_filters]``.
        base_filters: Filters of the first stage.
        bn_momentum: Momentum of the batch normalisation.
        poolings: The encoder's.
        transposed: Whether the convolutions are transposed.
        is_whole: Whether it includes the last convolution; otherwise that is the one that computes the classes.
    """
    convolution = keras.layers.Conv2DTranspose if transposed else keras.layers.Conv2D
    next_multiples = (1, *(multiple for multiple, *_ in STAGES))
    for level in reversed(range(len(STAGES))):
        multiple, convolutions, _ = STAGES[level]
        x = poolings[level].invert(x)
        for index in range(convolutions if level or is_whole else convolutions - 1):
            # The last one of a stage has the filters of the next, whose unpooling needs them.
            filters = (next_multiples[level] if index == convolutions - 1 else multiple) * base_filters
            x = convolution(filters, 3, padding="same")(x)
            x = FusedBatchNormalization(bn_momentum)(x)
            x = keras.layers.Activation("relu")(x)
    return x
