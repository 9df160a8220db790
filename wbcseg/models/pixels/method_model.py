"""A stored method, ready to predict: it stands where a network does."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load, save

from wbcseg.errors import ErrorCode, ModelError
from wbcseg.models.method_registry import get_method
from wbcseg.turns import pause

MAX_ARRAYS: Final = 64


class MethodModel:
    """A method that predicts the class probabilities of one image. Threads may share it.

    Args:
        data: Content of its file, safetensors, which cannot contain code.
        method: Name of the method.
        name: The model's name in messages.

    Attributes:
        ignores_orientation: Whether averaging over the orientations of an image has no effect.

    Raises:
        ModelError: If the file is damaged, or is not what the method learns.
    """

    def __init__(self, data: bytes, *, method: str, name: str) -> None:
        spec = get_method(method)
        self.ignores_orientation = spec.ignores_orientation
        try:
            arrays = load(data)
            if len(arrays) > MAX_ARRAYS:
                raise ValueError(f"it has more than {MAX_ARRAYS} arrays")
            self._predict = spec.build(arrays)
        except (SafetensorError, ValueError, KeyError, TypeError, IndexError) as error:
            raise ModelError(
                f"Model {name} could not be loaded as {spec.title}: {error}.",
                file=name,
                reason=f"The model could not be loaded as {spec.title}.",
                code=ErrorCode.DAMAGED,
                hint="Train it again: it takes seconds.",
            ) from None

    def __call__(self, image: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the class probabilities of one image, ``float32[H, W, 3]``.

        Args:
            image: ``float32[H, W, 3]`` in 0 to 1, a whole multiple of 1/255.
        """
        pause()
        return self._predict(np.rint(image * 255).astype(np.uint8))

    def predict_batch(self, images: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the class probabilities of several images of one size, ``float32[N, H, W, 3]``."""
        return np.stack([self(image) for image in images])


def encode_arrays(arrays: Mapping[str, NDArray[Any]]) -> bytes:
    """Return what a method has learned as the content of its file."""
    return save({name: np.ascontiguousarray(array) for name, array in arrays.items()})
