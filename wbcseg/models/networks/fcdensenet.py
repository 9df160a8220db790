"""FC-DenseNet ("Tiramisu"): dense blocks, in which every layer sees the maps of all earlier ones."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from wbcseg.models.registry import register

if TYPE_CHECKING:
    import keras

POOLINGS = (2, 2, 2, 1, 3)
REFERENCE = "Jégou et al. (2017), doi 10.1109/CVPRW.2017.156"
DEVIATIONS = "Pools by 2, 2, 2 and 3 instead of five times by 2, so that 120 pixels can be divided."


@register(
    title="FC-DenseNet56",
    summary="“Tiramisu”: every layer adds a few maps to all that the block has so far, so that few parameters go a "
    "long way. Four layers a block, 56 in all. All maps are kept, which makes it slow.",
    reference=REFERENCE,
    deviations=DEVIATIONS,
    has_skips=True,
    color="#b40087",
    marker="triangle-left",
    order=8,
)
def fcdensenet56(*, base_filters: int, dropout: float, bn_momentum: float) -> keras.Model:
    """Build FC-DenseNet56; arguments as in :func:`wbcseg.models.build_model`. ``base_filters`` is the growth rate.

    Blocks of four layers, and a first convolution of 4 × ``base_filters``: 1.4 million parameters at the paper's growth
    rate of 12, where the paper says 1.5. Otherwise as :func:`build_fcdensenet`.
    """
    return build_fcdensenet("fcdensenet56", 4, 4, base_filters, dropout, bn_momentum)


@register(
    title="FC-DenseNet67",
    summary="FC-DenseNet56 with five layers a block instead of four.",
    reference=REFERENCE,
    deviations=DEVIATIONS,
    has_skips=True,
    color="#ff3cff",
    marker="triangle-down",
    order=9,
)
def fcdensenet67(*, base_filters: int, dropout: float, bn_momentum: float) -> keras.Model:
    """Build FC-DenseNet67; arguments as in :func:`wbcseg.models.build_model`. ``base_filters`` is the growth rate.

    Blocks of five layers, and a first convolution of 3 × ``base_filters``: 3.5 million parameters at the paper's growth
    rate of 16. Otherwise as :func:`build_fcdensenet`.
    """
    return build_fcdensenet("fcdensenet67", 5, 3, base_filters, dropout, bn_momentum)


def build_fcdensenet(
    name: str, layers: int, first_multiple: int, growth: int, dropout: float, bn_momentum: float
) -> keras.Model:
    """Build a network of eleven dense blocks.

    A layer is batch normalisation, ReLU, a 3×3 convolution to ``growth`` maps, and dropout. A transition down is a
    layer with a 1×1 convolution that keeps the number of maps, and max pooling; a transition up is a 3×3 transposed
    convolution, of the new maps of the block alone.

    Deviations: the fourth transition down does not pool and the fifth pools by three; their counterparts upwards
    likewise. The parameters are the same. Dropout is off unless it is set (0.2 in the paper).

    Args:
        name: Name of the network.
        layers: Layers of every block.
        first_multiple: Filters of the first convolution, as a multiple of the growth rate.
        growth: New maps of every layer.
        dropout: As in :func:`wbcseg.models.build_model`.
        bn_momentum: As there.
    """
    import keras

    from wbcseg.models.blocks import FusedBatchNormalization, build_head, build_image_input

    def add_layer(x: Any, filters: int, kernel_size: int) -> Any:
        x = FusedBatchNormalization(bn_momentum)(x)
        x = keras.layers.Activation("relu")(x)
        x = keras.layers.Conv2D(filters, kernel_size, padding="same")(x)
        return keras.layers.Dropout(dropout)(x) if dropout else x

    def add_block(x: Any) -> tuple[Any, Any]:
        """Return all maps of a block, and the new ones alone."""
        new_maps: list[Any] = []
        for _ in range(layers):
            new_maps.append(add_layer(x, growth, 3))
            x = keras.layers.Concatenate()([x, new_maps[-1]])
        return x, keras.layers.Concatenate()(new_maps)

    inputs = build_image_input()
    x = keras.layers.Conv2D(first_multiple * growth, 3, padding="same")(inputs)
    skips = []
    for factor in POOLINGS:
        x, _ = add_block(x)
        skips.append(x)
        x = add_layer(x, x.shape[-1], 1)
        x = keras.layers.MaxPooling2D(factor)(x) if factor > 1 else x
    x, new_maps = add_block(x)
    for factor, skip in zip(reversed(POOLINGS), reversed(skips), strict=True):
        x = keras.layers.Conv2DTranspose(layers * growth, 3, strides=factor, padding="same")(new_maps)
        x, new_maps = add_block(keras.layers.Concatenate()([x, skip]))
    return keras.Model(inputs, build_head(x, 0.0), name=name)
