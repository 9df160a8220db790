"""DeconvNet as the thesis' notebook built it."""

from __future__ import annotations

import keras

from wbcseg.models.blocks import ConvBlock, build_head, build_image_input

# Multiple of the width, convolutions, pooling. The first stage is not pooled, so that 120 pixels can be divided.
ENCODER_STAGES = ((1, 2, 1), (2, 2, 2), (4, 3, 2), (8, 3, 2), (8, 3, 3))
DENSE_MULTIPLE = 64


def deconvnet(*, base_filters: int, dropout: float, bn_momentum: float) -> keras.Model:
    """Build DeconvNet; arguments as in :func:`wbcseg.models.build_model`.

    The thirteen 3×3 convolutions of VGG-16, two dense layers of ``64·width`` units applied at every position, and the
    mirror of the convolutions. The decoder repeats pixels: the paper's pooling indices are not used.
    """
    conv_block = ConvBlock(bn_momentum)
    inputs = x = build_image_input()

    for multiple, convolutions, pool_size in ENCODER_STAGES:
        x = conv_block(x, multiple * base_filters, 3, convolutions=convolutions)
        x = keras.layers.MaxPooling2D(pool_size)(x) if pool_size > 1 else x

    for _ in range(2):
        x = keras.layers.Dense(DENSE_MULTIPLE * base_filters, activation="relu")(x)

    for multiple, convolutions, pool_size in reversed(ENCODER_STAGES):
        x = conv_block(x, multiple * base_filters, 3, convolutions=convolutions, upsample=pool_size)

    return keras.Model(inputs, build_head(x, dropout), name="deconvnet")
