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
from wbcseg.ui.text import GLOSSARY

REGIONS: Final = ("nucleus", "cytoplasm", "cell")


def show_leakage() -> None:
    """Show what copies of the test pictures in training add to their scores."""
    st.markdown(
        "The thesis made flipped copies of all pictures before it parted them in training and test, so most test "
        "pictures had a copy in training. How much does that flatter? Here the same network learned twice by the "
        "thesis' recipe, from as many pictures and as long, and was tested on the same pictures: once some of the "
        "copies in training were of the test pictures, once none were. Nothing else differs."
    )
    found = data.load_leakage_pairs()
    if not found:
        st.info("This was not measured yet.", icon=":material/science:")
        st.code(
            "python -m wbcseg evaluate --cv 5 --preset published --width 16 --architecture unet\n"
            "python -m wbcseg evaluate --cv 5 --preset published --width 16 --architecture unet --leaking",
            language=None,
            wrap_lines=True,
        )
        return
    dice = METRICS["dice"]
    rows = []
    for leaking, fair in found:
        for region in REGIONS:
            one = data.compute_leakage_effect(leaking, fair, dice.name, region)
            note = f"{one.difference:+.4f} ({one.ci_low:+.4f} to {one.ci_high:+.4f}) on {one.n_pairs} pictures. {format_p_value(one.p_value)}"
            rows.append(Interval(format_region(region), leaking["title"], one.difference, one.ci_low, one.ci_high, note))
    charts.show_plotly_chart(
        charts.draw_interval_plot(rows, "Dice with the leak minus Dice without", zero=True, legend=True),
        "leak",
        "What the leak adds to the Dice, with 95 % confidence intervals: "
        + "; ".join(f"{row.group}, {row.label} {row.value:+.4f}" for row in rows),
    )
    for row in rows:
        st.markdown(f"- **{row.group}, {row.label.lower()}**: {row.note.replace('-', '−')}")
    st.caption(f"**Dice**: {dice.description} **Confidence interval**: {GLOSSARY['Confidence interval']}")
