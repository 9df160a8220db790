"""A trained network on LiteRT."""

from __future__ import annotations

import os
import threading
from typing import Final

import numpy as np
from ai_edge_litert.interpreter import Interpreter
from numpy.typing import NDArray

from wbcseg.classes import CLASSES
from wbcseg.errors import ModelError

THREADS: Final = min(4, os.cpu_count() or 1)


class Network:
    """A network that turns one picture into class probabilities.

    It may be used by several threads; they take turns.

    Args:
        data: The content of a LiteRT file.
        name: What messages call it.
        threads: How many processor threads to compute with.

    Raises:
        ModelError: If it is no LiteRT model from ``float32[1, H, W, 3]`` to one channel a class.
    """

    def __init__(self, data: bytes, *, name: str, threads: int = THREADS) -> None:
        try:
            self._interpreter = Interpreter(model_content=data, num_threads=threads)
            inputs, outputs = self._interpreter.get_input_details(), self._interpreter.get_output_details()
        except (ValueError, RuntimeError) as error:
            raise ModelError(f"Model {name} cannot be loaded by LiteRT: {error}") from None
        channels = len(CLASSES)
        facts = [(tuple(map(int, d["shape_signature"])), d["dtype"]) for d in (*inputs, *outputs)]
        if len(facts) != 2 or any(
            len(shape) != 4 or shape[0] not in (1, -1) or dtype is not np.float32 for shape, dtype in facts
        ):
            raise ModelError(f"Model {name} must take and give one float32 picture [1, H, W, C]. Received: {facts}")
        if facts[0][0][3] != 3 or facts[1][0][3] != channels:
            raise ModelError(
                f"Model {name} must turn 3 colours into {channels} classes. "
                f"Received: {facts[0][0][3]} colours, {facts[1][0][3]} classes"
            )
        self._input, self._output = inputs[0]["index"], outputs[0]["index"]
        self._shape: tuple[int, ...] | None = None
        self._lock = threading.Lock()

    def __call__(self, picture: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the class probabilities of one picture.

        Args:
            picture: ``float32[H, W, 3]`` in 0 to 1, H and W multiples of 24.

        Returns:
            ``float32[H, W, 3]``.
        """
        with self._lock:
            if picture.shape != self._shape:
                self._interpreter.resize_tensor_input(self._input, (1, *picture.shape))
                self._interpreter.allocate_tensors()
                self._shape = picture.shape
            self._interpreter.set_tensor(self._input, picture[None])
            self._interpreter.invoke()
            probabilities: NDArray[np.float32] = self._interpreter.get_tensor(self._output)[0]
        return probabilities
