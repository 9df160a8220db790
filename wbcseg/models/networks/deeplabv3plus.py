"""DeepLabv3+: convolutions with holes, a pyramid of them, and a small decoder."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from wbcseg.models.registry import register

if TYPE_CHECKING:
    import keras

PYRAMID_DILATIONS = (3, 6, 9)
MIDDLE_BLOCKS = 4


@register(
    title="DeepLabv3+",
    summary="Atrous (dilated) convolutions see far without reducing the maps further; a pyramid of them, with an "
    "average of the image, looks at several distances at once. A small decoder adds early maps. The backbone is an "
    "Xception.",
    reference="Chen et al. (2018), doi 10.1007/978-3-030-01234-2_49",
    deviations="Four middle blocks of the Xception instead of sixteen, and rates of 3, 6 and 9 instead of 12, 24 and "
    "36, in proportion to the maps of small images; starts from random weights instead of those of ImageNet.",
    has_skips=True,
    color="#3c5ab4",
    marker="hexagon",
    size_multiple=8,
    order=11,
)
def deeplabv3plus(*, base_filters: int, dropout: float, bn_momentum: float) -> keras.Model:
    """Build DeepLabv3+; arguments as in :func:`wbcseg.models.build_model`.

    The aligned Xception with an output stride of 8: convolutions of ``base_filters`` × 1 and 2, blocks of three
    separable convolutions of ``base_filters`` × 4, 8, 23 (entry), 23 (middle), 32 and 64 (exit); a pyramid of a 1×1,
    three atrous separable 3×3 convolutions and the average of the image, 8 × ``base_filters`` each; a decoder of two
    separable convolutions with maps of a quarter of the image's size. At 32 base filters, the sizes are the paper's.

    Deviations: 4 middle blocks instead of 16; rates of the pyramid in proportion to 15 instead of 65 pixels (the
    paper's for this output stride are 12, 24 and 36); 736 instead of 728 channels in the middle and 64 instead of 48 of
    the early maps, so that they are multiples; random initial weights.
    """
    import keras

    from wbcseg.labels import CLASSES
    from wbcseg.models.blocks import (
        BilinearUpsampling,
        ConvBlock,
        FusedBatchNormalization,
        build_image_input,
        build_probabilities,
    )
    from wbcseg.models.layers import ImageAverage

    conv_block = ConvBlock(bn_momentum)

    def normalise(x: Any) -> Any:
        return FusedBatchNormalization(bn_momentum)(x)

    def add_separable(x: Any, filters: int, *, stride: int = 1, dilation: int = 1, relu_first: bool = False) -> Any:
        x = keras.layers.Activation("relu")(x) if relu_first else x
        x = normalise(keras.layers.DepthwiseConv2D(3, strides=stride, padding="same", dilation_rate=dilation)(x))
        x = x if relu_first else keras.layers.Activation("relu")(x)
        x = normalise(keras.layers.Conv2D(filters, 1)(x))
        return x if relu_first else keras.layers.Activation("relu")(x)

    def add_block(x: Any, filters: tuple[int, int, int], *, stride: int = 1, dilation: int = 1) -> tuple[Any, Any]:
        """Return the output of a block and the maps before its last convolution."""
        shortcut = x
        if stride > 1 or x.shape[-1] != filters[-1]:
            shortcut = normalise(keras.layers.Conv2D(filters[-1], 1, strides=stride, padding="same")(x))
        for count in filters[:-1]:
            x = add_separable(x, count, dilation=dilation, relu_first=True)
        early = x
        x = add_separable(x, filters[-1], stride=stride, dilation=dilation, relu_first=True)
        return keras.layers.Add()([shortcut, x]), early

    inputs = build_image_input()
    x = keras.layers.Conv2D(base_filters, 3, strides=2, padding="same")(inputs)
    x = keras.layers.Activation("relu")(normalise(x))
    x = conv_block(x, 2 * base_filters, 3)
    x, _ = add_block(x, (4 * base_filters,) * 3, stride=2)
    x, early = add_block(x, (8 * base_filters,) * 3, stride=2)
    for _ in range(1 + MIDDLE_BLOCKS):
        x, _ = add_block(x, (23 * base_filters,) * 3, dilation=2)
    x, _ = add_block(x, (23 * base_filters, 32 * base_filters, 32 * base_filters), dilation=2)
    for multiple in (48, 48, 64):
        x = add_separable(x, multiple * base_filters, dilation=4)

    width = 8 * base_filters
    branches = [conv_block(x, width, 1)]
    branches += [add_separable(x, width, dilation=dilation) for dilation in PYRAMID_DILATIONS]
    branches.append(conv_block(ImageAverage()(x), width, 1))
    x = conv_block(keras.layers.Concatenate()(branches), width, 1)

    x = BilinearUpsampling(2)(x)
    early = conv_block(keras.layers.Activation("relu")(early), 2 * base_filters, 1)
    x = keras.layers.Concatenate()([x, early])
    for _ in range(2):
        x = add_separable(x, width)
    x = keras.layers.Dropout(dropout)(x) if dropout else x
    x = keras.layers.Conv2D(len(CLASSES), 1, name="scores")(x)
    x = BilinearUpsampling(4)(x)
    return keras.Model(inputs, build_probabilities(x, 0.0), name="deeplabv3plus")
