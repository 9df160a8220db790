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
from wbcseg.quality.features import QUALITY_FEATURES
from wbcseg.quality.model import LogisticModel, QualityModel, expand_features, list_rule_reasons

BAD_DICE_BELOW: Final = 0.8
"""A result is bad if the Dice of the whole cell is below this."""

TRAINING_BAD_DICE_BELOW: Final = 0.85
"""Results below this Dice count as bad in fitting, because few results really are."""

TARGET_SENSITIVITY: Final = 0.95
"""Fraction of results below :data:`TRAINING_BAD_DICE_BELOW` that should be flagged."""

MAX_FALSE_ALARM_RATE: Final = 0.08
"""Largest fraction of other results that may be flagged to find the bad ones."""

MAX_SMEARS_OUT_OF_RANGE: Final = 0.01
"""Fraction of smears that may be classified as out of range."""

INVERSE_REGULARISATION: Final = 0.01
"""Inverse regularisation strength of the logistic regression on what is not a smear."""

FAILURE_INVERSE_REGULARISATION: Final = 0.0035
"""The same of the regression on bad results, which is linear: both transfer better to other laboratories."""

N_FOLDS: Final = 5
CELL_SIZE_INDEX: Final = QUALITY_FEATURES.index("relative_cell_size")


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
    failure_model, failure_probabilities = _fit_cross_validated(
        smears, dice < TRAINING_BAD_DICE_BELOW, FAILURE_INVERSE_REGULARISATION, with_squares=False
    )
    is_negative = np.array([example.dice is None for example in (*originals, *negatives)])
    out_of_range_model, out_of_range_probabilities = _fit_cross_validated(
        [*originals, *negatives], is_negative, INVERSE_REGULARISATION, with_squares=True
    )
    features = np.array([example.features for example in smears])
    is_failure = dice < TRAINING_BAD_DICE_BELOW
    distributions = fit_distributions(~is_failure, features, [rows for _, rows in _split_by_group(smears)])
    failure_model = _set_failure_threshold(failure_model, smears, is_failure, failure_probabilities)
    out_of_range_model = replace(
        out_of_range_model,
        threshold=round(float(np.quantile(out_of_range_probabilities[~is_negative], 1 - MAX_SMEARS_OUT_OF_RANGE)), 4),
    )
    is_bad, is_good = dice < BAD_DICE_BELOW, dice >= BAD_DICE_BELOW
    # What is unfamiliar but consistent is not flagged.
    is_flagged = (failure_probabilities >= failure_model.threshold) | _find_rule_reasons(smears)
    is_unfamiliar = out_of_range_probabilities >= out_of_range_model.threshold
    is_inconsistent = np.concatenate([is_flagged[is_original], _find_failures(failure_model, negatives)])
    is_out_of_range = is_unfamiliar & is_inconsistent

    metrics: dict[str, Any] = {
        "smears": len(originals),
        "negatives": len(negatives),
        "out_of_range_auroc": float(roc_auc_score(is_negative, out_of_range_probabilities)),
        "out_of_range_negatives": float(is_out_of_range[is_negative].mean()),
        "out_of_range_smears": float(is_out_of_range[~is_negative].mean()),
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
    examples: Sequence[Example], target: NDArray[np.bool_], inverse_regularisation: float, *, with_squares: bool
) -> tuple[LogisticModel, NDArray[np.float64]]:
    """Return a regression on all examples, and each example's probability from regressions on the other folds."""
    from sklearn.linear_model import LogisticRegression

    features = np.array([item.features for item in examples], np.float64)

    def fit_regression(rows: NDArray[np.intp]) -> LogisticModel:
        centre, spread = features[rows].mean(axis=0), features[rows].std(axis=0) + 1e-6
        model = LogisticRegression(C=inverse_regularisation, class_weight="balanced", max_iter=5000)
        expanded = expand_features(features[rows], centre, spread)
        model.fit(expanded if with_squares else expanded[:, : features.shape[1]], target[rows])
        coefficients = np.zeros(expanded.shape[1])
        coefficients[: model.coef_.shape[1]] = model.coef_[0]
        mean, scale, weights = (tuple(np.round(row, 6).tolist()) for row in (centre, spread, coefficients))
        return LogisticModel(mean, scale, weights, round(float(model.intercept_[0]), 6), threshold=0.5)

    probabilities = np.zeros(len(examples))
    for training_rows, rows in _split_by_group(examples):
        item = fit_regression(training_rows)
        probabilities[rows] = [item.predict_probability(examples[row].features) for row in rows]
    return fit_regression(np.arange(len(examples))), probabilities


def _set_failure_threshold(
    model: LogisticModel,
    smears: Sequence[Example],
    is_failure: NDArray[np.bool_],
    cross_validated: NDArray[np.float64],
) -> LogisticModel:
    """Return the model with the threshold that flags enough failures.

    It is set on the cross-validated probabilities, but flags no more of the other results than allowed; and it is not
    higher than what the model itself, fitted to all examples, needs to flag as many.
    """
    fitted = np.array([model.predict_probability(example.features) for example in smears])
    sensitive = np.quantile(cross_validated[is_failure], 1 - TARGET_SENSITIVITY)
    specific = np.quantile(cross_validated[~is_failure], 1 - MAX_FALSE_ALARM_RATE)
    highest = np.quantile(fitted[is_failure], 1 - TARGET_SENSITIVITY)
    return replace(model, threshold=round(float(min(highest, max(sensitive, specific))), 4))


def _split_by_group(examples: Sequence[Example]) -> Iterator[tuple[NDArray[np.intp], NDArray[np.intp]]]:
    """Yield training and test rows, so that no group is in both."""
    from sklearn.model_selection import GroupKFold

    group_numbers = {group: number for number, group in enumerate(dict.fromkeys(example.group for example in examples))}
    groups = np.array([group_numbers[example.group] for example in examples])
    yield from GroupKFold(N_FOLDS, shuffle=True, random_state=0).split(groups, groups=groups)


def find_flagged(model: QualityModel, examples: Sequence[Example]) -> NDArray[np.bool_]:
    """Return which results a quality model flags for review or as out of range, ``bool[N]``."""
    return _find_failures(model.failure_model, examples)


def _find_rule_reasons(examples: Sequence[Example]) -> NDArray[np.bool_]:
    return np.array([bool(list_rule_reasons(example.features)) for example in examples], np.bool_)


def _find_failures(model: LogisticModel, examples: Sequence[Example]) -> NDArray[np.bool_]:
    """Return which results look wrong: by the regression, by a rule, or because no cell was found."""
    probabilities = np.array([model.predict_probability(example.features) for example in examples])
    is_empty = np.array([not example.features[CELL_SIZE_INDEX] for example in examples], np.bool_)
    return (probabilities >= model.threshold) | _find_rule_reasons(examples) | is_empty


def _compute_fraction(flags: NDArray[np.bool_]) -> float | None:
    return float(flags.mean()) if flags.size else None
