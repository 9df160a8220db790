"""SegNet with its pooling indices."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wbcseg.models.registry import register

if TYPE_CHECKING:
    import keras


@register(
    title="SegNet",
    summary="The convolutions of VGG-16 and their mirror image. The decoder puts every value back to where the "
    "encoder's pooling found the maximum: edges stay in place though no feature maps are passed on.",
    reference="Badrinarayanan, Kendall and Cipolla (2017), doi 10.1109/TPAMI.2016.2644615",
    deviations="Pools by 2, 2, 2 and 3 instead of five times by 2, so that 120 pixels can be divided; starts from "
    "random weights instead of those of ImageNet. Places of maxima are found by comparison, so that equal maxima "
    "share them.",
    has_skips=False,
    color="#965a3c",
    marker="square-open",
    order=4,
)
def segnet_unpooling(*, base_filters: int, dropout: float, bn_momentum: float) -> keras.Model:
    """Build SegNet; arguments as in :func:`wbcseg.models.build_model`.

    The thirteen 3×3 convolutions of VGG-16 with batch normalisation, thirteen more in the decoder, after unpooling with
    the encoder's indices, the last of them to the classes. Without dense layers, it has 29.5 million parameters at 64
    base filters, as in the paper.

    Deviations: the stages pool by 2, 2, 2, 1 and 3 (:data:`wbcseg.models.vgg.STAGES`); unpooling compares instead of
    indexing (:class:`wbcseg.models.layers.MaxUnpooling`); the weights start at random.
    """
    import keras

    from wbcseg.models.blocks import build_head, build_image_input
    from wbcseg.models.vgg import build_decoder, build_encoder

    inputs = build_image_input()
    x, poolings = build_encoder(inputs, base_filters, bn_momentum)
    x = build_decoder(x, base_filters, bn_momentum, poolings, transposed=False, is_whole=False)
    return keras.Model(inputs, build_head(x, dropout, kernel_size=3), name="segnet_unpooling")
