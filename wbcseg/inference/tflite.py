"""Run a trained network with LiteRT."""

from __future__ import annotations

import os
import threading
from typing import Final

import numpy as np
from ai_edge_litert.interpreter import Interpreter
from numpy.typing import NDArray

from wbcseg.errors import ErrorCode, ModelError
from wbcseg.inference.loaded_networks import SEGMENTERS
from wbcseg.interpreters import open_interpreter
from wbcseg.labels import CLASSES
from wbcseg.turns import pause

MAX_THREADS: Final = min(4, os.cpu_count() or 1)


def _build_run_error(name: str) -> ModelError:
    reason = "The model cannot be run: its graph is damaged."
    return ModelError(f"Model {name} cannot be run: its graph is damaged.", reason=reason, code=ErrorCode.DAMAGED)


class TFLiteModel:
    """A network that predicts the class probabilities of one image.

    Threads may share it; they take turns.

    Args:
        data: Content of a LiteRT file.
        name: The model's name in messages.
        threads: Number of processor threads.

    Attributes:
        last_used: When it was used last, in seconds of ``time.monotonic``.

    Raises:
        ModelError: If it is not a LiteRT model from ``float32[1, H, W, 3]`` to one channel per class.
    """

    def __init__(self, data: bytes, *, name: str, threads: int = MAX_THREADS) -> None:
        self._data, self._threads, self._name = data, threads, name
        self._interpreter: Interpreter | None = None
        self._shape: tuple[int, ...] | None = None
        self._lock = threading.Lock()
        self.last_used = 0.0
        try:
            interpreter = self._load_interpreter()
        except (ValueError, RuntimeError) as error:
            raise ModelError(
                f"Model {name} could not be loaded by LiteRT: {error}",
                file=name,
                reason="The model could not be loaded by LiteRT.",
                code=ErrorCode.DAMAGED,
            ) from None
        inputs, outputs = interpreter.get_input_details(), interpreter.get_output_details()
        channels = len(CLASSES)
        signatures = [
            (tuple(map(int, details["shape_signature"])), details["dtype"]) for details in (*inputs, *outputs)
        ]
        if len(signatures) != 2 or any(
            len(shape) != 4 or shape[0] not in (1, -1) or dtype is not np.float32 for shape, dtype in signatures
        ):
            raise ModelError(
                f"Model {name} must have one float32 input and output [1, H, W, C]. Received: {signatures}",
                file=name,
                reason="The model must have one float32 input and output [1, H, W, C].",
                code=ErrorCode.INCOMPATIBLE,
            )
        if signatures[0][0][3] != 3 or signatures[1][0][3] != channels:
            raise ModelError(
                f"Model {name} must map 3 colours to {channels} classes. "
                f"Received: {signatures[0][0][3]} colours, {signatures[1][0][3]} classes",
                file=name,
                reason=f"The model must map 3 colours to {channels} classes.",
                code=ErrorCode.INCOMPATIBLE,
            )
        self._input, self._output = inputs[0]["index"], outputs[0]["index"]

    def __call__(self, image: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the class probabilities of one image.

        Args:
            image: ``float32[H, W, 3]`` in 0 to 1, H and W multiples of 24.

        Returns:
            ``float32[H, W, 3]``.
        """
        probabilities: NDArray[np.float32] = self.predict_batch(image[None])[0]
        return probabilities

    def predict_batch(self, images: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the class probabilities of several images of one size, ``float32[N, H, W, 3]``.

        Raises:
            ModelError: If the network cannot be run.
        """
        pause()
        with self._lock:
            interpreter = self._load_interpreter()
            try:
                if images.shape != self._shape:
                    interpreter.resize_tensor_input(self._input, images.shape)
                    interpreter.allocate_tensors()
                    self._shape = images.shape
                interpreter.set_tensor(self._input, images)
                interpreter.invoke()
                probabilities: NDArray[np.float32] = interpreter.get_tensor(self._output)
            except (RuntimeError, ValueError):
                self._interpreter, self._shape = None, None
                raise _build_run_error(self._name) from None
        if probabilities.shape != (*images.shape[:3], len(CLASSES)):
            raise _build_run_error(self._name)
        return probabilities

    def unload(self) -> bool:
        """Free the memory unless the network is busy, and return whether it did. It is loaded again when used."""
        if not self._lock.acquire(blocking=False):
            return False
        try:
            self._interpreter, self._shape = None, None
        finally:
            self._lock.release()
        return True

    def _load_interpreter(self) -> Interpreter:
        SEGMENTERS.touch(self)
        if self._interpreter is None:
            self._interpreter = open_interpreter(self._data, num_threads=self._threads)
        return self._interpreter
