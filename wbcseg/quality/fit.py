"""Fit a quality model to results whose Dice is known and to images that are not smears."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from wbcseg.io.records import read_record
from wbcseg.models.card_records import QualityMetrics
from wbcseg.quality.distribution import fit_distributions
from wbcseg.quality.model import LogisticModel, QualityModel, expand_features, list_rule_reasons

BAD_DICE_BELOW: Final = 0.8
"""A result is bad if the Dice of the whole cell is below this."""

TRAINING_BAD_DICE_BELOW: Final = 0.85
"""Results below this Dice count as bad in fitting, because few results really are."""

TARGET_SENSITIVITY: Final = 0.95
"""Fraction of bad results that should be flagged."""

MIN_FALSE_ALARM_RATE: Final = 0.08
"""Fraction of good results that is flagged at least: with few bad results the threshold is uncertain."""

MAX_FALSE_ALARM_RATE: Final = 0.15
"""Largest fraction of good results that may be flagged to find the bad ones."""

MAX_SMEARS_OUT_OF_RANGE: Final = 0.01
"""Fraction of smears that may be classified as out of range."""

INVERSE_REGULARISATION: Final = 0.01
"""Inverse regularisation strength of the logistic regressions."""

N_FOLDS: Final = 5


@dataclass(frozen=True)
class Example:
    """A result to fit the quality model to.

    Attributes:
        features: See :func:`wbcseg.quality.features.compute_quality_features`.
        group: Examples of one group (copies of one image, images of one kind) stay in one fold.
        dice: Dice of the whole cell; ``None`` for an image that is not a smear.
        is_original: Whether the image is unaltered, not a varied copy.
    """

    features: NDArray[np.float32]
    group: Hashable
    dice: float | None
    is_original: bool = True


def fit_quality_model(examples: Sequence[Example]) -> QualityModel:
    """Fit a quality model, and evaluate it by cross-validation over the examples' groups.

    Args:
        examples: Results on smears from sites that the network was not trained on, and on images that are not smears.

    Returns:
        The quality model. Its regressions are evaluated on groups that they were not fitted to; its thresholds are
        set on all groups.
    """
    # Imported here, because only fitting needs it.
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
            f"{prefix}images": int(subset.sum()),
            f"{prefix}bad": int((is_bad & subset).sum()),
            f"{prefix}bad_flagged": _compute_fraction(is_flagged[is_bad & subset]),
            f"{prefix}good_flagged": _compute_fraction(is_flagged[is_good & subset]),
        }
        has_both = (is_bad & subset).any() and (is_good & subset).any()
        metrics[f"{prefix}bad_auroc"] = (
            float(roc_auc_score(is_bad[subset], failure_probabilities[subset])) if has_both else None
        )
    rounded = {name: round(value, 4) if isinstance(value, float) else value for name, value in metrics.items()}
    return QualityModel(failure_model, out_of_range_model, distributions, read_record(QualityMetrics, rounded))


def _fit_cross_validated(
    examples: Sequence[Example], target: NDArray[np.bool_]
) -> tuple[LogisticModel, NDArray[np.float64]]:
    """Return a regression on all examples, and each example's probability from regressions on the other folds."""
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
    """Yield training and test rows, so that no group is in both."""
    from sklearn.model_selection import GroupKFold

    group_numbers = {group: number for number, group in enumerate(dict.fromkeys(example.group for example in examples))}
    groups = np.array([group_numbers[example.group] for example in examples])
    yield from GroupKFold(N_FOLDS, shuffle=True, random_state=0).split(groups, groups=groups)


def _compute_fraction(flags: NDArray[np.bool_]) -> float | None:
    return float(flags.mean()) if flags.size else None
