"""Test-time averaging: the mean prediction over all eight orientations of an image."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

PredictFn = Callable[[NDArray[np.float32]], NDArray[np.float32]]


def predict_tta_mean(predict: PredictFn, image: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the mean prediction over four rotations of an image and of its mirror image.

    A cell has no natural orientation, so predictions that depend on it are uncertain. It takes eight times as long.

    Args:
        predict: From ``float32[S, S, 3]`` to class probabilities ``float32[S, S, C]``.
        image: A square, ``float32[S, S, 3]``.

    Returns:
        ``float32[S, S, C]``, in the image's own orientation; the probabilities still sum to 1 at every pixel.
    """
    predictions = []
    for mirrored in (False, True):
        view = image[:, ::-1] if mirrored else image
        for quarter_turns in range(4):
            prediction = np.rot90(predict(np.ascontiguousarray(np.rot90(view, quarter_turns))), -quarter_turns)
            predictions.append(prediction[:, ::-1] if mirrored else prediction)
    mean: NDArray[np.float32] = np.mean(predictions, axis=0, dtype=np.float32)
    return mean
