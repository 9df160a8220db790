"""What the reader compares on unseen cells: the study, metric, region and prediction mode."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import streamlit as st

from wbcseg.evaluation.comparison import MODE_LABELS, list_available_metrics
from wbcseg.evaluation.metric_specs import METRICS, MetricSpec
from wbcseg.evaluation.study_result import CrossValidationResult, PredictionMode
from wbcseg.ui.compare import data
from wbcseg.ui.compare.result_files import show_not_computed
from wbcseg.ui.formatting import MISSING_TEXT, format_region
from wbcseg.ui.glossary import GLOSSARY

PREDICTION_MODES: Final[dict[str, PredictionMode]] = {
    MODE_LABELS[mode].capitalize(): mode for mode in sorted(MODE_LABELS, reverse=True)
}
"""Prediction modes by label, test-time averaging first."""


@dataclass(frozen=True)
class Selection:
    """What to compare.

    Attributes:
        study: Name of the study.
        results: Its results, one for each network.
        metric: The metric.
        region: The region it is of.
        mode: Single pass or test-time averaging.
    """

    study: str
    results: tuple[CrossValidationResult, ...]
    metric: MetricSpec
    region: str
    mode: PredictionMode

    @property
    def titles(self) -> dict[str, str]:
        """Titles of the networks by architecture."""
        return {result.architecture: result.title for result in self.results}

    @property
    def axis_title(self) -> str:
        """Title of a chart axis."""
        unit = f" ({self.metric.unit})" if self.metric.unit else ""
        return f"{self.metric.title}, {format_region(self.region).lower()}{unit}"

    def format_value(self, value: float, *, show_sign: bool = False) -> str:
        """Format a value of the metric."""
        if math.isnan(value):
            return MISSING_TEXT
        digits = 2 if self.metric.unit else 4
        return f"{value:{'+' if show_sign else ''}.{digits}f}".replace("-", "−")


def select_mode(key: str, *, in_address: bool) -> PredictionMode:
    """Show a control for the prediction mode.

    Args:
        key: Key of the control.
        in_address: Whether the choice is a parameter of the page's address.
    """
    label = st.segmented_control(
        "Prediction",
        list(PREDICTION_MODES),
        default=next(iter(PREDICTION_MODES)),
        required=True,
        key=key,
        bind="query-params" if in_address else None,
        help=GLOSSARY["Test-time averaging"],
    )
    return PREDICTION_MODES[label]


def select_comparison() -> Selection | None:
    """Show controls for what to compare; the choices are in the address. Returns ``None`` if there are no results."""
    studies = data.load_studies()
    if not studies:
        show_not_computed("wbcseg cross-validate --folds 5 --dataset zheng-1")
        return None
    titles = {name: data.format_study(name, study_results) for name, study_results in studies.items()}
    with st.container(horizontal=True):
        study = st.selectbox(
            "Study",
            list(studies),
            format_func=titles.__getitem__,
            key="study",
            bind="query-params",
            width=360,
            help=f"{GLOSSARY['Cross-validation']}\n\n**Recipe** {GLOSSARY['Recipe']}",
        )
        metric = METRICS[
            st.selectbox(
                "Metric",
                [metric.name for metric in list_available_metrics(studies[study])],
                format_func=lambda name: METRICS[name].title,
                key="metric",
                bind="query-params",
                width=240,
            )
        ]
        region = st.selectbox(
            "Region",
            metric.regions,
            format_func=format_region,
            key=f"region_{len(metric.regions)}_{metric.regions[0].partition(' ')[0]}",
            bind="query-params",
            width=200,
        )
        mode = select_mode("mode", in_address=True)
    st.caption(f"**{metric.title}**: {metric.description}")
    return Selection(study, tuple(studies[study]), metric, region, mode)
