"""All scores of a study as tables to download."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import streamlit as st

from wbcseg.evaluation import comparison
from wbcseg.evaluation.study_result import StudyResult
from wbcseg.export import encode_csv
from wbcseg.io.filenames import make_safe_stem
from wbcseg.ui.compare.ranking.selection import Selection
from wbcseg.ui.components.downloads import select_decimal_comma, uses_decimal_comma
from wbcseg.ui.state import get_saved_choices


def show_downloads(selection: Selection) -> None:
    """Offer all data of the tab as tables."""
    st.subheader("Download")
    # Taken along, because a click does not run the page.
    choices = get_saved_choices()
    results = [replace(entry.result, title=entry.title) for entry in selection.entries]
    tables = {
        "Scores of all images (CSV)": ("scores", comparison.build_score_rows),
        "Differences between networks (CSV)": ("differences", comparison.build_comparison_rows),
    }
    with st.container(horizontal=True, vertical_alignment="center"):
        select_decimal_comma()
        for label, (name, build_rows) in tables.items():
            st.download_button(
                label,
                partial(_encode_table, build_rows, results, choices),
                f"{make_safe_stem(selection.study, set())}-{name}.csv",
                "text/csv",
                icon=":material/download:",
                on_click="ignore",
            )


def _encode_table(
    build_rows: Callable[[Sequence[StudyResult]], Iterable[Sequence[str]]],
    results: Sequence[StudyResult],
    choices: Mapping[str, Any],
) -> bytes:
    return encode_csv(build_rows(results), decimal_comma=uses_decimal_comma(choices))
