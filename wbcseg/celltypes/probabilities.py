"""From the network's logits to calibrated probabilities, with a prior, and *unsure* when the evidence is weak."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from wbcseg.celltypes.names import SUBTYPE_TO_TYPE, TYPE_NAMES, sum_subtypes

Probabilities = NDArray[np.float64]
"""Probabilities of types, ``float64[N, 8]``; each row sums to 1."""

PriorName = Literal["none", "adult", "sample"]

PRIORS: Final[tuple[PriorName, ...]] = ("none", "adult", "sample")
"""Every type equally likely; an adult's usual shares; shares estimated from the cells of the sample itself."""

PRIOR_LABELS: Final[Mapping[PriorName, str]] = {
    "none": "all types equally likely",
    "adult": "an adult's usual shares",
    "sample": "shares estimated from the sample",
}
"""What people read instead of the names of priors."""

ADULT_SHARES: Final[Mapping[str, float]] = {
    "neutrophil": 0.59,
    "lymphocyte": 0.29,
    "monocyte": 0.065,
    "eosinophil": 0.025,
    "basophil": 0.007,
    "immature granulocyte": 0.008,
    "erythroblast": 0.005,
    "not a white cell": 0.01,
}
"""Usual shares in an adult's blood (middle of common reference intervals: neutrophils 40 to 75 %, lymphocytes 20 to
45 %, monocytes 2 to 10 %, eosinophils 1 to 6 %, basophils up to 1 %), with a little room for what is rare."""

MIN_CELLS_FOR_ESTIMATE: Final = 20
"""With fewer cells, the shares of a sample are not estimated: the adult's are used."""

ESTIMATE_STRENGTH: Final = 10.0
"""The adult's shares count like this many cells when shares are estimated, so that no type is ruled out."""

EM_ROUNDS: Final = 50


def compute_uniform_prior() -> NDArray[np.float64]:
    """Return equal shares of all types, ``float64[8]``."""
    return np.full(len(TYPE_NAMES), 1 / len(TYPE_NAMES))


def compute_adult_prior() -> NDArray[np.float64]:
    """Return an adult's usual shares, ``float64[8]``."""
    shares = np.array([ADULT_SHARES[name] for name in TYPE_NAMES])
    return np.asarray(shares / shares.sum(), np.float64)


def compute_subtype_probabilities(
    logits: NDArray[np.float32], temperature: float, log_bias: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return the probabilities of subtypes, ``float64[N, 11]``, if all types are equally likely.

    Args:
        logits: ``float32[N, 11]``.
        temperature: The logits are divided by it (temperature scaling: Guo et al. 2017).
        log_bias: Added to the logits of every type, ``float64[8]``: undoes how often each type was learned from.
    """
    scaled = logits.astype(np.float64) / temperature + log_bias[SUBTYPE_TO_TYPE]
    scaled -= scaled.max(axis=-1, keepdims=True)
    values = np.exp(scaled)
    return np.asarray(values / values.sum(axis=-1, keepdims=True))


def apply_prior(probabilities: Probabilities, prior: NDArray[np.float64]) -> Probabilities:
    """Return probabilities under a prior, from those with all types equally likely (Bayes' rule).

    Args:
        probabilities: Probabilities of types.
        prior: Share of each type, ``float64[8]``.
    """
    weighted = probabilities * prior * len(prior)
    return np.asarray(weighted / np.maximum(weighted.sum(axis=-1, keepdims=True), 1e-12))


def estimate_prior(probabilities: Probabilities) -> NDArray[np.float64]:
    """Return the shares of types in a sample from its own cells, ``float64[8]``.

    Expectation maximisation (Saerens, Latinne and Decaestecker 2002), drawn towards an adult's shares.

    Args:
        probabilities: Probabilities of types if all are equally likely, one row per cell.
    """
    adult = compute_adult_prior()
    if len(probabilities) < MIN_CELLS_FOR_ESTIMATE:
        return adult
    prior = adult
    for _ in range(EM_ROUNDS):
        counts = apply_prior(probabilities, prior).sum(axis=0) + ESTIMATE_STRENGTH * adult
        prior = counts / counts.sum()
    return prior


def select_prior(name: PriorName, probabilities: Probabilities) -> NDArray[np.float64]:
    """Return a prior by its name, ``float64[8]``.

    Args:
        name: One of :data:`PRIORS`.
        probabilities: Probabilities of the types of the sample's cells if all are equally likely.

    Raises:
        ValueError: If there is no such prior.
    """
    if name == "none":
        return compute_uniform_prior()
    if name == "adult":
        return compute_adult_prior()
    if name == "sample":
        return estimate_prior(probabilities)
    raise ValueError(f"Argument `name` must be one of {', '.join(PRIORS)}. Received: {name!r}")


def fit_temperature(logits: NDArray[np.float32], truth: NDArray[np.intp], log_bias: NDArray[np.float64]) -> float:
    """Return the temperature with the least mean negative logarithm of the true type's probability.

    Args:
        logits: ``float32[N, 11]`` of cells that were not learned from.
        truth: Index of the type of each, ``int[N]``.
        log_bias: See :func:`compute_subtype_probabilities`.
    """
    candidates = np.exp(np.linspace(np.log(0.25), np.log(4.0), 97))
    rows = np.arange(len(truth))

    def compute_loss(temperature: float) -> float:
        probabilities = sum_subtypes(compute_subtype_probabilities(logits, temperature, log_bias))
        return float(-np.log(np.maximum(probabilities[rows, truth], 1e-12)).mean())

    return float(min(candidates, key=compute_loss))


def choose_threshold(confidence: NDArray[np.float64], is_right: NDArray[np.bool_], max_error: float) -> float:
    """Return the lowest confidence from which on at most a share of the typed cells is wrong.

    Args:
        confidence: Highest probability of every cell.
        is_right: Whether that type is right.
        max_error: Share of wrong types among the typed cells.

    Returns:
        The threshold, 0 to 1; cells with a lower confidence are unsure.
    """
    order = np.argsort(-confidence, kind="stable")
    errors = np.cumsum(~is_right[order]) / np.arange(1, len(order) + 1)
    kept = np.flatnonzero(errors <= max_error)
    return float(confidence[order[kept[-1]]]) if kept.size else 1.0
