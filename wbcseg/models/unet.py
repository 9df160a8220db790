"""U-Net as the thesis' notebook built it."""

from __future__ import annotations

import keras

from wbcseg.models.blocks import ConvBlock, build_head, build_image_input

POOL_SIZES = (2, 2, 2, 3)


def unet(*, width: int, dropout: float, bn_momentum: float) -> keras.Model:
    """Build U-Net; arguments as in :func:`wbcseg.models.build_model`.

    Stages of ``width`` × 1, 2, 4, 8, 16 filters. The kernels of the decoder are 2×2, but 3×3 in its third stage: an
    irregularity of the published notebook that its parameter count depends on.
    """
    stage = ConvBlock(bn_momentum)
    inputs = x = build_image_input()

    skips = []
    for level, pool in enumerate(POOL_SIZES):
        x = stage(x, width << level, 3, times=2)
        skips.append(x)
        x = keras.layers.MaxPooling2D(pool)(x)
    x = stage(x, width << len(POOL_SIZES), 3, times=2)

    for level in reversed(range(len(POOL_SIZES))):
        kernel = 3 if level == 1 else 2
        x = keras.layers.Conv2DTranspose(width << level, kernel, strides=POOL_SIZES[level], padding="same")(x)
        x = keras.layers.Concatenate()([x, skips[level]])
        x = stage(x, width << level, kernel, times=2)

    return keras.Model(inputs, build_head(x, dropout), name="unet")
