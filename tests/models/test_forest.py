"""A random forest as arrays gives what scikit-learn gives, and damaged arrays are refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.ensemble import RandomForestClassifier

from wbcseg.models.methods.random_forest import convert_classifier
from wbcseg.models.pixels.forest import Forest


def build_classifier(classes: tuple[int, ...] = (0, 1, 2), max_leaves: int | None = None) -> tuple[Any, NDArray[Any]]:
    generator = np.random.default_rng(4)
    values = generator.normal(size=(600, 6)).astype(np.float32)
    score = values[:, 0] + values[:, 1] * values[:, 2]
    labels = np.array(classes)[np.digitize(score, [-0.5, 0.5][: len(classes) - 1])]
    classifier = RandomForestClassifier(12, max_leaf_nodes=max_leaves, random_state=1)
    return classifier.fit(values, labels), generator.normal(size=(900, 6)).astype(np.float32)


@pytest.fixture(scope="module")
def forest() -> Forest:
    return convert_classifier(build_classifier(max_leaves=30)[0])


@pytest.mark.parametrize("max_leaves", [2, 30, None])
def test_probabilities_are_those_of_scikit_learn(max_leaves: int | None) -> None:
    classifier, values = build_classifier(max_leaves=max_leaves)
    probabilities = convert_classifier(classifier).predict_probabilities(values)
    assert probabilities.dtype == np.float32
    # Leaves are stored in steps of 1/255.
    np.testing.assert_allclose(probabilities, classifier.predict_proba(values), atol=1 / 255)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, atol=1e-5)


def test_pixels_on_a_threshold_go_where_scikit_learn_sends_them() -> None:
    classifier, _ = build_classifier(max_leaves=30)
    thresholds = np.concatenate([tree.tree_.threshold[tree.tree_.feature == 0] for tree in classifier.estimators_])
    values = np.zeros((3 * len(thresholds), 6), np.float32)
    rounded = thresholds.astype(np.float32)
    values[:, 0] = np.concatenate(
        [rounded, np.nextafter(rounded, np.float32(9)), np.nextafter(rounded, np.float32(-9))]
    )
    expected = classifier.predict_proba(values)
    np.testing.assert_allclose(convert_classifier(classifier).predict_probabilities(values), expected, atol=1 / 255)


def test_a_class_without_pixels_has_probability_0() -> None:
    classifier, values = build_classifier(classes=(0, 2))
    probabilities = convert_classifier(classifier).predict_probabilities(values)
    assert probabilities.shape == (900, 3)
    assert probabilities[:, 1].max() == 0
    np.testing.assert_allclose(probabilities[:, [0, 2]], classifier.predict_proba(values), atol=1 / 255)


def test_a_forest_survives_being_stored(forest: Forest) -> None:
    again = Forest.from_arrays(forest.to_arrays())
    values = np.random.default_rng(0).normal(size=(50, 6)).astype(np.float32)
    assert np.array_equal(again.predict_probabilities(values), forest.predict_probabilities(values))
    assert forest.n_parameters == 2 * len(forest.features) + forest.leaves.size


def change(forest: Forest, name: str, index: Any, value: Any) -> dict[str, NDArray[Any]]:
    arrays = {key: array.copy() for key, array in forest.to_arrays().items()}
    arrays[name][index] = value
    return arrays


def test_a_node_that_leads_back_is_refused(forest: Forest) -> None:
    for child in (0, 30_000, -30_000):
        with pytest.raises(ValueError, match="children that follow"):
            Forest.from_arrays(change(forest, "children", (0, 0), child))


def test_arrays_that_do_not_fit_are_refused(forest: Forest) -> None:
    arrays = forest.to_arrays()
    for changes in (
        {"thresholds": arrays["thresholds"][:-1]},
        {"thresholds": arrays["thresholds"].astype(np.float64)},
        {"leaves": arrays["leaves"][0]},
        {"roots": arrays["roots"][1:]},
        {"roots": arrays["roots"] + 1},
        {"roots": arrays["roots"][::-1]},
        {"first_leaves": arrays["first_leaves"] + 1},
        {"features": arrays["features"][:0]},
    ):
        with pytest.raises(ValueError, match=r"must|follow"):
            Forest.from_arrays({**arrays, **changes})
    with pytest.raises(ValueError, match="leaves"):
        Forest.from_arrays({name: array for name, array in arrays.items() if name != "leaves"})


def test_missing_features_are_refused(forest: Forest) -> None:
    with pytest.raises(ValueError, match="features"):
        forest.predict_probabilities(np.zeros((5, 2), np.float32))
