"""SegNet-Basic as the thesis' notebook built it."""

from __future__ import annotations

import keras

from wbcseg.models.blocks import ConvBlock, build_head, build_image_input

POOL_SIZES = (2, 2, 2, 3)


def segnet(*, base_filters: int, dropout: float, bn_momentum: float) -> keras.Model:
    """Build SegNet-Basic; arguments as in :func:`wbcseg.models.build_model`.

    One 7×7 convolution a stage, ``base_filters`` × 1, 2, 4, 8 filters, and the mirror of it. The decoder repeats pixels (the
    paper's pooling indices are not used) and has no ReLU.
    """
    conv_block = ConvBlock(bn_momentum)
    inputs = x = build_image_input()

    for level, pool_size in enumerate(POOL_SIZES):
        x = conv_block(x, base_filters << level, 7)
        x = keras.layers.MaxPooling2D(pool_size)(x)

    for level in reversed(range(len(POOL_SIZES))):
        x = conv_block(x, base_filters << level, 7, relu=False, upsample=POOL_SIZES[level])

    return keras.Model(inputs, build_head(x, dropout), name="segnet")
