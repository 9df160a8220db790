"""DeconvNet with unpooling and deconvolutions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wbcseg.models.registry import register

if TYPE_CHECKING:
    import keras

DENSE_MULTIPLE = 64
DENSE_KERNEL = 7


@register(
    title="DeconvNet",
    summary="The convolutions and dense layers of VGG-16 and their mirror image: unpooling puts every value back to "
    "where the maximum was, and transposed convolutions (“deconvolutions”) fill in what lies around it.",
    reference="Noh, Hong and Han (2015), doi 10.1109/ICCV.2015.178",
    deviations="The dense layers are applied at every position of the smallest maps, so that images of any size can be "
    "segmented. Pools by 2, 2, 2 and 3 instead of five times by 2; starts from random weights instead of those of "
    "ImageNet; is trained on whole images instead of object proposals.",
    has_skips=False,
    color="#2da596",
    marker="diamond-open",
    order=5,
)
def deconvnet_unpooling(*, base_filters: int, dropout: float, bn_momentum: float) -> keras.Model:
    """Build DeconvNet; arguments as in :func:`wbcseg.models.build_model`.

    The thirteen convolutions of VGG-16, its two dense layers (7×7 and 1×1, 64 × ``base_filters`` units), a 7×7
    deconvolution, and thirteen 3×3 deconvolutions after unpooling with the encoder's indices; batch normalisation after
    each. It has 252 million parameters at 64 base filters, as in the paper.

    Deviations: the paper's dense layer sees 7×7 pixels without padding, which leaves one position of an image of 224
    pixels; here it is padded, for images of any size. The stages pool by 2, 2, 2, 1 and 3
    (:data:`wbcseg.models.vgg.STAGES`); unpooling compares instead of indexing
    (:class:`wbcseg.models.layers.MaxUnpooling`); the weights start at random, and there are no object proposals.
    """
    import keras

    from wbcseg.models.blocks import ConvBlock, FusedBatchNormalization, build_head, build_image_input
    from wbcseg.models.vgg import build_decoder, build_encoder

    conv_block = ConvBlock(bn_momentum)
    inputs = build_image_input()
    x, poolings = build_encoder(inputs, base_filters, bn_momentum)

    for kernel_size in (DENSE_KERNEL, 1):
        x = conv_block(x, DENSE_MULTIPLE * base_filters, kernel_size)
    x = keras.layers.Conv2DTranspose(8 * base_filters, DENSE_KERNEL, padding="same")(x)
    x = FusedBatchNormalization(bn_momentum)(x)
    x = keras.layers.Activation("relu")(x)

    x = build_decoder(x, base_filters, bn_momentum, poolings, transposed=True, is_whole=True)
    return keras.Model(inputs, build_head(x, dropout), name="deconvnet_unpooling")
