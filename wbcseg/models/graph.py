"""A network's stages and receptive fields, from its layers (:mod:`wbcseg.models.structure`), without building it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from wbcseg.models import get_spec, structure
from wbcseg.models.structure import Layer, NetworkStructure, evaluate_polynomial

OUTPUT_LAYER: Final = "scores"
"""Name of the last convolution, with one channel per class."""
UNLISTED_KINDS: Final = (
    structure.INPUT,
    structure.NORMALISATION,
    structure.ACTIVATION,
    structure.PRELU,
    structure.DROPOUT,
    structure.CHANNEL_PADDING,
)
"""Layers that count towards the layer before them."""


def list_layers(name: str) -> tuple[Layer, ...]:
    """Return the layers of a network in order.

    Raises:
        ConfigError: If there is no such network.
    """
    return get_spec(name).structure.layers


@dataclass(frozen=True)
class LayerStats:
    """A layer of a stage with its numbers at one number of base filters and one input size.

    Attributes:
        layer: The layer.
        filters: Channels of its output.
        parameters: Its parameters, with those of the normalisation after it.
        multiply_adds: For one image, as the network is defined.
        receptive_field: Side in pixels of the square of the image that one pixel of its output can depend on; infinite
            if that is the whole image.
    """

    layer: Layer
    filters: int
    parameters: int
    multiply_adds: int
    receptive_field: float


@dataclass(frozen=True)
class Stage:
    """The layers between two changes of resolution.

    Attributes:
        map_size: Side of its feature maps in pixels.
        is_decoder: Whether it comes after the smallest maps.
        layer_stats: Its layers, but for normalisation, activations and dropout.
        skip_from: Index of the encoder stage whose maps it receives through a skip connection, or ``None``.
        indices_from: Index of the encoder stage from which it has the places of the maxima, for unpooling, or ``None``.
    """

    map_size: int
    is_decoder: bool
    layer_stats: tuple[LayerStats, ...]
    skip_from: int | None
    indices_from: int | None

    @property
    def filters(self) -> int:
        """Channels of its last feature maps, before those of the classes."""
        hidden = [stats.filters for stats in self.layer_stats if stats.layer.name != OUTPUT_LAYER]
        return hidden[-1] if hidden else self.layer_stats[-1].filters

    @property
    def parameters(self) -> int:
        """Number of parameters."""
        return sum(stats.parameters for stats in self.layer_stats)

    @property
    def multiply_adds(self) -> int:
        """Multiply-adds for one image."""
        return sum(stats.multiply_adds for stats in self.layer_stats)

    @property
    def sees_whole_image(self) -> bool:
        """Whether a pixel of its maps can depend on the whole image, whatever its size."""
        return math.isinf(self.receptive_field)

    @property
    def receptive_field(self) -> float:
        """Largest receptive field of its layers, in pixels of the image; infinite if it is the whole image."""
        return max(stats.receptive_field for stats in self.layer_stats)


def list_stages(name: str, *, base_filters: int, input_size: int) -> tuple[Stage, ...]:
    """Return the stages of a network.

    Args:
        name: A network.
        base_filters: Filters of its first stage.
        input_size: Side of the image in pixels, a multiple of the network's ``size_multiple``.

    Raises:
        ConfigError: If there is no such network.
    """
    network = get_spec(name).structure
    stage_layers = _group_by_resolution(network)
    stage_of = {layer.name: index for index, layers in enumerate(stage_layers) for layer in layers}
    smallest_stage = max(range(len(stage_layers)), key=lambda index: stage_layers[index][0].downsampling)
    receptive_fields = _compute_receptive_fields(name)
    return tuple(
        Stage(
            map_size=input_size // layers[0].downsampling,
            is_decoder=index > smallest_stage,
            layer_stats=_compute_layer_stats(network, layers, receptive_fields, base_filters, input_size),
            skip_from=_find_source(network, layers, stage_of, unpools=False),
            indices_from=_find_source(network, layers, stage_of, unpools=True),
        )
        for index, layers in enumerate(stage_layers)
    )


def _order_by_resolution(network: NetworkStructure) -> list[Layer]:
    """Return the layers in an order in which they can be computed and the resolution changes as rarely as possible.

    From the last to the first, each as late as it can be: maps that the encoder passes on belong to the encoder, and
    what is done with them alone belongs to the decoder.
    """
    waiting = {layer.name: 0 for layer in network.layers}
    for layer in network.layers:
        for source in layer.inputs:
            waiting[source] += 1
    ready = [layer for layer in network.layers if not waiting[layer.name]]
    positions = {layer.name: position for position, layer in enumerate(network.layers)}
    ordered: list[Layer] = []
    while ready:
        downsampling = ordered[-1].downsampling if ordered else 1
        layer = max(ready, key=lambda x: (x.downsampling == downsampling, positions[x.name]))
        ready.remove(layer)
        ordered.append(layer)
        for source in layer.inputs:
            waiting[source] -= 1
            if not waiting[source]:
                ready.append(network.by_name[source])
    return ordered[::-1]


def _group_by_resolution(network: NetworkStructure) -> list[list[Layer]]:
    groups: list[list[Layer]] = []
    for layer in _order_by_resolution(network):
        if not groups or groups[-1][0].downsampling != layer.downsampling:
            groups.append([])
        groups[-1].append(layer)
    return groups


def _find_source(
    network: NetworkStructure, layers: list[Layer], stage_of: dict[str, int], *, unpools: bool
) -> int | None:
    """Return the index of the earliest other stage of the same resolution whose maps are used here, or unpooled to."""
    stage = stage_of[layers[0].name]
    sources = {
        stage_of[source]
        for layer in layers
        if (layer.kind == structure.UNPOOLING) == unpools
        for source in layer.inputs
        if stage_of[source] != stage and network.by_name[source].downsampling == layer.downsampling
    }
    return min(sources, default=None)


def _compute_layer_stats(
    network: NetworkStructure,
    layers: list[Layer],
    receptive_fields: dict[str, float],
    base_filters: int,
    input_size: int,
) -> tuple[LayerStats, ...]:
    # A normalisation before the first listed layer counts towards that one.
    groups: list[list[Layer]] = [[]]
    for layer in layers:
        if layer.kind not in UNLISTED_KINDS and any(x.kind not in UNLISTED_KINDS for x in groups[-1]):
            groups.append([])
        groups[-1].append(layer)
    result = []
    for group in groups:
        layer = next((x for x in group if x.kind not in UNLISTED_KINDS), group[-1])
        result.append(
            LayerStats(
                layer,
                layer.count_filters(base_filters),
                sum(evaluate_polynomial(x.parameters, base_filters) for x in group),
                sum(network.count_layer_multiply_adds(x, base_filters, input_size) for x in group),
                receptive_fields[layer.name],
            )
        )
    return tuple(result)


@lru_cache
def _compute_receptive_fields(name: str) -> dict[str, float]:
    """Return the receptive field of every layer in pixels of the image.

    A layer's pixels lie ``downsampling`` pixels of the image apart, so a kernel of k adds (k − 1) times that of its
    input. Upsampling does not enlarge the receptive field.
    """
    network = get_spec(name).structure
    receptive_fields: dict[str, float] = {}
    for layer in network.layers:
        input_field = max((receptive_fields[input_name] for input_name in layer.inputs), default=1)
        spacing = max((network.by_name[input_name].downsampling for input_name in layer.inputs), default=1)
        receptive_fields[layer.name] = input_field + _count_extra_pixels(layer) * spacing
    return receptive_fields


def _count_extra_pixels(layer: Layer) -> float:
    """Return how many pixels of its input, beside one, a pixel of a layer's output depends on along a side."""
    match layer.kind:
        case structure.CONVOLUTION if layer.factor > 1:
            # The pixels were repeated first: the kernel covers fewer different ones.
            return 2 * math.ceil((layer.kernel_size // 2) / layer.factor)
        case structure.CONVOLUTION | structure.DEPTHWISE_CONVOLUTION | structure.OTHER:
            return (layer.kernel_size - 1) * layer.dilation
        case structure.POOLING | structure.PATCHES:
            return layer.factor - 1
        case structure.BILINEAR_UPSAMPLING:
            return 1
        case structure.VERTICAL_SWEEP | structure.HORIZONTAL_SWEEP | structure.IMAGE_AVERAGE:
            return math.inf
        case structure.TRANSPOSED_CONVOLUTION:
            return math.ceil(layer.kernel_size / layer.factor) - 1
        case _:
            return 0
