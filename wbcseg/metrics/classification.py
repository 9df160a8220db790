"""Metrics of class probabilities: accuracy, F1, calibration error, and the confusion matrix."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

ECE_BINS: Final = 15


def count_confusions(truth: NDArray[np.intp], predicted: NDArray[np.intp], classes: int) -> NDArray[np.intp]:
    """Return how often each class was taken for each, ``int[classes, classes]``: true class by predicted class.

    Args:
        truth: True class of every item, ``int[N]``.
        predicted: Predicted class, ``int[N]``.
        classes: Number of classes.
    """
    return np.bincount(truth * classes + predicted, minlength=classes**2).reshape(classes, classes)


def compute_macro_f1(confusions: NDArray[np.intp]) -> float:
    """Return the mean F1 of the classes that occur, 0 to 1; NaN if none does.

    Args:
        confusions: See :func:`count_confusions`.
    """
    right, true, predicted = np.diag(confusions), confusions.sum(axis=1), confusions.sum(axis=0)
    occurs = true > 0
    if not occurs.any():
        return float("nan")
    return float((2 * right[occurs] / (true + predicted)[occurs]).mean())


def compute_ece(confidence: NDArray[np.float64], is_right: NDArray[np.bool_], bins: int = ECE_BINS) -> float:
    """Return the expected calibration error (Naeini et al., 2015), 0 to 1; NaN without items.

    Args:
        confidence: Probability of the predicted class of every item, ``float64[N]``.
        is_right: Whether that class is the true one, ``bool[N]``.
        bins: Number of bins of equal width.
    """
    if not len(confidence):
        return float("nan")
    index = np.minimum((confidence * bins).astype(np.intp), bins - 1)
    gaps = np.bincount(index, confidence - is_right, bins)
    return float(np.abs(gaps).sum() / len(confidence))
