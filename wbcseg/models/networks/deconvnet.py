"""DeconvNet as the thesis' notebook built it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wbcseg.models.registry import register

if TYPE_CHECKING:
    import keras

# Multiple of the base filters, convolutions, pooling. The first stage is not pooled, so that 120 can be divided.
ENCODER_STAGES = ((1, 2, 1), (2, 2, 2), (4, 3, 2), (8, 3, 2), (8, 3, 3))
DENSE_MULTIPLE = 64


@register(
    title="DeconvNet (thesis)",
    summary="The thirteen convolutions of VGG-16, two dense layers on the smallest feature maps, and a decoder that "
    "mirrors the encoder: deep and slow.",
    reference="Noh, Hong and Han (2015), doi 10.1109/ICCV.2015.178",
    deviations="Repeats pixels and convolves, where the paper unpools and deconvolves; the dense layers see one "
    "position, not 7×7. Pools by 2, 2, 2 and 3. The paper's own network is “DeconvNet” here.",
    has_skips=False,
    color="#2a9461",
    marker="diamond",
    has_readable_export=True,
    thesis_parameters=67_218_563,
    order=3,
)
def deconvnet(*, base_filters: int, dropout: float, bn_momentum: float) -> keras.Model:
    """Build DeconvNet; arguments as in :func:`wbcseg.models.build_model`.

    The thirteen 3×3 convolutions of VGG-16, two dense layers of 64 × ``base_filters`` units applied at every position,
    and the convolutions mirrored. The decoder repeats pixels: it does not use the paper's pooling indices.
    """
    import keras

    from wbcseg.models.blocks import ConvBlock, build_head, build_image_input

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
