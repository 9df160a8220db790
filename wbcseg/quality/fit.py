"""Learning to judge: from results whose quality is known, and from pictures that are no smears."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from wbcseg.quality.distribution import learn
from wbcseg.quality.model import Judge, Score, expand, ruled

BAD: Final = 0.8
"""A result is bad whose Dice of the whole cell is below."""

LEARNED: Final = 0.85
"""Results below this Dice are learned as bad ones, because there are few that really are."""

CAUGHT: Final = 0.95
"""Share of bad results that should be marked."""

LEAST_MARKED: Final = 0.08
"""Share of good results that are marked in any case: from few bad ones it is not known well where they begin."""

MOST_MARKED: Final = 0.15
"""Greatest share of good results that may be marked to catch bad ones."""

UNLIKE_SMEARS: Final = 0.01
"""Share of smears that may be taken for something else."""

STRENGTH: Final = 0.01
"""Inverse strength of the regressions' regularisation."""

FOLDS: Final = 5


@dataclass(frozen=True)
class Example:
    """A result to learn from.

    Attributes:
        features: See :func:`wbcseg.quality.features.features_of`.
        group: What belongs together (copies of one picture, pictures of one kind) never helps to judge each other.
        dice: Of the whole cell; ``None`` for what is no smear.
        plain: Whether the picture is as it was photographed, and not a varied copy.
    """

    features: NDArray[np.float32]
    group: Hashable
    dice: float | None
    plain: bool = True


def fit_judge(examples: Sequence[Example]) -> Judge:
    """Fit a judge, and measure it by cross-validation over the examples' groups.

    Args:
        examples: Results on smears of other laboratories than the network was trained on, and on what is no smear.

    Returns:
        The judge. The regressions are measured on groups that they were not fitted to; the limits from which on
        something is marked are set on all of them. ``figures`` has: ``smears``, ``strangers``, ``unlike_auroc``,
        ``unlike_strangers`` and ``unlike_smears`` (shares that are called unlike), ``bad``, ``bad_caught`` and
        ``good_marked`` (of the plain pictures, called *check* or *unlike*; bad is a Dice of the cell below .8),
        ``bad_auroc``, and the same with the varied copies, ``varied_…``.
    """
    # Loaded here, because judging itself should not wait for it.
    from sklearn.metrics import roc_auc_score

    smears = [one for one in examples if one.dice is not None]
    plain = [one for one in smears if one.plain]
    strangers = [one for one in examples if one.dice is None]
    dice = np.array([one.dice for one in smears], np.float64)
    is_plain = np.array([one.plain for one in smears])
    doubt, doubts = _fit(smears, dice < LEARNED)
    kinds = np.array([one.dice is None for one in (*plain, *strangers)])
    unlike, chances = _fit([*plain, *strangers], kinds)
    features = np.array([one.features for one in smears])
    familiar, unfamiliar = learn(dice >= LEARNED, features, [rows for _, rows in _parts(smears)])

    bad, good = dice < BAD, dice >= BAD
    most, least = np.quantile(doubts[good & is_plain], [1 - MOST_MARKED, 1 - LEAST_MARKED])
    caught = np.quantile(doubts[bad], 1 - CAUGHT, method="lower") if bad.any() else least
    doubt = replace(doubt, threshold=round(float(np.clip(caught, most, least)), 4))
    unlike = replace(unlike, threshold=round(float(np.quantile(chances[~kinds], 1 - UNLIKE_SMEARS)), 4))
    marked = unfamiliar | (doubts >= doubt.threshold) | np.array([bool(ruled(one.features)) for one in smears])
    marked[is_plain] |= chances[~kinds] >= unlike.threshold

    figures: dict[str, Any] = {
        "smears": len(plain),
        "strangers": len(strangers),
        "unlike_auroc": float(roc_auc_score(kinds, chances)),
        "unlike_strangers": float((chances[kinds] >= unlike.threshold).mean()),
        "unlike_smears": float((chances[~kinds] >= unlike.threshold).mean()),
    }
    for prefix, among in (("", is_plain), ("varied_", ~is_plain)):
        figures |= {
            f"{prefix}pictures": int(among.sum()),
            f"{prefix}bad": int((bad & among).sum()),
            f"{prefix}bad_caught": _share(marked[bad & among]),
            f"{prefix}good_marked": _share(marked[good & among]),
        }
        both = (bad & among).any() and (good & among).any()
        figures[f"{prefix}bad_auroc"] = float(roc_auc_score(bad[among], doubts[among])) if both else None
    rounded = {name: round(value, 4) if isinstance(value, float) else value for name, value in figures.items()}
    return Judge(doubt, unlike, familiar, rounded)


def _fit(examples: Sequence[Example], target: NDArray[np.bool_]) -> tuple[Score, NDArray[np.float64]]:
    """Return a regression on all examples, and the chances of each by regressions on the other groups'."""
    from sklearn.linear_model import LogisticRegression

    features = np.array([one.features for one in examples], np.float64)

    def regression(rows: NDArray[np.intp]) -> Score:
        middle, spread = features[rows].mean(axis=0), features[rows].std(axis=0) + 1e-6
        model = LogisticRegression(C=STRENGTH, class_weight="balanced", max_iter=5000)
        model.fit(expand(features[rows], middle, spread), target[rows])
        mean, scale, weights = (tuple(np.round(row, 6).tolist()) for row in (middle, spread, model.coef_[0]))
        return Score(mean, scale, weights, round(float(model.intercept_[0]), 6), threshold=0.5)

    chances = np.zeros(len(examples))
    for others, rows in _parts(examples):
        one = regression(others)
        chances[rows] = [one.chance(examples[row].features) for row in rows]
    return regression(np.arange(len(examples))), chances


def _parts(examples: Sequence[Example]) -> Iterator[tuple[NDArray[np.intp], NDArray[np.intp]]]:
    """Yield the rows to learn from and those to be judged, so that no group is in both."""
    from sklearn.model_selection import GroupKFold

    names = {group: number for number, group in enumerate(dict.fromkeys(one.group for one in examples))}
    groups = np.array([names[one.group] for one in examples])
    yield from GroupKFold(FOLDS, shuffle=True, random_state=0).split(groups, groups=groups)


def _share(marked: NDArray[np.bool_]) -> float | None:
    return float(marked.mean()) if marked.size else None
