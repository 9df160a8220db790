"""ReSeg: recurrent layers that sweep over the image."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wbcseg.models.registry import register

if TYPE_CHECKING:
    import keras

RECURRENT_LAYERS = 2


@register(
    title="ReSeg",
    summary="After the first convolutions of VGG-16, gated recurrent units sweep over the maps, down and up, left and "
    "right: every position knows of the whole image. Transposed convolutions enlarge the result.",
    reference="Visin et al. (2016), doi 10.1109/CVPRW.2016.60",
    deviations="Starts from random weights instead of those of ImageNet, with batch normalisation. Exported in "
    "float16, because LiteRT has no loops in 8-bit integers.",
    has_skips=False,
    color="#964b69",
    marker="bowtie",
    uses_int8=False,
    size_multiple=8,
    order=12,
)
def reseg(*, base_filters: int, dropout: float, bn_momentum: float) -> keras.Model:
    """Build ReSeg; arguments as in :func:`wbcseg.models.build_model`.

    The first seven convolutions of VGG-16 (``base_filters`` × 1, 2 and 4; two poolings), two ReNet layers of gated
    recurrent units, and two transposed convolutions that enlarge by 2 and 4. A ReNet layer sweeps down and up every
    column, then along every row in both directions (:class:`wbcseg.models.layers.RecurrentSweep`); the first one reads
    patches of 2×2 pixels.

    Deviations: 2 × ``base_filters`` units a direction and ``base_filters`` maps in the transposed convolutions, which
    at 64 base filters are 128 and 64 instead of the 100 and 50 of the paper's network for CamVid; kernels of twice the
    stride; batch normalisation of the convolutions; random initial weights.
    """
    import keras

    from wbcseg.models.blocks import ConvBlock, build_head, build_image_input
    from wbcseg.models.layers import HorizontalSweep, Patches, VerticalSweep

    conv_block = ConvBlock(bn_momentum)
    inputs = x = build_image_input()
    for level, convolutions in enumerate((2, 2, 3)):
        x = keras.layers.MaxPooling2D(2)(x) if level else x
        x = conv_block(x, base_filters << level, 3, convolutions=convolutions)

    x = Patches(2)(x)
    for _ in range(RECURRENT_LAYERS):
        x = VerticalSweep(2 * base_filters)(x)
        x = HorizontalSweep(2 * base_filters)(x)

    for factor in (2, 4):
        x = keras.layers.Conv2DTranspose(base_filters, 2 * factor, strides=factor, padding="same", activation="relu")(x)
    return keras.Model(inputs, build_head(x, dropout), name="reseg")
