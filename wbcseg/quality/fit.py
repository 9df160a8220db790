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
        something is marked are set on all of them. ``metrics`` has: ``smears``, ``negatives``, ``unlike_auroc``,
        ``unlike_strangers`` and ``unlike_smears`` (shares that are called unlike), ``is_bad``, ``bad_caught`` and
        ``good_marked`` (of the plain pictures, called *check* or *unlike*; bad is a Dice of the cell below .8),
        ``bad_auroc``, and the same with the varied copies, ``varied_…``.
    """
    # Loaded here, because judging itself should not wait for it.
    from sklearn.metrics import roc_auc_score

    smears = [example for example in examples if example.dice is not None]
    originals = [example for example in smears if example.is_original]
    negatives = [example for example in examples if example.dice is None]
    dice = np.array([example.dice for example in smears], np.float64)
    is_original = np.array([example.is_original for example in smears])
    failure_model, failure_probabilities = _fit_cross_validated(smears, dice < TRAINING_BAD_DICE_BELOW)
    is_negative = np.array([example.dice is None for example in (*originals, *negatives)])
    out_of_range_model, out_of_range_probabilities = _fit_cross_validated([*originals, *negatives], is_negative)
    features = np.array([example.features for example in smears])
    distributions, is_outlier = fit_distributions(
        dice >= TRAINING_BAD_DICE_BELOW, features, [rows for _, rows in _split_by_group(smears)]
    )

    is_bad, is_good = dice < BAD_DICE_BELOW, dice >= BAD_DICE_BELOW
    lowest_threshold, highest_threshold = np.quantile(
        failure_probabilities[is_good & is_original], [1 - MAX_FALSE_ALARM_RATE, 1 - MIN_FALSE_ALARM_RATE]
    )
    sensitive_threshold = (
        np.quantile(failure_probabilities[is_bad], 1 - TARGET_SENSITIVITY, method="lower")
        if is_bad.any()
        else highest_threshold
    )
    failure_model = replace(
        failure_model, threshold=round(float(np.clip(sensitive_threshold, lowest_threshold, highest_threshold)), 4)
    )
    out_of_range_model = replace(
        out_of_range_model,
        threshold=round(float(np.quantile(out_of_range_probabilities[~is_negative], 1 - MAX_SMEARS_OUT_OF_RANGE)), 4),
    )
    is_flagged = (
        is_outlier
        | (failure_probabilities >= failure_model.threshold)
        | np.array([bool(list_rule_reasons(example.features)) for example in smears])
    )
    is_flagged[is_original] |= out_of_range_probabilities[~is_negative] >= out_of_range_model.threshold

    metrics: dict[str, Any] = {
        "smears": len(originals),
        "negatives": len(negatives),
        "out_of_range_auroc": float(roc_auc_score(is_negative, out_of_range_probabilities)),
        "out_of_range_negatives": float(
            (out_of_range_probabilities[is_negative] >= out_of_range_model.threshold).mean()
        ),
        "out_of_range_smears": float((out_of_range_probabilities[~is_negative] >= out_of_range_model.threshold).mean()),
    }
    for prefix, subset in (("", is_original), ("varied_", ~is_original)):
        metrics |= {
            f"{prefix}pictures": int(subset.sum()),
            f"{prefix}bad": int((is_bad & subset).sum()),
            f"{prefix}bad_caught": _compute_fraction(is_flagged[is_bad & subset]),
            f"{prefix}good_marked": _compute_fraction(is_flagged[is_good & subset]),
        }
        has_both = (is_bad & subset).any() and (is_good & subset).any()
        metrics[f"{prefix}bad_auroc"] = (
            float(roc_auc_score(is_bad[subset], failure_probabilities[subset])) if has_both else None
        )
    rounded = {name: round(value, 4) if isinstance(value, float) else value for name, value in metrics.items()}
    return QualityModel(failure_model, out_of_range_model, distributions, rounded)


def _fit_cross_validated(
    examples: Sequence[Example], target: NDArray[np.bool_]
) -> tuple[LogisticModel, NDArray[np.float64]]:
    """Return a regression on all examples, and the chances of each by regressions on the other groups'."""
    from sklearn.linear_model import LogisticRegression

    features = np.array([item.features for item in examples], np.float64)

    def fit_regression(rows: NDArray[np.intp]) -> LogisticModel:
        centre, spread = features[rows].mean(axis=0), features[rows].std(axis=0) + 1e-6
        model = LogisticRegression(C=INVERSE_REGULARISATION, class_weight="balanced", max_iter=5000)
        model.fit(expand_features(features[rows], centre, spread), target[rows])
        mean, scale, weights = (tuple(np.round(row, 6).tolist()) for row in (centre, spread, model.coef_[0]))
        return LogisticModel(mean, scale, weights, round(float(model.intercept_[0]), 6), threshold=0.5)

    probabilities = np.zeros(len(examples))
    for training_rows, rows in _split_by_group(examples):
        item = fit_regression(training_rows)
        probabilities[rows] = [item.predict_probability(examples[row].features) for row in rows]
    return fit_regression(np.arange(len(examples))), probabilities


def _split_by_group(examples: Sequence[Example]) -> Iterator[tuple[NDArray[np.intp], NDArray[np.intp]]]:
    """Yield the rows to learn from and those to be judged, so that no group is in both."""
    from sklearn.model_selection import GroupKFold

    group_numbers = {group: number for number, group in enumerate(dict.fromkeys(example.group for example in examples))}
    groups = np.array([group_numbers[example.group] for example in examples])
    yield from GroupKFold(N_FOLDS, shuffle=True, random_state=0).split(groups, groups=groups)


def _compute_fraction(flags: NDArray[np.bool_]) -> float | None:
    return float(flags.mean()) if flags.size else None
