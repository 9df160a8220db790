"""The metrics of an image, against scikit-learn and by hand; a metric can be added."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator

import numpy as np
import pytest
from builders import draw_cell
from sklearn.metrics import accuracy_score, f1_score, jaccard_score

from wbcseg.errors import ConfigError
from wbcseg.evaluation.metric_specs import (
    ALL_CLASSES,
    CELL_CLASSES,
    METRICS,
    WHOLE_IMAGE,
    MetricSpec,
    compute_metrics,
    get_metric,
    register_metric,
)
from wbcseg.labels import Labels
from wbcseg.metrics import get_region_mask

TRUTH = draw_cell(60, 70)[1]
PREDICTION = np.roll(TRUTH, 2, axis=1)


def test_overlap_metrics_equal_those_of_scikit_learn() -> None:
    values = compute_metrics(TRUTH, PREDICTION)
    a, b = TRUTH.ravel(), PREDICTION.ravel()
    for class_id, name in enumerate(("background", "cytoplasm", "nucleus")):
        assert get_metric(values, "dice", name) == pytest.approx(f1_score(a == class_id, b == class_id), abs=1e-5)
        jaccard = jaccard_score(a == class_id, b == class_id)
        assert get_metric(values, "jaccard", name) == pytest.approx(jaccard, abs=1e-5)
    assert get_metric(values, "dice", "cell") == pytest.approx(f1_score(a > 0, b > 0), abs=1e-5)
    assert get_metric(values, "accuracy", WHOLE_IMAGE) == pytest.approx(accuracy_score(a, b), abs=1e-5)
    assert get_metric(values, "macro_dice", ALL_CLASSES) == pytest.approx(f1_score(a, b, average="macro"), abs=1e-5)
    cell_classes = f1_score(a, b, average="macro", labels=[1, 2])
    assert get_metric(values, "macro_dice", CELL_CLASSES) == pytest.approx(cell_classes, abs=1e-5)


def test_a_shift_of_two_pixels_is_just_within_the_tolerance() -> None:
    values = compute_metrics(TRUTH, PREDICTION)
    assert get_metric(values, "surface_dice", "nucleus") == 1.0
    assert get_metric(values, "hausdorff_95", "nucleus") <= 2.0
    further = compute_metrics(TRUTH, np.roll(TRUTH, 9, axis=1))
    assert get_metric(further, "surface_dice", "nucleus") < 0.8
    assert 5.0 < get_metric(further, "hausdorff_95", "nucleus") <= 9.0


def test_a_class_in_neither_mask_is_undefined_also_in_a_file() -> None:
    truth = np.where(TRUTH == 2, 1, TRUTH).astype(np.uint8)
    values = json.loads(json.dumps(compute_metrics(truth, truth)))
    assert values["dice"]["nucleus"] is None
    for name in ("dice", "jaccard", "surface_dice", "hausdorff_95"):
        assert math.isnan(get_metric(values, name, "nucleus"))
        assert not math.isnan(get_metric(values, name, "cell"))
    assert get_metric(values, "macro_dice", CELL_CLASSES) == 1.0


def test_a_false_positive_class_gets_the_worst_value() -> None:
    truth = np.where(TRUTH == 2, 1, TRUTH).astype(np.uint8)
    values = compute_metrics(truth, TRUTH)
    assert get_metric(values, "dice", "nucleus") == 0.0
    assert get_metric(values, "surface_dice", "nucleus") == 0.0
    assert get_metric(values, "hausdorff_95", "nucleus") == pytest.approx(math.hypot(60, 70), abs=1e-4)


def test_every_metric_has_a_definition_and_a_value_for_each_region() -> None:
    values = compute_metrics(TRUTH, PREDICTION)
    for metric in METRICS.values():
        assert len(metric.description) > 40
        assert all(not math.isnan(get_metric(values, metric.name, region)) for region in metric.regions)
        assert metric.absent_value == (0.0 if metric.lower_is_better else 1.0)


@pytest.fixture
def unchanged_registry() -> Iterator[None]:
    """Remove the metrics that a test registers."""
    before = set(METRICS)
    yield
    for name in set(METRICS) - before:
        del METRICS[name]


def new_metric(truth: Labels, labels: Labels, region: str) -> float:
    areas = [int(get_region_mask(mask, region).sum()) for mask in (truth, labels)]
    return abs(areas[1] - areas[0]) / areas[0] if areas[0] else math.nan


@pytest.mark.usefixtures("unchanged_registry")
def test_a_registered_metric_is_computed_and_undefined_in_older_results() -> None:
    older = compute_metrics(TRUTH, PREDICTION)
    spec = MetricSpec(
        "new_metric",
        "New metric",
        "Difference of the areas, divided by the expert's area.",
        ("nucleus", "cell"),
        new_metric,
        absent_value=0.0,
        lower_is_better=True,
    )
    assert register_metric(spec) is METRICS["new_metric"]
    values = compute_metrics(TRUTH, np.where(TRUTH == 2, 1, TRUTH).astype(np.uint8))
    assert values["new_metric"] == {"nucleus": 1.0, "cell": 0.0}
    assert get_metric(values, "new_metric", "nucleus") == 1.0
    assert math.isnan(get_metric(older, "new_metric", "nucleus"))
    with pytest.raises(ConfigError, match="already"):
        register_metric(spec)


@pytest.mark.parametrize(
    "changes",
    [
        {"name": "a.b"},
        {"regions": ("sky",)},
        {"regions": ()},
        {"compute": None},
        {"derive": lambda *_: 0.0},
    ],
)
def test_an_invalid_metric_is_rejected(changes: dict[str, object]) -> None:
    before = dict(METRICS)
    fields: dict[str, object] = {"name": "new", "regions": ("cell",), "compute": new_metric, **changes}
    with pytest.raises(ConfigError):
        register_metric(MetricSpec(title="New", description="", **fields))  # type: ignore[arg-type]
    assert dict(METRICS) == before
