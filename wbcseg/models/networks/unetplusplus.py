"""U-Net++: a U-Net with decoders of every depth, nested and densely connected."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wbcseg.models.registry import POOL_SIZES, register

if TYPE_CHECKING:
    import keras

DEPTH = len(POOL_SIZES)


@register(
    title="U-Net++",
    summary="A U-Net whose skip connections are themselves small decoders: maps of the encoder come closer to "
    "those of the decoder before they meet. With deep supervision, the decoder of each depth learns to segment.",
    reference="Zhou et al. (2018), doi 10.1007/978-3-030-00889-5_1",
    deviations="Has batch normalisation; the deepest pooling and the upsampling from it are by 3. With deep "
    "supervision, it predicts with the deepest decoder alone.",
    has_skips=True,
    color="#ff1e5a",
    marker="star",
    auxiliary_layers=("decoder_1", "decoder_2", "decoder_3"),
    order=7,
)
def unetplusplus(*, base_filters: int, dropout: float, bn_momentum: float) -> keras.Model:
    """Build U-Net++; arguments as in :func:`wbcseg.models.build_model`.

    Node (i, j) of the paper takes all earlier nodes of its resolution, (i, 0) to (i, j − 1), and node (i + 1, j − 1)
    through a transposed convolution; every node has two 3×3 convolutions, of ``base_filters`` × 1, 2, 4, 8, 16. The
    paper counts 9.04 million parameters at 32 base filters. Here they are 9.7 million: the transposed convolution from
    the smallest maps has a kernel of 3×3 instead of 2×2, as it enlarges by 3.

    Deviations: batch normalisation (the published code has none); pooling by 2, 2, 2 and 3. The setting
    ``deep_supervision`` trains nodes (0, 1), (0, 2) and (0, 3) as well. The network is then used to its full depth: the
    paper's "accurate mode" averages the outputs of the four decoders, its "fast mode" takes one, as here.
    """
    import keras

    from wbcseg.models.blocks import ConvBlock, build_head, build_image_input

    conv_block = ConvBlock(bn_momentum)
    inputs = x = build_image_input()

    rows: list[list[object]] = []
    for level in range(DEPTH + 1):
        x = keras.layers.MaxPooling2D(POOL_SIZES[level - 1])(x) if level else x
        x = conv_block(x, base_filters << level, 3, convolutions=2)
        rows.append([x])
        # As soon as a deeper node exists, the nodes above it can be computed.
        for above in reversed(range(level)):
            factor = POOL_SIZES[above]
            upsampled = keras.layers.Conv2DTranspose(base_filters << above, factor, strides=factor, padding="same")(
                rows[above + 1][-1]
            )
            joined = keras.layers.Concatenate()([*rows[above], upsampled])
            name = f"decoder_{level}" if above == 0 else None
            rows[above].append(conv_block(joined, base_filters << above, 3, convolutions=2, name=name))
    return keras.Model(inputs, build_head(rows[0][-1], dropout), name="unetplusplus")
