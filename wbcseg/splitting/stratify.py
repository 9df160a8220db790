"""Assign groups of samples to folds so that every fold has its share of every type."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

TIE_TOLERANCE: Final = (1e-8, 1e-5)
"""Absolute and relative difference up to which two folds are equally good."""


def assign_folds(types: ArrayLike, groups: ArrayLike, *, folds: int, seed: int) -> NDArray[np.int64]:
    """Return the fold of each sample. The samples of a group are in the same fold.

    Groups are placed one by one, those of the most uneven types first and equal ones in random order, each where the
    types' shares of the folds differ least. The folds are those of scikit-learn's ``StratifiedGroupKFold``, which takes
    a second to import.

    Args:
        types: Type of each sample, ``[N]``.
        groups: Group of each sample, ``[N]``.
        folds: Number of folds.
        seed: Random seed of the order.
    """
    _, type_index = np.unique(types, return_inverse=True)
    _, group_index = np.unique(groups, return_inverse=True)
    group_counts = np.zeros((group_index.max() + 1, type_index.max() + 1))
    np.add.at(group_counts, (group_index, type_index), 1)
    totals = group_counts.sum(axis=0)

    order = np.arange(len(group_counts))
    np.random.RandomState(seed).shuffle(order)
    order = order[np.argsort(-group_counts[order].std(axis=1), kind="stable")]

    fold_counts = np.zeros((folds, len(totals)))
    fold_by_group = np.zeros(len(group_counts), np.int64)
    is_candidate = np.eye(folds)[:, :, None]
    for group in order:
        shares = (fold_counts + is_candidate * group_counts[group]) / totals
        fold = _choose_fold(shares.std(axis=1).mean(axis=1).tolist(), fold_counts.sum(axis=1).tolist())
        fold_counts[fold] += group_counts[group]
        fold_by_group[group] = fold
    return fold_by_group[group_index]


def _choose_fold(imbalances: Sequence[float], sizes: Sequence[float]) -> int:
    """Return the fold with the least imbalance; of equally good ones, the smaller."""
    best = 0
    absolute, relative = TIE_TOLERANCE
    for fold in range(1, len(imbalances)):
        difference = imbalances[fold] - imbalances[best]
        is_tie = abs(difference) <= absolute + relative * imbalances[best]
        if difference < 0 or (is_tie and sizes[fold] < sizes[best]):
            best = fold
    return best
