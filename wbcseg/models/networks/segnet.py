"""SegNet-Basic as the thesis' notebook built it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wbcseg.models.registry import POOL_SIZES, register

if TYPE_CHECKING:
    import keras


@register(
    title="SegNet-Basic (thesis)",
    summary="Four encoder stages of one large (7×7) convolution each, mirrored in the decoder. Only the smallest "
    "feature maps pass from the encoder to the decoder.",
    reference="Badrinarayanan, Kendall and Cipolla (2017), doi 10.1109/TPAMI.2016.2644615",
    deviations="Repeats pixels in the decoder, where the paper's SegNet puts values back to where the maximum was; has "
    "no ReLU in the decoder, and pools by 2, 2, 2 and 3. The paper's own network is “SegNet” here.",
    has_skips=False,
    color="#c8701a",
    marker="square",
    has_readable_export=True,
    thesis_parameters=29_723_395,
    order=2,
)
def segnet(*, base_filters: int, dropout: float, bn_momentum: float) -> keras.Model:
    """Build SegNet-Basic; arguments as in :func:`wbcseg.models.build_model`.

    One 7×7 convolution per stage with ``base_filters`` × 1, 2, 4, 8 filters, mirrored in the decoder, which repeats
    pixels (it does not use the paper's pooling indices) and has no ReLU.
    """
    import keras

    from wbcseg.models.blocks import ConvBlock, build_head, build_image_input

    conv_block = ConvBlock(bn_momentum)
    inputs = x = build_image_input()

    for level, pool_size in enumerate(POOL_SIZES):
        x = conv_block(x, base_filters << level, 7)
        x = keras.layers.MaxPooling2D(pool_size)(x)

    for level in reversed(range(len(POOL_SIZES))):
        x = conv_block(x, base_filters << level, 7, relu=False, upsample=POOL_SIZES[level])

    return keras.Model(inputs, build_head(x, dropout), name="segnet")
