"""Learning to judge: from results whose quality is known, and from pictures that are no smears."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from wbcseg.quality.distribution import fit_distributions
from wbcseg.quality.model import LogisticModel, QualityModel, expand_features, list_rule_reasons

BAD_DICE_BELOW: Final = 0.8
"""A result is bad whose Dice of the whole cell is below."""

TRAINING_BAD_DICE_BELOW: Final = 0.85
"""Results below this Dice are learned as bad ones, because there are few that really are."""

TARGET_SENSITIVITY: Final = 0.95
"""Share of bad results that should be marked."""

MIN_FALSE_ALARM_RATE: Final = 0.08
"""Share of good results that are marked in any case: from few bad ones it is not known well where they begin."""

MAX_FALSE_ALARM_RATE: Final = 0.15
"""Greatest share of good results that may be marked to catch bad ones."""

MAX_SMEARS_OUT_OF_RANGE: Final = 0.01
"""Share of smears that may be taken for something else."""

INVERSE_REGULARISATION: Final = 0.01
"""Inverse strength of the regressions' regularisation."""

N_FOLDS: Final = 5


@dataclass(frozen=True)
class Example:
    """A result to learn from.

    Attributes:
        features: See :func:`wbcseg.quality.features.compute_quality_features`.
        group: What belongs together (copies of one picture, pictures of one kind) never helps to judge each other.
        dice: Of the whole cell; ``None`` for what is no smear.
        is_original: Whether the picture is as it was photographed, and not a varied copy.
    """

    features: NDArray[np.float32]
    group: Hashable
    dice: float | None
    is_original: bool = True


def fit_quality_model(examples: Sequence[Example]) -> QualityModel:
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
    plain = [one for one in smears if one.is_original]
    strangers = [one for one in examples if one.dice is None]
    dice = np.array([one.dice for one in smears], np.float64)
    is_plain = np.array([one.is_original for one in smears])
    doubt, doubts = _fit_cross_validated(smears, dice < TRAINING_BAD_DICE_BELOW)
    kinds = np.array([one.dice is None for one in (*plain, *strangers)])
    unlike, chances = _fit_cross_validated([*plain, *strangers], kinds)
    features = np.array([one.features for one in smears])
    familiar, unfamiliar = fit_distributions(
        dice >= TRAINING_BAD_DICE_BELOW, features, [rows for _, rows in _split_by_group(smears)]
    )

    bad, good = dice < BAD_DICE_BELOW, dice >= BAD_DICE_BELOW
    most, least = np.quantile(doubts[good & is_plain], [1 - MAX_FALSE_ALARM_RATE, 1 - MIN_FALSE_ALARM_RATE])
    caught = np.quantile(doubts[bad], 1 - TARGET_SENSITIVITY, method="lower") if bad.any() else least
    doubt = replace(doubt, threshold=round(float(np.clip(caught, most, least)), 4))
    unlike = replace(unlike, threshold=round(float(np.quantile(chances[~kinds], 1 - MAX_SMEARS_OUT_OF_RANGE)), 4))
    marked = (
        unfamiliar | (doubts >= doubt.threshold) | np.array([bool(list_rule_reasons(one.features)) for one in smears])
    )
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
            f"{prefix}bad_caught": _compute_fraction(marked[bad & among]),
            f"{prefix}good_marked": _compute_fraction(marked[good & among]),
        }
        both = (bad & among).any() and (good & among).any()
        figures[f"{prefix}bad_auroc"] = float(roc_auc_score(bad[among], doubts[among])) if both else None
    rounded = {name: round(value, 4) if isinstance(value, float) else value for name, value in figures.items()}
    return QualityModel(doubt, unlike, familiar, rounded)


def _fit_cross_validated(
    examples: Sequence[Example], target: NDArray[np.bool_]
) -> tuple[LogisticModel, NDArray[np.float64]]:
    """Return a regression on all examples, and the chances of each by regressions on the other groups'."""
    from sklearn.linear_model import LogisticRegression

    features = np.array([one.features for one in examples], np.float64)

    def regression(rows: NDArray[np.intp]) -> LogisticModel:
        middle, spread = features[rows].mean(axis=0), features[rows].std(axis=0) + 1e-6
        model = LogisticRegression(C=INVERSE_REGULARISATION, class_weight="balanced", max_iter=5000)
        model.fit(expand_features(features[rows], middle, spread), target[rows])
        mean, scale, weights = (tuple(np.round(row, 6).tolist()) for row in (middle, spread, model.coef_[0]))
        return LogisticModel(mean, scale, weights, round(float(model.intercept_[0]), 6), threshold=0.5)

    chances = np.zeros(len(examples))
    for others, rows in _split_by_group(examples):
        one = regression(others)
        chances[rows] = [one.predict_probability(examples[row].features) for row in rows]
    return regression(np.arange(len(examples))), chances


def _split_by_group(examples: Sequence[Example]) -> Iterator[tuple[NDArray[np.intp], NDArray[np.intp]]]:
    """Yield the rows to learn from and those to be judged, so that no group is in both."""
    from sklearn.model_selection import GroupKFold

    names = {group: number for number, group in enumerate(dict.fromkeys(one.group for one in examples))}
    groups = np.array([names[one.group] for one in examples])
    yield from GroupKFold(N_FOLDS, shuffle=True, random_state=0).split(groups, groups=groups)


def _compute_fraction(marked: NDArray[np.bool_]) -> float | None:
    return float(marked.mean()) if marked.size else None
