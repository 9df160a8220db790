"""How the networks are built, layer by layer and stage by stage, without building them.

``structure.json`` beside this module was written from the Keras models by ``python -m benchmarks.structure``; a test
compares the two.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Final

from wbcseg.models import get_spec

STRUCTURE_FILE: Final = Path(__file__).with_name("networks.json")

CONVOLUTION: Final = "convolution"
TRANSPOSED_CONVOLUTION: Final = "transposed convolution"
POOLING: Final = "pooling"
UPSAMPLING: Final = "upsampling"
DENSE: Final = "dense"
CONCAT: Final = "joining"
OUTPUT_LAYER: Final = "scores"
"""Name of the last convolution, with one channel a class."""
OTHER_KINDS: Final = ("normalisation", "activation", "dropout", "input")


@dataclass(frozen=True)
class Layer:
    """One layer of a network.

    Attributes:
        name: Its name in the Keras model.
        kind: One of the constants above, or of :data:`OTHER_KINDS`.
        inputs: Names of the layers that it sees.
        kernel_size: Side of its kernel in pixels; 1 where it has none.
        factor: By how much it enlarges the picture (upsampling, transposed) or shrinks it (pooling); 1 otherwise.
        channel_coefficients: Channels of its output are ``channels[0]`` times the width, plus ``channels[1]``.
        downsampling: Its output has the picture's side divided by this.
        relu: Whether negative values become 0 behind it.
    """

    name: str
    kind: str
    inputs: tuple[str, ...]
    kernel_size: int
    factor: int
    channel_coefficients: tuple[int, int]
    downsampling: int
    relu: bool = False

    def count_filters(self, base_filters: int) -> int:
        """Return its channels at a width."""
        return self.channel_coefficients[0] * base_filters + self.channel_coefficients[1]


@lru_cache
def list_layers(name: str) -> tuple[Layer, ...]:
    """Return the layers of a network in order.

    Raises:
        ConfigError: If there is no such network.
    """
    get_spec(name)
    rows = json.loads(STRUCTURE_FILE.read_text(encoding="utf-8"))[name]
    return tuple(Layer(**{**row, "inputs": tuple(row["inputs"]), "channels": tuple(row["channels"])}) for row in rows)


@dataclass(frozen=True)
class LayerStats:
    """A layer of a stage with its numbers at one width and side.

    Attributes:
        layer: The layer.
        filters: Channels of its output.
        parameters: Numbers that it holds, those of the normalisation behind it included.
        multiply_adds: For one picture, counted at every position of its output as the network is defined.
        receptive_field: Side in pixels of the square of the picture that one of its output's pixels can depend on.
    """

    layer: Layer
    filters: int
    parameters: int
    multiply_adds: int
    receptive_field: int


@dataclass(frozen=True)
class Stage:
    """The layers between two changes of the picture's side.

    Attributes:
        map_size: Side of its maps in pixels.
        is_decoder: Whether it comes after the smallest maps.
        layer_stats: Its layers that compute: convolutions, dense layers, pooling, upsampling, joining.
        skip_from: Number of the encoder's stage whose maps it sees beside its own, from 0, or ``None``.
    """

    map_size: int
    is_decoder: bool
    layer_stats: tuple[LayerStats, ...]
    skip_from: int | None

    @property
    def filters(self) -> int:
        """Channels of its last maps, before those of the classes."""
        return next(stats.filters for stats in reversed(self.layer_stats) if stats.layer.name != OUTPUT_LAYER)

    @property
    def parameters(self) -> int:
        """Numbers that it holds."""
        return sum(stats.parameters for stats in self.layer_stats)

    @property
    def multiply_adds(self) -> int:
        """Multiplications followed by an addition, for one picture."""
        return sum(stats.multiply_adds for stats in self.layer_stats)

    @property
    def receptive_field(self) -> int:
        """Greatest receptive field in it, in pixels of the picture."""
        return max(stats.receptive_field for stats in self.layer_stats)


def list_stages(name: str, *, base_filters: int, input_size: int) -> tuple[Stage, ...]:
    """Return the stages of a network.

    Args:
        name: A network.
        base_filters: Filters of its first stage.
        input_size: Side of the picture in pixels, a multiple of 24.

    Raises:
        ConfigError: If there is no such network.
    """
    by_name = {layer.name: layer for layer in list_layers(name)}
    receptive_fields = _compute_receptive_fields(name)
    max_downsampling = max(layer.downsampling for layer in by_name.values())
    result: list[Stage] = []
    layer_stats: list[LayerStats] = []
    stage_of: dict[str, int] = {}
    skip_from: int | None = None
    downsampling, is_decoder, past_bottleneck = 1, False, False
    normalised_layers = _find_normalised_layers(name)

    def finish_stage() -> None:
        nonlocal layer_stats, skip_from
        if layer_stats:
            result.append(Stage(input_size // downsampling, is_decoder, tuple(layer_stats), skip_from))
        layer_stats, skip_from = [], None

    for layer in by_name.values():
        if layer.downsampling != downsampling:
            finish_stage()
            is_decoder = past_bottleneck
            downsampling = layer.downsampling
        past_bottleneck = past_bottleneck or layer.downsampling == max_downsampling
        stage_of[layer.name] = len(result)
        if layer.kind in OTHER_KINDS:
            continue
        if layer.kind == CONCAT:
            skip_from = min(stage_of[input_name] for input_name in layer.inputs)
        layer_stats.append(
            _compute_layer_stats(
                layer, by_name, base_filters, input_size, receptive_fields[layer.name], layer.name in normalised_layers
            )
        )
    finish_stage()
    return tuple(result)


def _compute_layer_stats(
    layer: Layer,
    by_name: dict[str, Layer],
    base_filters: int,
    input_size: int,
    receptive_field: int,
    is_normalised: bool,
) -> LayerStats:
    filters = layer.count_filters(base_filters)
    parameters = multiply_adds = 0
    if layer.kind in (CONVOLUTION, TRANSPOSED_CONVOLUTION, DENSE):
        input_filters = by_name[layer.inputs[0]].count_filters(base_filters)
        weights = layer.kernel_size**2 * input_filters * filters
        parameters = weights + filters + (4 * filters if is_normalised else 0)
        positions = (input_size // layer.downsampling) ** 2
        # A transposed convolution applies its kernel at the positions of its input.
        multiply_adds = weights * (positions // layer.factor**2 if layer.kind == TRANSPOSED_CONVOLUTION else positions)
    return LayerStats(layer, filters, parameters, multiply_adds, receptive_field)


def _find_normalised_layers(name: str) -> set[str]:
    return {layer.inputs[0] for layer in list_layers(name) if layer.kind == "normalisation"}


@lru_cache
def _compute_receptive_fields(name: str) -> dict[str, int]:
    """Return the receptive field of every layer in pixels of the picture.

    Every layer's pixels lie ``divisor`` pixels of the picture apart, so a kernel of k adds (k − 1) times that of its
    input. What is enlarged sees no more than before.
    """
    by_name = {layer.name: layer for layer in list_layers(name)}
    receptive_fields: dict[str, int] = {}
    for layer in by_name.values():
        input_field = max((receptive_fields[input_name] for input_name in layer.inputs), default=1)
        input_downsampling = max((by_name[input_name].downsampling for input_name in layer.inputs), default=1)
        if layer.kind == CONVOLUTION and layer.factor > 1:
            # The pixels were repeated first: the kernel meets fewer different ones.
            half_width = math.ceil((layer.kernel_size // 2) / layer.factor)
            receptive_fields[layer.name] = input_field + 2 * half_width * input_downsampling
        elif layer.kind in (CONVOLUTION, POOLING):
            window_size = layer.kernel_size if layer.kind == CONVOLUTION else layer.factor
            receptive_fields[layer.name] = input_field + (window_size - 1) * input_downsampling
        elif layer.kind == TRANSPOSED_CONVOLUTION:
            receptive_fields[layer.name] = (
                input_field + (math.ceil(layer.kernel_size / layer.factor) - 1) * input_downsampling
            )
        else:
            receptive_fields[layer.name] = input_field
    return receptive_fields
