"""SegNet-Basic as the thesis' notebook built it."""

from __future__ import annotations

import keras

from wbcseg.models.blocks import Stage, head, picture

POOLS = (2, 2, 2, 3)


def segnet(*, width: int, dropout: float, bn_momentum: float) -> keras.Model:
    """Build SegNet-Basic; arguments as in :func:`wbcseg.models.build`.

    One 7×7 convolution a stage, ``width`` × 1, 2, 4, 8 filters, and the mirror of it. The decoder repeats pixels (the
    paper's pooling indices are not used) and has no ReLU.
    """
    stage = Stage(bn_momentum)
    inputs = x = picture()

    for level, pool in enumerate(POOLS):
        x = stage(x, width << level, 7)
        x = keras.layers.MaxPooling2D(pool)(x)

    for level in reversed(range(len(POOLS))):
        x = stage(x, width << level, 7, relu=False, upsample=POOLS[level])

    return keras.Model(inputs, head(x, dropout), name="segnet")
