"""ENet: small and fast."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from wbcseg.models.registry import register

if TYPE_CHECKING:
    import keras

REDUCTION = 4
"""A bottleneck has this many times fewer channels inside than it returns."""

# The layer in the middle of the bottlenecks of stages 2 and 3: dilation of a 3×3 convolution, or 0 for 5×1 and 1×5.
CONTEXT_DILATIONS = (1, 2, 0, 4, 1, 8, 0, 16)


@register(
    title="ENet",
    summary="Made for speed: the image is reduced at once, most layers work on small maps with few channels, dilated "
    "and 5×1 convolutions see far, and the decoder, which unpools, is small.",
    reference="Paszke et al. (2016), arXiv 1606.02147",
    deviations="Places of maxima are found by comparison, so that equal maxima share them. Convolutions have a bias. "
    "Exported in float16: in 8-bit integers, values near a maximum equal it, and one pixel in 25 changed its class. "
    "Float16, too, can now and then move the place of a maximum whose neighbour is nearly as large.",
    has_skips=False,
    color="#1e96ff",
    marker="triangle-right",
    uses_int8=False,
    size_multiple=8,
    order=10,
)
def enet(*, base_filters: int, dropout: float, bn_momentum: float) -> keras.Model:
    """Build ENet; arguments as in :func:`wbcseg.models.build_model`. ``dropout`` silences whole maps.

    An initial block of ``base_filters`` channels; bottlenecks of 4 × ``base_filters`` (5) and of 8 × ``base_filters``
    (1 + 8 + 8) with dilated and asymmetric convolutions; a decoder with unpooling of 3 and 2 bottlenecks; a transposed
    convolution to the classes. It has 0.37 million parameters at 16 base filters, as in the paper.

    Deviations: unpooling compares instead of indexing (:class:`wbcseg.models.layers.MaxUnpooling`); convolutions have
    biases; the two narrowest bottlenecks, of ``base_filters`` channels, have as many inside instead of a quarter; the
    dropout, in all bottlenecks, is off unless it is set (0.01 in the first stage and 0.1 elsewhere in the paper).
    """
    import keras

    from wbcseg.labels import CLASSES
    from wbcseg.models.blocks import FusedBatchNormalization, build_image_input, build_probabilities
    from wbcseg.models.layers import ChannelPadding, MaxUnpooling

    def count_inner(channels: int) -> int:
        return max(base_filters, channels // REDUCTION)

    def activate(x: Any, *, is_decoder: bool = False) -> Any:
        return keras.layers.Activation("relu")(x) if is_decoder else keras.layers.PReLU(shared_axes=[1, 2])(x)

    def normalise(x: Any) -> Any:
        return FusedBatchNormalization(bn_momentum)(x)

    def finish(main: Any, branch: Any, channels: int, *, is_decoder: bool = False) -> Any:
        """Expand the branch of a bottleneck and add it to the main one."""
        branch = normalise(keras.layers.Conv2D(channels, 1)(branch))
        branch = keras.layers.SpatialDropout2D(dropout)(branch) if dropout else branch
        return activate(keras.layers.Add()([main, branch]), is_decoder=is_decoder)

    def add_bottleneck(x: Any, *, dilation: int = 1, is_decoder: bool = False) -> Any:
        channels = x.shape[-1]
        inner = count_inner(channels)
        branch = activate(normalise(keras.layers.Conv2D(inner, 1)(x)), is_decoder=is_decoder)
        if dilation:
            branch = keras.layers.Conv2D(inner, 3, padding="same", dilation_rate=dilation)(branch)
        else:
            branch = keras.layers.Conv2D(inner, (5, 1), padding="same")(branch)
            branch = keras.layers.Conv2D(inner, (1, 5), padding="same")(branch)
        branch = activate(normalise(branch), is_decoder=is_decoder)
        return finish(x, branch, channels, is_decoder=is_decoder)

    def reduce(x: Any, channels: int) -> tuple[Any, Any]:
        """Return the maps at half the size and what unpooling needs."""
        inner = count_inner(channels)
        branch = activate(normalise(keras.layers.Conv2D(inner, 2, strides=2)(x)))
        branch = activate(normalise(keras.layers.Conv2D(inner, 3, padding="same")(branch)))
        pooled = keras.layers.MaxPooling2D(2)(x)
        main = ChannelPadding(channels - x.shape[-1])(pooled)
        return finish(main, branch, channels), (x, pooled)

    def enlarge(x: Any, channels: int, pooling: tuple[Any, Any]) -> Any:
        main = normalise(keras.layers.Conv2D(channels, 1)(x))
        main = MaxUnpooling(2)([main, *pooling])
        inner = count_inner(channels)
        branch = activate(normalise(keras.layers.Conv2D(inner, 1)(x)), is_decoder=True)
        branch = keras.layers.Conv2DTranspose(inner, 3, strides=2, padding="same")(branch)
        branch = activate(normalise(branch), is_decoder=True)
        return finish(main, branch, channels, is_decoder=True)

    inputs = build_image_input()
    convolved = keras.layers.Conv2D(base_filters - 3, 3, strides=2, padding="same")(inputs)
    x = keras.layers.Concatenate()([convolved, keras.layers.MaxPooling2D(2)(inputs)])
    x = activate(normalise(x))

    x, outer_pooling = reduce(x, 4 * base_filters)
    for _ in range(4):
        x = add_bottleneck(x)
    x, inner_pooling = reduce(x, 8 * base_filters)
    for _ in range(2):
        for dilation in CONTEXT_DILATIONS:
            x = add_bottleneck(x, dilation=dilation)

    x = enlarge(x, 4 * base_filters, inner_pooling)
    for _ in range(2):
        x = add_bottleneck(x, is_decoder=True)
    x = enlarge(x, base_filters, outer_pooling)
    x = add_bottleneck(x, is_decoder=True)
    x = keras.layers.Conv2DTranspose(len(CLASSES), 3, strides=2, padding="same", name="scores")(x)
    return keras.Model(inputs, build_probabilities(x, 0.0), name="enet")
