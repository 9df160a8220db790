"""Run one of the detector's networks with LiteRT."""

from __future__ import annotations

import threading
from typing import Final

import numpy as np
from ai_edge_litert.interpreter import Interpreter
from numpy.typing import NDArray

from wbcseg.inference.loaded_networks import DETECTORS
from wbcseg.interpreters import open_interpreter
from wbcseg.turns import pause

MAX_INTERPRETERS: Final = 6
"""Maximum number of input shapes for which memory stays allocated."""


class LiteRTNetwork:
    """A network with one input and two outputs, of any batch size. Threads may share it.

    Every input shape has its own interpreter, so that nothing is allocated anew from level to level and from image to
    image.

    Args:
        data: Content of a LiteRT file.
        threads: Number of processor threads.

    Attributes:
        last_used: When it was used last, in seconds of ``time.monotonic``.

    Raises:
        ValueError: If it is not a LiteRT model from ``float32[N, H, W, 3]`` to two outputs.
    """

    def __init__(self, data: bytes, *, threads: int) -> None:
        self._data, self._threads = data, threads
        self._interpreters: dict[tuple[int, ...], Interpreter] = {}
        self._lock = threading.Lock()
        self.last_used = 0.0
        interpreter = open_interpreter(data, num_threads=threads)
        inputs, outputs = interpreter.get_input_details(), interpreter.get_output_details()
        signature = tuple(int(size) for size in inputs[0]["shape_signature"])
        if len(inputs) != 1 or len(outputs) != 2 or len(signature) != 4 or signature[3] != 3:
            raise ValueError(f"a network must have one input [N, H, W, 3] and two outputs, not {signature}")
        self.input_shape: Final = signature
        self._input = inputs[0]["index"]
        # The output with one channel, the logit, comes first.
        outputs = sorted(outputs, key=lambda details: int(details["shape_signature"][-1]))
        self._outputs = [details["index"] for details in outputs]

    def __call__(self, batch: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Return the two outputs, the one with a single channel first.

        Args:
            batch: ``float32[N, H, W, 3]``.
        """
        pause()
        with self._lock:
            DETECTORS.touch(self)
            interpreter = self._get_interpreter(batch.shape)
            interpreter.set_tensor(self._input, batch)
            interpreter.invoke()
            logits, geometry = (interpreter.get_tensor(index) for index in self._outputs)
        return logits, geometry

    def unload(self) -> bool:
        """Free the memory unless the network is busy, and return whether it did. It is loaded again when used."""
        if not self._lock.acquire(blocking=False):
            return False
        try:
            self._interpreters.clear()
        finally:
            self._lock.release()
        return True

    def _get_interpreter(self, shape: tuple[int, ...]) -> Interpreter:
        interpreter = self._interpreters.pop(shape, None)
        if interpreter is None:
            interpreter = open_interpreter(self._data, num_threads=self._threads)
            interpreter.resize_tensor_input(self._input, shape)
            interpreter.allocate_tensors()
        # The least recently used one comes first.
        self._interpreters[shape] = interpreter
        if len(self._interpreters) > MAX_INTERPRETERS:
            self._interpreters.pop(next(iter(self._interpreters)))
        return interpreter
