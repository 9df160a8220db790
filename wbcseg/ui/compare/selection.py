"""What the reader wants compared on unseen cells: which test, which figure, of which region."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import streamlit as st

from wbcseg.evaluation.comparison import PredictionMode
from wbcseg.evaluation.metric_specs import METRICS, MetricSpec
from wbcseg.ui.compare import data
from wbcseg.ui.compare.data import StudyResult
from wbcseg.ui.glossary import GLOSSARY

PREDICTION_MODES: Final[dict[str, PredictionMode]] = {"Careful": "tta", "One look": "single"}
REGION_TITLES: Final = {"cell": "Whole cell", "picture": "Whole picture"}


@dataclass(frozen=True)
class Selection:
    """What the reader asked for.

    Attributes:
        study: The study.
        results: Its results, one a network.
        metric: What is measured.
        region: Of which region.
        mode: One look, or the careful way.
    """

    study: str
    results: tuple[StudyResult, ...]
    metric: MetricSpec
    region: str
    mode: PredictionMode

    @property
    def axis_title(self) -> str:
        """Title of an axis of the figure."""
        unit = f" ({self.metric.unit})" if self.metric.unit else ""
        return f"{self.metric.title}, {format_region(self.region).lower()}{unit}"

    def format_value(self, value: float, *, show_sign: bool = False) -> str:
        """Write a value of the figure."""
        if math.isnan(value):
            return "–"
        digits = 2 if self.metric.unit else 4
        return f"{value:{'+' if show_sign else ''}.{digits}f}".replace("-", "−")


def format_region(region: str) -> str:
    """Return what the page calls a region."""
    return REGION_TITLES.get(region, region.capitalize())


def select_comparison() -> Selection | None:
    """Ask what to compare; the answer lives in the address. Return ``None`` where there is no result yet."""
    studies = data.load_studies()
    if not studies:
        st.info("There is no cross-validation yet.", icon=":material/science:")
        st.code("python -m wbcseg evaluate --cv 5 --dataset zheng-1", language=None, wrap_lines=True)
        return None
    titles = {name: data.format_study(name, study_results) for name, study_results in studies.items()}
    with st.container(horizontal=True):
        study = st.selectbox(
            "Test",
            list(studies),
            format_func=titles.__getitem__,
            key="study",
            bind="query-params",
            width=360,
            help=f"{GLOSSARY['Cross-validation']}\n\n**Recipe** {GLOSSARY['Recipe']}",
        )
        metric = METRICS[
            st.selectbox(
                "Figure",
                list(METRICS),
                format_func=lambda name: METRICS[name].title,
                key="figure",
                bind="query-params",
                width=240,
            )
        ]
        region = st.selectbox(
            "Of",
            metric.regions,
            format_func=format_region,
            key=f"region_{len(metric.regions)}_{metric.regions[0].partition(' ')[0]}",
            bind="query-params",
            width=200,
        )
        mode = st.segmented_control(
            "Prediction",
            list(PREDICTION_MODES),
            default=next(iter(PREDICTION_MODES)),
            required=True,
            key="look",
            bind="query-params",
            help=GLOSSARY["Test-time averaging"],
        )
    st.caption(f"**{metric.title}**: {metric.description}")
    return Selection(study, tuple(studies[study]), metric, region, PREDICTION_MODES[mode])
