"""What a leak is worth: the same training, with and without copies of the test pictures in it."""

from __future__ import annotations

from typing import Final

import streamlit as st

from wbcseg.evaluation.metric_specs import METRICS
from wbcseg.ui.compare import data
from wbcseg.ui.compare.selection import format_region
from wbcseg.ui.compare.unseen_cells import format_p_value
from wbcseg.ui.components import charts
from wbcseg.ui.components.charts import Interval
from wbcseg.ui.glossary import GLOSSARY

REGIONS: Final = ("nucleus", "cytoplasm", "cell")


def show_leakage() -> None:
    """Show what copies of the test pictures in training add to their scores."""
    st.markdown(
        "The thesis made flipped copies of all pictures before it parted them in training and test, so most test "
        "pictures had a copy in training. How much does that flatter? Here the same network learned twice by the "
        "thesis' recipe, from as many pictures and as long, and was tested on the same pictures: once some of the "
        "copies in training were of the test pictures, once none were. Nothing else differs."
    )
    leakage_pairs = data.load_leakage_pairs()
    if not leakage_pairs:
        st.info("This was not measured yet.", icon=":material/science:")
        st.code(
            "python -m wbcseg evaluate --cv 5 --preset thesis --base-filters 16 --architecture unet\n"
            "python -m wbcseg evaluate --cv 5 --preset thesis --base-filters 16 --architecture unet --leaky",
            language=None,
            wrap_lines=True,
        )
        return
    dice = METRICS["dice"]
    rows = []
    for leaky, leak_free in leakage_pairs:
        for region in REGIONS:
            paired = data.compute_leakage_effect(leaky, leak_free, dice.name, region)
            note = f"{paired.difference:+.4f} ({paired.ci_low:+.4f} to {paired.ci_high:+.4f}) on {paired.n_pairs} pictures. {format_p_value(paired.p_value)}"
            rows.append(
                Interval(format_region(region), leaky["title"], paired.difference, paired.ci_low, paired.ci_high, note)
            )
    charts.show_plotly_chart(
        charts.draw_interval_plot(rows, "Dice with the leak minus Dice without", mark_zero=True, show_legend=True),
        "leak",
        "What the leak adds to the Dice, with 95 % confidence intervals: "
        + "; ".join(f"{row.group}, {row.label} {row.value:+.4f}" for row in rows),
    )
    for row in rows:
        st.markdown(f"- **{row.group}, {row.label.lower()}**: {row.note.replace('-', '−')}")
    st.caption(f"**Dice**: {dice.description} **Confidence interval**: {GLOSSARY['Confidence interval']}")
