"""Groups are assigned to folds so that every fold has its share of every type."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wbcseg.splitting.stratify import assign_folds


def test_every_fold_gets_one_group_of_every_type() -> None:
    types = ["a", "a", "b", "b", "a", "a", "b", "b"]
    groups = [0, 0, 1, 1, 2, 2, 3, 3]
    folds = assign_folds(types, groups, folds=2, seed=1)
    for fold in (0, 1):
        assert sorted(np.array(types)[folds == fold]) == ["a", "a", "b", "b"]


@settings(deadline=None)  # importing scikit-learn takes a second
@given(
    data=st.data(),
    folds=st.integers(2, 6),
    seed=st.integers(0, 99),
)
def test_the_folds_are_those_of_scikit_learn(data: st.DataObject, folds: int, seed: int) -> None:
    selection = pytest.importorskip("sklearn.model_selection")
    group_types = data.draw(st.lists(st.sampled_from("abc"), min_size=folds, max_size=40))
    sizes = data.draw(st.lists(st.integers(1, 4), min_size=len(group_types), max_size=len(group_types)))
    groups = np.random.default_rng(seed).permutation(np.repeat(np.arange(len(sizes)), sizes))
    types = np.array(group_types)[groups]
    # A group may hold samples of several types.
    types[data.draw(st.integers(0, len(types) - 1))] = "a"
    if max(np.unique(types, return_counts=True)[1]) < folds:
        return
    splitter = selection.StratifiedGroupKFold(folds, shuffle=True, random_state=seed)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about rare types
        expected = [list(test) for _, test in splitter.split(groups, types, groups)]
    assigned = assign_folds(types, groups, folds=folds, seed=seed)
    assert [list(np.flatnonzero(assigned == fold)) for fold in range(folds)] == expected
