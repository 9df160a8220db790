"""What the stages of a network see of a picture: their feature maps, from LiteRT, without TensorFlow."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import numpy as np
from ai_edge_litert.interpreter import Interpreter
from numpy.typing import NDArray

from wbcseg.architectures.structure import StageView, stages
from wbcseg.cards import ModelCard
from wbcseg.errors import ModelError
from wbcseg.preparation.canvas import image_on_canvas

_HELPERS: Final = re.compile(r"strided_slice|split|/Pad|/concat|Conv2D|DepthToSpace|scores")
"""Parts of names of results that are steps on the way, and no layer's output."""


@dataclass(frozen=True, eq=False)
class StageMaps:
    """What one stage sees.

    Attributes:
        stage: The stage.
        maps: ``float32[S, S, C]``, the output of its last layer.
    """

    stage: StageView
    maps: NDArray[np.float32] = field(repr=False)

    def strongest(self, count: int) -> NDArray[np.float32]:
        """Return the maps that vary most over the picture, ``float32[count, S, S]``, the strongest first."""
        order = np.argsort(-self.maps.reshape(-1, self.maps.shape[-1]).std(axis=0), kind="stable")[:count]
        return np.ascontiguousarray(np.moveaxis(self.maps[..., order], -1, 0))


def feature_maps(folder: Path, card: ModelCard, image: NDArray[np.uint8]) -> list[StageMaps]:
    """Return what every stage of a model sees of a crop.

    Args:
        folder: The model's folder.
        card: Its card.
        image: ``uint8[H, W, 3]``, laid on the square that the model was trained on.

    Raises:
        ModelError: If its file cannot be used, or does not have the stages of its network.
        ChecksumError: If its file is not the one that the card describes.
    """
    record = card.files["model"]
    try:
        data = (folder / record.name).read_bytes()
    except OSError as error:
        raise ModelError(f"File {record.name} of model {folder.name} cannot be read: {error.strerror}") from None
    record.check(data, folder)
    canvas, _ = image_on_canvas(image, card.canvas)
    try:
        # An interpreter of its own: one that keeps every result is slower and takes more memory.
        interpreter = Interpreter(model_content=data, num_threads=1, experimental_preserve_all_tensors=True)
        place = interpreter.get_input_details()[0]["index"]
        interpreter.resize_tensor_input(place, (1, *canvas.shape))
        interpreter.allocate_tensors()
        interpreter.set_tensor(place, canvas[None].astype(np.float32) / np.float32(255.0))
        interpreter.invoke()
    except (ValueError, RuntimeError) as error:
        raise ModelError(f"Model {folder.name} cannot be looked into: {error}") from None
    known = stages(card.architecture, width=card.width, side=card.canvas)
    found: list[int | None] = [None] * len(known)
    at = 0
    for one in interpreter.get_tensor_details():
        shape = tuple(int(n) for n in one["shape"])
        if len(shape) != 4 or shape[1] != shape[2] or one["index"] == place or _HELPERS.search(one["name"]):
            continue
        if shape[1] != known[at].side and at + 1 < len(known) and shape[1] == known[at + 1].side:
            at += 1
        if shape[1] == known[at].side and shape[3] == known[at].filters:
            found[at] = one["index"]
    if None in found:
        raise ModelError(f"Model {folder.name} does not have the stages of its network, {card.architecture}.")
    return [StageMaps(stage, interpreter.get_tensor(index)[0]) for stage, index in zip(known, found, strict=True)]
