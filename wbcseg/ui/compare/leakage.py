"""The effect of data leakage: the same training with and without copies of the test images in it."""

from __future__ import annotations

from typing import Final

import streamlit as st

from wbcseg.evaluation.metric_specs import METRICS
from wbcseg.metrics import FOREGROUND_REGIONS
from wbcseg.models.looks import get_look
from wbcseg.ui.compare import data
from wbcseg.ui.compare.ranking.sentences import format_p_value
from wbcseg.ui.compare.result_files import show_not_computed
from wbcseg.ui.components import charts
from wbcseg.ui.components.charts import Interval, get_network_style
from wbcseg.ui.formatting import format_region
from wbcseg.ui.glossary import GLOSSARY

TAB_TITLE: Final = "Effect of data leakage"
COMMAND: Final = "wbcseg cross-validate --folds 5 --preset thesis --base-filters 16 --architecture unet"


def show_leakage() -> None:
    """Show how much copies of the test images in training raise the scores."""
    st.markdown(
        "The thesis made flipped copies of all images before it split them into training and test set, so most test "
        "images had a copy in training. How much does this raise the scores? Here, the same network was trained twice "
        "with the thesis' recipe, on the same number of images and for the same number of epochs, and tested on the "
        "same images. In one case, some of the training copies were of test images; in the other, none were. Nothing "
        "else differs."
    )
    leakage_pairs = data.load_leakage_pairs()
    if not leakage_pairs:
        show_not_computed(COMMAND, f"{COMMAND} --leaky")
        return
    dice = METRICS["dice"]
    rows = []
    for leaky, leak_free in leakage_pairs:
        for region in FOREGROUND_REGIONS:
            effect = data.compute_leakage_effect(leaky, leak_free, dice.name, region)
            rows.append(
                Interval(
                    format_region(region),
                    get_look(leaky.architecture).title,
                    effect.difference,
                    effect.ci_low,
                    effect.ci_high,
                    f"{effect.difference:+.4f} ({effect.ci_low:+.4f} to {effect.ci_high:+.4f}) on {effect.n_pairs} "
                    f"images. {format_p_value(effect.p_value)}",
                    get_network_style(leaky.architecture),
                )
            )
    charts.show_plotly_chart(
        charts.draw_interval_plot(rows, "Dice with leakage minus Dice without", mark_zero=True, show_legend=True),
        "leakage",
        "Increase of the Dice by data leakage, with 95% confidence intervals: "
        + "; ".join(f"{row.group}, {row.label} {row.value:+.4f}" for row in rows),
    )
    for row in rows:
        st.markdown(f"- **{row.group}, {row.label.lower()}**: {row.note.replace('-', '−')}")
    st.caption(f"**Dice**: {dice.description} **Confidence interval**: {GLOSSARY['Confidence interval']}")
