"""U-Net as the thesis' notebook built it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wbcseg.models.registry import POOL_SIZES, register

if TYPE_CHECKING:
    import keras


@register(
    title="U-Net",
    summary="An encoder and a decoder of the same depth. Each decoder stage also receives the encoder's feature maps "
    "of the same resolution, which keeps edges sharp.",
    reference="Ronneberger, Fischer and Brox (2015), doi 10.1007/978-3-319-24574-4_28",
    deviations="Has batch normalisation and padding, and pools by 2, 2, 2 and 3; kernels of the decoder are 2×2, but "
    "for one stage, as in the thesis' notebook.",
    has_skips=True,
    color="#3d85c6",
    marker="circle",
    has_readable_export=True,
    thesis_parameters=26_242_627,
    order=1,
)
def unet(*, base_filters: int, dropout: float, bn_momentum: float) -> keras.Model:
    """Build U-Net; arguments as in :func:`wbcseg.models.build_model`.

    Stages of ``base_filters`` × 1, 2, 4, 8, 16 filters. The kernels of the decoder are 2×2, but 3×3 in its third
    stage: an irregularity of the published notebook that its parameter count depends on.
    """
    import keras

    from wbcseg.models.blocks import ConvBlock, build_head, build_image_input

    conv_block = ConvBlock(bn_momentum)
    inputs = x = build_image_input()

    skips = []
    for level, pool_size in enumerate(POOL_SIZES):
        x = conv_block(x, base_filters << level, 3, convolutions=2)
        skips.append(x)
        x = keras.layers.MaxPooling2D(pool_size)(x)
    x = conv_block(x, base_filters << len(POOL_SIZES), 3, convolutions=2)

    for level in reversed(range(len(POOL_SIZES))):
        kernel_size = 3 if level == 1 else 2
        x = keras.layers.Conv2DTranspose(base_filters << level, kernel_size, strides=POOL_SIZES[level], padding="same")(
            x
        )
        x = keras.layers.Concatenate()([x, skips[level]])
        x = conv_block(x, base_filters << level, kernel_size, convolutions=2)

    return keras.Model(inputs, build_head(x, dropout), name="unet")
