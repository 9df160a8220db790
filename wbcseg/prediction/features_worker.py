"""The process that looks into a model: a folder as its argument, a canvas on stdin, every stage's maps on stdout.

A process of its own, as a network of which every result is kept needs several times the memory of one that predicts.
"""

from __future__ import annotations

import re
import sys
import warnings
from pathlib import Path
from typing import Final

import numpy as np
from ai_edge_litert.interpreter import Interpreter
from numpy.typing import NDArray
from safetensors.numpy import load, save

from wbcseg.architectures.structure import stages
from wbcseg.cards import ModelCard
from wbcseg.errors import ModelError, WbcsegError

REFUSED: Final = 3
"""Exit code where the last line on stderr is a sentence for the reader."""

_HELPERS: Final = re.compile(r"strided_slice|split|/Pad|/concat|Conv2D|DepthToSpace|scores")
"""Parts of names of results that are steps on the way, and no layer's output."""


def compute(folder: Path, canvas: NDArray[np.uint8]) -> list[NDArray[np.float32]]:
    """Return the output of the last layer of every stage, ``float32[S, S, C]`` each.

    Args:
        folder: The model's folder.
        canvas: ``uint8[S, S, 3]``.

    Raises:
        ModelError: If the model's files cannot be used, or do not have the stages of its network.
        ChecksumError: If its network is not the one that the card describes.
    """
    card = ModelCard.read(folder)
    record = card.files["model"]
    try:
        data = (folder / record.name).read_bytes()
    except OSError as error:
        raise ModelError(f"File {record.name} of model {folder.name} cannot be read: {error.strerror}") from None
    record.check(data, folder)
    try:
        with warnings.catch_warnings(category=UserWarning, action="ignore"):  # that this takes memory
            interpreter = Interpreter(model_content=data, num_threads=1, experimental_preserve_all_tensors=True)
        place = interpreter.get_input_details()[0]["index"]
        interpreter.resize_tensor_input(place, (1, *canvas.shape))
        interpreter.allocate_tensors()
        interpreter.set_tensor(place, canvas[None].astype(np.float32) / np.float32(255.0))
        interpreter.invoke()
    except (ValueError, RuntimeError) as error:
        raise ModelError(f"Model {folder.name} cannot be looked into: {error}") from None
    known = stages(card.architecture, width=card.width, side=canvas.shape[0])
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
    return [interpreter.get_tensor(index)[0] for index in found]


def main() -> int:
    """Answer one request. Return the exit code."""
    canvas = load(sys.stdin.buffer.read())["picture"]
    try:
        maps = compute(Path(sys.argv[1]), canvas)
    except WbcsegError as error:
        sys.stderr.write(f"{error}\n")
        return REFUSED
    sys.stdout.buffer.write(save({f"{number:02}": one for number, one in enumerate(maps)}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
