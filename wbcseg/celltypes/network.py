"""Run the network of the type model with LiteRT."""

from __future__ import annotations

import threading
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from wbcseg.celltypes.crops import NETWORK_SIDE, TypeCrop
from wbcseg.celltypes.measure import SHAPE_FEATURES
from wbcseg.celltypes.names import SUBTYPES
from wbcseg.inference.detection.background import normalise
from wbcseg.interpreters import open_interpreter
from wbcseg.labels import NUCLEUS

LOOKS: Final = 4
"""The cell is looked at in this many orientations, and the logits are averaged."""

INPUT_CHANNELS: Final = 5
"""Red, green and blue relative to the background, nucleus, whole cell."""


def prepare_crop(crop: TypeCrop) -> NDArray[np.float32]:
    """Return a cell as the network sees it, ``float32[96, 96, 5]``."""
    pixels = normalise(crop.pixels.astype(np.float32), crop.background)
    masks = np.stack([crop.labels == NUCLEUS.id, crop.labels > 0], axis=-1)
    return np.concatenate([pixels, masks.astype(np.float32)], axis=-1)


class TypeNetwork:
    """A network from a crop and measurements to logits. Threads may share it; they take turns.

    Args:
        data: Content of a LiteRT file.
        threads: Number of processor threads.

    Raises:
        ValueError: If it is not such a network.
    """

    def __init__(self, data: bytes, *, threads: int) -> None:
        self._interpreter = open_interpreter(data, num_threads=threads)
        self._lock = threading.Lock()
        inputs, outputs = self._interpreter.get_input_details(), self._interpreter.get_output_details()
        self._crop = _find(inputs, (1, NETWORK_SIDE, NETWORK_SIDE, INPUT_CHANNELS))
        self._features = _find(inputs, (1, len(SHAPE_FEATURES)))
        self._logits = _find(outputs, (1, len(SUBTYPES)))
        self._interpreter.allocate_tensors()

    def compute_logits(self, crop: NDArray[np.float32], features: NDArray[np.float32], looks: int = LOOKS) -> Any:
        """Return the logits of subtypes, ``float32[11]``: the mean over several orientations.

        Args:
            crop: ``float32[96, 96, 5]``.
            features: Standardised measurements, ``float32[F]``.
            looks: Number of orientations, up to eight.
        """
        orientations = [np.rot90(flipped, turns) for turns in (0, 2, 1, 3) for flipped in (crop, crop[:, ::-1])]
        with self._lock:
            self._interpreter.set_tensor(self._features, features[None].astype(np.float32))
            logits = [self._invoke(orientation) for orientation in orientations[:looks]]
        return np.mean(logits, axis=0, dtype=np.float32)

    def _invoke(self, crop: NDArray[np.float32]) -> NDArray[np.float32]:
        self._interpreter.set_tensor(self._crop, np.ascontiguousarray(crop[None]))
        self._interpreter.invoke()
        logits: NDArray[np.float32] = self._interpreter.get_tensor(self._logits)[0].copy()
        return logits


def _find(details: list[dict[str, Any]], shape: tuple[int, ...]) -> int:
    """Return the index of the only tensor of a shape."""
    found = [item["index"] for item in details if tuple(int(size) for size in item["shape"]) == shape]
    if len(found) != 1:
        raise ValueError(f"a network must have one input or output {list(shape)}")
    return int(found[0])
