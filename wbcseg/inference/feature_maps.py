"""Compute the feature maps of a network's stages for an image."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from wbcseg.errors import ErrorCode, ModelError
from wbcseg.models.card import ModelCard
from wbcseg.models.forward import forward
from wbcseg.models.graph import OUTPUT_LAYER, Stage, list_layers, list_stages
from wbcseg.models.structure import ACTIVATION, NORMALISATION
from wbcseg.models.weights import check_network, read_weights
from wbcseg.transforms.padding import pad_to_square


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
    record = card.files["weights"]
    path = folder / record.name
    try:
        record.check(path.read_bytes(), folder)
        weights = read_weights(path)
        check_network(weights, card.architecture, card.base_filters)
        padded, _ = pad_to_square(image, card.input_size)
        network_input = padded.astype(np.float32) / np.float32(255.0)
        all_stages = list_stages(card.architecture, base_filters=card.base_filters, input_size=card.input_size)
        last_layers = [get_last_layer(card.architecture, stage) for stage in all_stages]
        maps = {
            layer.name: output
            for layer, output in forward(card.architecture, weights.arrays, network_input)
            if layer.name in last_layers
        }
    except OSError as error:
        reason = error.strerror or error
        raise ModelError(f"File {record.name} of model {folder.name} could not be read: {reason}") from None
    except MemoryError:
        raise ModelError(
            f"There was not enough memory for the feature maps of model {folder.name}.",
            code=ErrorCode.OUT_OF_MEMORY,
            hint="Close other programs and try again.",
        ) from None
    return [StageMaps(stage, maps[name]) for stage, name in zip(all_stages, last_layers, strict=True)]


def get_last_layer(architecture: str, stage: Stage) -> str:
    """Return the name of a stage's last layer; normalisation and activation belong to the layer before them."""
    all_layers = list_layers(architecture)
    last = next((s for s in reversed(stage.layer_stats) if s.layer.name != OUTPUT_LAYER), stage.layer_stats[-1])
    index = all_layers.index(last.layer)
    while all_layers[index + 1].kind in (NORMALISATION, ACTIVATION):
        index += 1
    return all_layers[index].name
