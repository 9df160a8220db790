"""FCN-8s: a classification network made to segment."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wbcseg.models.registry import register

if TYPE_CHECKING:
    import keras

DENSE_MULTIPLE = 64


@register(
    title="FCN-8s",
    summary="The first fully convolutional network: VGG-16 gives scores for each class on small maps, which are added "
    "to those of two earlier stages and enlarged by eight. There is no decoder.",
    reference="Long, Shelhamer and Darrell (2015), doi 10.1109/CVPR.2015.7298965",
    deviations="Has batch normalisation, since it starts from random weights instead of those of ImageNet; is trained "
    "at once instead of from FCN-32s. Pools by 2, 2, 2 and 3 instead of five times by 2.",
    has_skips=True,
    color="#8700ff",
    marker="pentagon",
    order=6,
)
def fcn8s(*, base_filters: int, dropout: float, bn_momentum: float) -> keras.Model:
    """Build FCN-8s; arguments as in :func:`wbcseg.models.build_model`. ``dropout`` is that of the dense layers.

    The thirteen convolutions of VGG-16 and its dense layers as convolutions of 7×7 and 1×1; 1×1 convolutions to scores
    of the last maps, those of stage 4 and of stage 3; transposed convolutions that start as bilinear interpolation and
    are trained, but for the last one, which stays so. It has 134 million parameters at 64 base filters, as in the
    paper.

    Deviations: the stages pool by 2, 2, 2, 1 and 3 (:data:`wbcseg.models.vgg.STAGES`), so that the first enlargement is
    by 3 and the scores of stages 4 and 3 are of one size; batch normalisation; padding ``same`` instead of 100 pixels
    around the image and cropping; random initial weights.
    """
    import keras

    from wbcseg.labels import CLASSES
    from wbcseg.models.blocks import ConvBlock, build_image_input, build_probabilities
    from wbcseg.models.layers import build_bilinear_kernel
    from wbcseg.models.vgg import build_encoder

    conv_block = ConvBlock(bn_momentum)
    inputs = build_image_input()
    x, poolings = build_encoder(inputs, base_filters, bn_momentum)

    for kernel_size in (7, 1):
        x = conv_block(x, DENSE_MULTIPLE * base_filters, kernel_size)
        x = keras.layers.Dropout(dropout)(x) if dropout else x

    def enlarge(scores: object, factor: int, *, trainable: bool = True) -> object:
        return keras.layers.Conv2DTranspose(
            len(CLASSES),
            2 * factor,
            strides=factor,
            padding="same",
            kernel_initializer=build_bilinear_kernel,
            trainable=trainable,
        )(scores)

    x = keras.layers.Conv2D(len(CLASSES), 1, name="scores")(x)
    x = enlarge(x, 3)
    for level in (3, 2):
        stage = keras.layers.Activation("relu")(poolings[level].pooled)
        x = keras.layers.Add()([x, keras.layers.Conv2D(len(CLASSES), 1)(stage)])
    x = enlarge(x, 8, trainable=False)
    return keras.Model(inputs, build_probabilities(x, 0.0), name="fcn8s")
