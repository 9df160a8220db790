"""The differential count on a page: a table by type for each sample, and its download."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import streamlit as st

from wbcseg.differential import (
    ADULT_RANGES,
    DIFFERENTIAL_FILE,
    REFERENCE_SOURCE,
    REFERENCE_URL,
    TYPE_COLOURS,
    Differential,
    TypeCount,
    build_differential_rows,
    count_types,
    describe_rest,
)
from wbcseg.export import encode_csv
from wbcseg.pipeline import ImageResult
from wbcseg.ui.cell_types import PRIOR_TITLES, get_prior, select_prior
from wbcseg.ui.components.downloads import uses_decimal_comma
from wbcseg.ui.counting import get_edge_rule
from wbcseg.ui.formatting import MISSING_TEXT, escape_markdown
from wbcseg.ui.state import get_saved_choices, restore_widget, save_widget
from wbcseg.ui.workbench.cells import WorkbenchCell
from wbcseg.ui.workbench.samples import ALL_IMAGES, select_samples

REFERENCE_KEY = "workbench_reference"


def show_differential(cells: Sequence[WorkbenchCell], results: Sequence[ImageResult]) -> dict[str, list[str]]:
    """Show the differential count of a sample. Return the names of the images of each sample.

    Args:
        cells: The cells.
        results: The results of all images.
    """
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="differential_head"):
        st.markdown("**Differential count**", width="content")
        with st.popover("Samples", icon=":material/tune:"):
            samples = select_samples([result.name for result in results])
            restore_widget(REFERENCE_KEY, False)
            with_reference = st.toggle(
                "Reference ranges of adults", key=REFERENCE_KEY, on_change=save_widget, args=(REFERENCE_KEY,)
            )
            select_prior("workbench_prior")
        names = list(samples)
        index = 0
        if len(names) > 1:
            chosen = st.selectbox("Sample", names, key="workbench_sample", width=260, label_visibility="collapsed")
            index = names.index(chosen) if chosen in names else 0
        differentials = count_samples(cells, samples, with_reference=with_reference)
    show_count(differentials[index])
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="differential_rest"):
        st.markdown(escape_markdown(_describe_rest(differentials[index])))
        rows, choices = build_differential_rows(differentials), get_saved_choices()
        st.download_button(
            "Download differential count (CSV)",
            lambda: encode_csv(rows, decimal_comma=uses_decimal_comma(choices)),
            DIFFERENTIAL_FILE,
            "text/csv",
            icon=":material/table:",
            on_click="ignore",
        )
    if with_reference:
        st.caption(
            f"Reference ranges: [{REFERENCE_SOURCE}]({REFERENCE_URL}); band neutrophils count as neutrophils here. "
            "Ranges depend on the laboratory, method and population. A value outside them is no diagnosis."
        )
    return samples


def count_samples(
    cells: Sequence[WorkbenchCell], samples: Mapping[str, Sequence[str]], *, with_reference: bool = False
) -> list[Differential]:
    """Return the differential count of each sample.

    Args:
        cells: The cells.
        samples: Names of the images of each sample.
        with_reference: Whether to compare with the reference ranges of adults.
    """
    by_image: dict[str, list[WorkbenchCell]] = {}
    for cell in cells:
        by_image.setdefault(cell.result.name, []).append(cell)
    return [
        count_types(
            (cell.cell for name in names for cell in by_image.get(name, ())),
            sample="" if sample == ALL_IMAGES else sample,
            edge_rule=get_edge_rule(),
            references=ADULT_RANGES if with_reference else None,
        )
        for sample, names in samples.items()
    ]


def show_count(differential: Differential) -> None:
    """Show a differential count as a table.

    Args:
        differential: The count.
    """
    # Styled by ``batch.css``: a column for each type; on a phone, a row.
    st.html(render_count_html(differential))


def _describe_rest(differential: Differential) -> str:
    """Return what is not part of a count, and the prior of the types."""
    prior = get_prior()
    return describe_rest(differential) + (f" Prior of types: {PRIOR_TITLES[prior].lower()}." if prior else "")


def render_count_html(differential: Differential) -> str:
    """Return a differential count as an HTML table: a row for each type.

    Args:
        differential: The count.
    """
    with_reference = any(item.reference for item in differential.types)
    header = ["Type", "Cells", "%", "95 % interval", "per 100 / 200", *(["Reference, %"] if with_reference else [])]
    head = "".join(f'<th role="columnheader" scope="col">{text}</th>' for text in header)
    body = "".join(_render_type(item, with_reference) for item in differential.types)
    return (
        f'<div class="differential has-{len(header)}" role="region" tabindex="0" aria-label="Differential count">'
        '<table role="table">'
        f'<thead role="rowgroup"><tr role="row">{head}</tr></thead><tbody role="rowgroup">{body}</tbody></table></div>'
    )


def _render_type(item: TypeCount, with_reference: bool) -> str:
    is_defined = not math.isnan(item.percent)
    texts = [
        f"<b>{item.count}</b>",
        f"<b>{item.percent:.1f}</b>" if is_defined else MISSING_TEXT,
        f"{item.low:.1f} to {item.high:.1f}" if is_defined else MISSING_TEXT,
        f"{item.per_100} / {item.per_200}" if is_defined else MISSING_TEXT,
    ]
    texts += [_describe_reference(item)] if with_reference else []
    dot = f'<i style="background:{TYPE_COLOURS[item.type]}"></i>'
    cells = "".join(f'<td role="cell">{text}</td>' for text in texts)
    return f'<tr role="row"><th role="rowheader" scope="row">{dot}{item.type.capitalize()}</th>{cells}</tr>'


def _describe_reference(item: TypeCount) -> str:
    if item.reference is None:
        return MISSING_TEXT
    lowest, highest = item.reference
    text = f"{lowest:g} to {highest:g}"
    if item.position in ("below", "above"):
        # The interval may still reach into the range.
        text += f" · <b>{item.position}</b>" if item.is_clearly_outside else f" · {item.position}, could be chance"
    return text
