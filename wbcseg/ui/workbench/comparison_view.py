"""Two samples or two readers compared, on a page."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Final

import streamlit as st

from wbcseg.differential import (
    ReaderComparison,
    SampleComparison,
    compare_readers,
    compare_samples,
    compare_with_model,
)
from wbcseg.errors import WbcsegError
from wbcseg.pipeline.session_file import read_session
from wbcseg.ui.components.table import show_table
from wbcseg.ui.formatting import MISSING_TEXT, escape_markdown, pluralise
from wbcseg.ui.uploads.drop_area import MAX_UPLOAD_MB
from wbcseg.ui.workbench.cells import WorkbenchCell
from wbcseg.ui.workbench.differential_view import count_samples

SAMPLES: Final = "Two samples"
READERS: Final = "Person and type model"
SESSIONS: Final = "Another session"


def show_comparison(cells: Sequence[WorkbenchCell], samples: Mapping[str, Sequence[str]]) -> None:
    """Let the user compare two samples, or a person with the type model.

    Args:
        cells: The cells.
        samples: Names of the images of each sample.
    """
    kind = st.segmented_control(
        "Compare",
        (SAMPLES, READERS, SESSIONS),
        default=SAMPLES,
        required=True,
        key="workbench_compare",
        label_visibility="collapsed",
    )
    if kind == READERS:
        show_readers(compare_with_model(cell.cell for cell in cells))
        return
    if kind == SESSIONS:
        _compare_with_session(cells)
        return
    with st.container(horizontal=True, vertical_alignment="bottom"):
        differentials = count_samples(cells, samples)
        names = [item.sample for item in differentials]
        if len(differentials) < 2:
            st.info("There is one sample. *Samples* at the top says how images form them.", icon=":material/info:")
            return
        first = st.selectbox("First sample", names, key="workbench_first", width=260)
        second = st.selectbox("Second sample", names, index=1, key="workbench_second", width=260)
    show_samples(compare_samples(differentials[names.index(first)], differentials[names.index(second)]))


def _compare_with_session(cells: Sequence[WorkbenchCell]) -> None:
    """Ask for the session file of another reader of the same images, and show how far both agree."""
    file = st.file_uploader(
        "Session file of another reader", type="zip", key="workbench_other", max_upload_size=MAX_UPLOAD_MB, width=480
    )
    if file is None:
        st.caption("Both must have the same images; cells are matched by image and number.")
        return
    try:
        session, _ = read_session(file.getvalue(), file.name)
    except WbcsegError as error:
        st.error(escape_markdown(str(error)), icon=":material/error:")
        return
    first = {(cell.result.digest, cell.cell.id): cell.cell.type for cell in cells}
    second = {
        (image.digest, cell.id): cell.assigned_type or cell.predicted_type
        for image in session.images
        for cell in image.cells
    }
    show_readers(compare_readers(first, second, ("This session", "The other one")))


def show_samples(comparison: SampleComparison) -> None:
    """Show how the shares of the types differ between two samples."""
    first, second = comparison.first, comparison.second
    header = ["Type", f"{escape_markdown(first.sample)}, %", f"{escape_markdown(second.sample)}, %"]
    rows = []
    for one, other, difference in zip(first.types, second.types, comparison.differences, strict=True):
        interval = MISSING_TEXT
        if not math.isnan(difference.difference):
            interval = f"{difference.difference:+.1f} ({difference.low:+.1f} to {difference.high:+.1f})"
            interval = f"**{interval}**" if difference.is_clear else interval
        rows.append([one.type.capitalize(), _format(one.percent), _format(other.percent), interval])
    show_table([*header, "Difference (95 % interval)"], rows, "Comparison of two samples")
    st.caption(
        f"{pluralise(first.total, 'cell')} and {pluralise(second.total, 'cell')} with a type. Differences in "
        "percentage points; bold where the interval does not include 0."
    )


def show_readers(comparison: ReaderComparison) -> None:
    """Show how far two readers agree."""
    if not comparison.total:
        st.info(
            f"{comparison.names[1]} and {comparison.names[0].lower()} have given no cell a type in common yet.",
            icon=":material/info:",
        )
        return
    low, high = comparison.agreement_interval
    text = (
        f"**{comparison.agreed} of {comparison.total} cells** have the same type: {100 * comparison.agreement:.1f} % "
        f"(95 % interval {100 * low:.1f} to {100 * high:.1f})."
    )
    if not math.isnan(comparison.kappa):
        low, high = comparison.kappa_interval
        text += f" Cohen's kappa {comparison.kappa:.2f} ({low:.2f} to {high:.2f})."
    if comparison.left_out:
        text += f" {pluralise(comparison.left_out, 'cell')} without a type by both of them left out."
    st.markdown(text)
    titles = [name.capitalize() for name in comparison.types]
    rows = [
        [title, *(f"**{count}**" if row == column else str(count) for column, count in enumerate(counts))]
        for row, (title, counts) in enumerate(zip(titles, comparison.confusion, strict=True))
    ]
    first, second = map(escape_markdown, comparison.names)
    show_table([f"{first} ↓ · {second} →", *titles], rows, "Types by both readers")


def _format(percent: float) -> str:
    return MISSING_TEXT if math.isnan(percent) else f"{percent:.1f}"
