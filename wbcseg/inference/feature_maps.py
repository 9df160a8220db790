"""Compute the feature maps of a network's stages for an image.

The folder of a training run has the trainable weights, from which the maps are computed in NumPy. Models that come with
the program have only the exported model, whose 8-bit maps are read from LiteRT; they differ by rounding.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import zip_longest
from pathlib import Path
from typing import Final

import numpy as np
from ai_edge_litert.interpreter import OpResolverType
from numpy.typing import NDArray

from wbcseg.errors import ErrorCode, ModelError
from wbcseg.interpreters import open_interpreter
from wbcseg.models import get_spec
from wbcseg.models.card import ModelCard
from wbcseg.models.forward import forward
from wbcseg.models.graph import OUTPUT_LAYER, Stage, list_layers, list_stages
from wbcseg.models.structure import ACTIVATION, NORMALISATION
from wbcseg.models.weights import check_network, read_weights
from wbcseg.transforms.padding import pad_to_square

_MOVING_OPERATIONS: Final = ("CONCATENATION", "DELEGATE", "PAD", "SPLIT", "STRIDED_SLICE")


@dataclass(frozen=True, eq=False)
class StageMaps:
    """The feature maps of one stage.

    Attributes:
        stage: The stage.
        maps: ``float32[S, S, C]``, the output of its last layer.
    """

    stage: Stage
    maps: NDArray[np.float32] = field(repr=False)

    def select_strongest(self, count: int) -> NDArray[np.float32]:
        """Return the maps that vary most over the image, ``float32[count, S, S]``, the strongest first."""
        order = np.argsort(-self.maps.reshape(-1, self.maps.shape[-1]).std(axis=0), kind="stable")[:count]
        return np.ascontiguousarray(np.moveaxis(self.maps[..., order], -1, 0))


def compute_feature_maps(folder: Path, card: ModelCard, image: NDArray[np.uint8]) -> list[StageMaps]:
    """Return the feature maps of every stage of a model for a crop.

    Args:
        folder: The model's folder.
        card: Its card.
        image: ``uint8[H, W, 3]``, which is padded to the model's input size.

    Raises:
        ModelError: If the weights cannot be read, or memory does not suffice.
        ChecksumError: If the weights differ from what the card records.
        WeightsError: If they belong to another network, or have other base filters, than the card says.
    """
    role = "weights" if (folder / card.files["weights"].name).exists() else "model"
    record = card.files[role]
    try:
        data = (folder / record.name).read_bytes()
        record.check(data, folder)
        padded, _ = pad_to_square(image, card.input_size)
        network_input = padded.astype(np.float32) / np.float32(255.0)
        all_stages = list_stages(card.architecture, base_filters=card.base_filters, input_size=card.input_size)
        if role == "weights":
            maps = _compute_from_weights(folder / record.name, card, all_stages, network_input)
        elif not get_spec(card.architecture).has_readable_export:
            raise ModelError(
                f"Feature maps of model {folder.name} are computed from its trainable weights, which it lacks.",
                file=folder.name,
                code=ErrorCode.INCOMPATIBLE,
            )
        else:
            maps = _read_from_exported(data, folder.name, all_stages, network_input)
    except OSError as error:
        reason = error.strerror or error
        raise ModelError(f"File {record.name} of model {folder.name} could not be read: {reason}") from None
    except MemoryError:
        raise ModelError(
            f"There was not enough memory for the feature maps of model {folder.name}.",
            code=ErrorCode.OUT_OF_MEMORY,
            hint="Close other programs and try again.",
        ) from None
    return [StageMaps(stage, stage_maps) for stage, stage_maps in zip(all_stages, maps, strict=True)]


def _compute_from_weights(
    path: Path, card: ModelCard, stages: Sequence[Stage], image: NDArray[np.float32]
) -> list[NDArray[np.float32]]:
    """Compute the last maps of every stage in NumPy."""
    weights = read_weights(path)
    check_network(weights, card.architecture, card.base_filters)
    last_layers = [get_last_layer(card.architecture, stage) for stage in stages]
    maps = {
        layer.name: output
        for layer, output in forward(card.architecture, weights.arrays, image)
        if layer.name in last_layers
    }
    return [maps[name] for name in last_layers]


def _read_from_exported(
    data: bytes, name: str, stages: Sequence[Stage], image: NDArray[np.float32]
) -> list[NDArray[np.float32]]:
    """Run an exported model and read the last maps of every stage.

    A stage ends where the size of the maps changes. Its last maps are the last of its size and number of channels that
    an operation computes; those that only put values together for the next one do not count.
    """
    # XNNPACK would compute several operations at once and keep nothing between them.
    interpreter = open_interpreter(
        data,
        experimental_op_resolver_type=OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES,
        experimental_preserve_all_tensors=True,
    )
    interpreter.resize_tensor_input(interpreter.get_input_details()[0]["index"], (1, *image.shape))
    interpreter.allocate_tensors()
    interpreter.set_tensor(interpreter.get_input_details()[0]["index"], image[None])
    interpreter.invoke()
    tensors = {details["index"]: details for details in interpreter.get_tensor_details()}
    # LiteRT has no public function that lists the operations in their order.
    computed = [
        tensors[index]
        for operation in interpreter._get_ops_details()
        if operation["op_name"] not in _MOVING_OPERATIONS
        for index in operation["outputs"]
        if index in tensors
    ]
    maps: list[NDArray[np.float32]] = []
    position = 0
    for stage, next_stage in zip_longest(stages, stages[1:]):
        shape = (1, stage.map_size, stage.map_size, stage.filters)
        last = None
        while position < len(computed):
            found = tuple(map(int, computed[position]["shape"]))
            if last is not None and next_stage is not None and found[1:3] == (next_stage.map_size,) * 2:
                break
            last = computed[position] if found == shape else last
            position += 1
        if last is None:
            raise ModelError(
                f"Feature maps of model {name} cannot be shown: its file has no maps of {shape[1]}×{shape[2]} pixels "
                f"and {shape[3]} channels, as its network should.",
                file=name,
                code=ErrorCode.INCOMPATIBLE,
            )
        values = interpreter.get_tensor(last["index"])[0].astype(np.float32)
        scale, zero = last["quantization"]
        maps.append((values - np.float32(zero)) * np.float32(scale) if scale else values)
    return maps


def get_last_layer(architecture: str, stage: Stage) -> str:
    """Return the name of a stage's last layer; normalisation and activation belong to the layer before them."""
    all_layers = list_layers(architecture)
    last = next((s for s in reversed(stage.layer_stats) if s.layer.name != OUTPUT_LAYER), stage.layer_stats[-1])
    index = all_layers.index(last.layer)
    while all_layers[index + 1].kind in (NORMALISATION, ACTIVATION):
        index += 1
    return all_layers[index].name
