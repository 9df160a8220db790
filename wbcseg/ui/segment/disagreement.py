"""Say where models disagree."""

from __future__ import annotations

from collections.abc import Mapping

import streamlit as st

from wbcseg.inference import ModelEntry
from wbcseg.pipeline import Disagreement
from wbcseg.pipeline.disagreement import USUAL_DICE
from wbcseg.ui.formatting import escape_markdown, pluralise

_REGION_TITLES = {"nucleus": "nucleus", "cell": "whole cell"}


def format_disagreement(disagreement: Disagreement) -> str:
    """Return on what models disagree in one line, such as “Models disagree on the nucleus (Dice 0.71, usually …)”."""
    if disagreement.is_field_of_view:
        return f"Models disagree on {pluralise(disagreement.cell_count, 'cell')}"
    titles = " and ".join(_REGION_TITLES[region] for region in disagreement.regions)
    dice = " and ".join(f"{disagreement.dice[region]:.2f}" for region in disagreement.regions)
    usual = " and ".join(f"{USUAL_DICE[region]:.2f}" for region in disagreement.regions)
    return f"Models disagree on the {titles} (Dice {dice}, usually above {usual})"


def show_disagreement(disagreement: Disagreement | None, entries: Mapping[str, ModelEntry]) -> None:
    """Show on what models disagree, and which of them agree least.

    Args:
        disagreement: Where they disagree, or ``None``.
        entries: The models by name.
    """
    if disagreement is None:
        return
    first, second = (escape_markdown(entries[name].title) for name in disagreement.models)
    st.warning(
        f"{escape_markdown(format_disagreement(disagreement))}. Least alike: {first} and {second}. The places are "
        "marked on the image with dashed lines; at least one of the models is wrong there.",
        icon=":material/compare:",
    )
