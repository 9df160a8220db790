"""A network that the package does not know: a tiny residual encoder and decoder, registered from its own file."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wbcseg.models import register

if TYPE_CHECKING:
    import keras


@register(
    title="Toy-Net",
    summary="A strided convolution, a residual block and one skip connection.",
    reference="The tests of this package",
    has_skips=True,
    color="#d5506b",
    marker="cross",
    size_multiple=8,
)
def toy(*, base_filters: int, dropout: float, bn_momentum: float) -> keras.Model:
    """Build the network; arguments as in :func:`wbcseg.models.build_model`."""
    import keras

    from wbcseg.models.blocks import ConvBlock, build_head, build_image_input

    conv_block = ConvBlock(bn_momentum)
    inputs = build_image_input()
    skip = conv_block(inputs, base_filters, 3)
    x = keras.layers.Conv2D(2 * base_filters, 3, strides=2, padding="same")(skip)
    residual = keras.layers.DepthwiseConv2D(3, padding="same", dilation_rate=2)(x)
    x = keras.layers.Add()([x, conv_block(residual, 2 * base_filters, 1)])
    x = keras.layers.MaxPooling2D(4)(x)
    x = conv_block(x, 2 * base_filters, 3)
    x = conv_block(x, base_filters, 3, upsample=4)
    x = conv_block(x, base_filters, 3, upsample=2)
    x = keras.layers.Concatenate()([x, skip])
    x = keras.layers.ReLU()(x)
    return keras.Model(inputs, build_head(x, dropout), name="toy")
