"""A linear support vector machine on features of pixels."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from wbcseg.labels import CLASSES
from wbcseg.models.method_registry import Arrays, LabelledImage, PredictImage, register_method
from wbcseg.models.pixels.blas import single_threaded_blas
from wbcseg.models.pixels.features import compute_features, list_feature_names
from wbcseg.models.pixels.sampling import PixelSample, sample_pixels

REGULARISATION: Final = 0.1
"""C of the support vector machine: the smaller, the smoother."""

TEMPERATURE_BOUNDS: Final = (0.02, 5.0)

UNSEEN_BIAS: Final = -1e3
"""Decision value of a class that is in no training image."""


def fit_linear_svm(images: Sequence[LabelledImage], seed: int) -> Arrays:
    """Train a linear support vector machine; see :data:`wbcseg.models.method_registry.FitMethod`.

    One plane for each class against the others. The softmax of their decision values is taken for probabilities, at
    the temperature that suits the training pixels best.
    """
    sample = sample_pixels(images, seed)
    weights, biases = fit_planes(sample, seed)
    decisions = sample.values @ weights.T + biases
    return {"weights": weights, "biases": biases, "temperature": _fit_temperature(decisions, sample.labels)}


def fit_planes(sample: PixelSample, seed: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return weights ``float32[C, F]`` and biases ``float32[C]``, whose decision values are those of ``LinearSVC``.

    Args:
        sample: The training pixels; their features are scaled to mean 0 and variance 1 for the training.
        seed: Random seed.
    """
    from sklearn.svm import LinearSVC

    mean, scale = sample.values.mean(axis=0), np.maximum(sample.values.std(axis=0), 1e-6)
    classifier = LinearSVC(C=REGULARISATION, dual=False, random_state=seed)
    classifier.fit((sample.values - mean) / scale, sample.labels)
    coefficients, intercepts = classifier.coef_, classifier.intercept_
    if len(classifier.classes_) == 2:
        coefficients, intercepts = np.concatenate([-coefficients, coefficients]), np.array([-1, 1]) * intercepts
    weights = np.zeros((len(CLASSES), len(mean)), np.float32)
    biases = np.full(len(CLASSES), UNSEEN_BIAS, np.float32)
    weights[classifier.classes_] = coefficients / scale
    biases[classifier.classes_] = intercepts - (coefficients / scale) @ mean
    return weights, biases


def _fit_temperature(decisions: NDArray[np.float32], labels: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return the temperature at which the softmax fits the classes best, ``float32[1]``."""
    from scipy.optimize import minimize_scalar

    def compute_loss(temperature: float) -> float:
        own = _softmax(decisions / np.float32(temperature))[np.arange(len(labels)), labels]
        return float(-np.log(np.maximum(own, 1e-12)).mean())

    best = minimize_scalar(compute_loss, bounds=TEMPERATURE_BOUNDS, method="bounded", options={"maxiter": 30})
    return np.array([best.x], np.float32)


@register_method(
    title="Linear SVM",
    summary="The features of the random forest, and for each class a plane that divides it from the others with the "
    "widest margin. A weighted sum of features decides, so it is small and fast.",
    reference="Cortes and Vapnik (1995), doi 10.1007/BF00994018; solved as in LIBLINEAR, Fan et al. (2008), JMLR 9, "
    "1871–1874",
    deviations="One class against the others, with squared hinge loss; the softmax of the decision values stands for "
    "probabilities.",
    color="#964b0f",
    marker="x",
    fit=fit_linear_svm,
    ignores_orientation=True,
    order=3,
)
def linear_svm(arrays: Arrays) -> PredictImage:
    """Return the function that segments with stored planes."""
    shapes = {"weights": (len(CLASSES), len(list_feature_names())), "biases": (len(CLASSES),), "temperature": (1,)}
    for name, shape in shapes.items():
        if name not in arrays or arrays[name].shape != shape or not np.isfinite(arrays[name]).all():
            raise ValueError(f"`{name}` must be finite numbers of shape {list(shape)}")
    weights, biases, temperature = (arrays[name].astype(np.float32) for name in shapes)
    if temperature[0] <= 0:
        raise ValueError("`temperature` must be more than 0")

    def predict(image: NDArray[np.uint8]) -> NDArray[np.float32]:
        features = compute_features(image)
        with single_threaded_blas():
            decisions: NDArray[np.float32] = features @ weights.T + biases
        return _softmax(decisions / temperature[0])

    return predict


def _softmax(decisions: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the softmax over the last axis."""
    exponentials = np.exp(decisions - decisions.max(axis=-1, keepdims=True))
    probabilities: NDArray[np.float32] = exponentials / exponentials.sum(axis=-1, keepdims=True)
    return probabilities
