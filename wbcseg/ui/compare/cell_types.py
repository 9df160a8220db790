"""How well the type model tells cells apart that it did not learn from: scores by test and prior, and confusions."""

from __future__ import annotations

from typing import Final

import streamlit as st

from wbcseg.celltypes import PRIOR_LABELS, TYPE_NAMES
from wbcseg.evaluation.types import TypeScore, TypesResult, load_types_result
from wbcseg.metrics.proportions import compute_wilson_interval
from wbcseg.ui.cell_types import PRIOR_TITLES, get_type_model
from wbcseg.ui.compare.result_files import show_not_computed
from wbcseg.ui.components.table import show_table
from wbcseg.ui.formatting import MISSING_TEXT, escape_markdown, format_percent
from wbcseg.ui.glossary import GLOSSARY

TAB_TITLE: Final = "Cell types"

TEST_TITLES: Final = {
    "pbc": "PBC (Barcelona)",
    "pbc-images": "PBC, whole images",
    "zheng-1": "Zheng 1 (Jiangxi)",
    "zheng-2": "Zheng 2 (CellaVision blog)",
    "lisc": "LISC (Tehran), whole fields",
}
"""Titles of the tests."""

SCORE_HEADER: Final = ["Test", "Prior", "Cells", "Accuracy", "Typed", "Accuracy of the typed", "ECE"]

DATA_SETS: Final = {
    "pbc": "pbc",
    "pbc-images": "pbc",
    "zheng-1": "segmentation_WBC",
    "zheng-2": "segmentation_WBC",
    "lisc": "lisc-fields",
}
"""Where the cells of the tests are from, by the names in the card of the type model."""


def show_cell_types() -> None:
    """Show the scores of the type model, and which types it confuses."""
    result = load_types_result()
    if result is None or not result.scores:
        show_not_computed("wbcseg types evaluate")
        return
    st.markdown(
        "The type model says what each segmented cell is. It was tested on cells that it did not learn from, under "
        "each prior: how common the types are taken to be before a cell is looked at."
    )
    model = get_type_model()
    if model is not None and model.card.files["network"].sha256 != result.network:
        st.warning("These scores are of another version of the type model than the one here.", icon=":material/info:")
    _show_seen(result)
    _show_scores(result)
    _show_confusions(result)
    _show_comparison(result)


def _show_seen(result: TypesResult) -> None:
    """Say what the type model has seen of the laboratory of each test."""
    seen = _list_seen()
    lines = ["What it has seen of the data set that each test is from:"]
    for name in dict.fromkeys(score.name for score in result.scores):
        use = seen.get(DATA_SETS.get(name, name))
        text = f"other images: {use}" if use else "**nothing; a laboratory that it does not know**"
        lines.append(f"- {_get_title(name)}: {text}.")
    st.markdown("\n".join(lines))


def _show_scores(result: TypesResult) -> None:
    st.subheader("Scores", help=GLOSSARY["Prior"])
    show_table(SCORE_HEADER, [_format_row(score) for score in result.scores], "Scores of the type model")
    st.caption(
        f"With 95 % intervals (Wilson). A cell is typed if its likeliest type has at least "
        f"{format_percent(result.min_confidence, 0)}; others are unsure. Priors: "
        + "; ".join(f"{PRIOR_TITLES[name]}, {PRIOR_LABELS[name]}" for name in PRIOR_LABELS)
        + ". **ECE**: expected calibration error, the mean difference between probability and accuracy. In whole "
        "fields and images, the cells are found first: those that are not found are not among the cells of the test."
    )


def _format_row(score: TypeScore) -> list[str]:
    return [
        _get_title(score.name),
        PRIOR_TITLES.get(score.prior, score.prior),
        f"{score.cells} ({score.missed} more not found)" if score.missed else str(score.cells),
        _format_share(score.accuracy, score.cells),
        _format_share(score.typed, score.cells),
        _format_share(score.typed_accuracy, round((score.typed or 0) * score.cells)),
        MISSING_TEXT if score.ece is None else f"{score.ece:.3f}",
    ]


def _show_comparison(result: TypesResult) -> None:
    """Show the scores of other models on the same tests."""
    if not result.comparison:
        return
    st.subheader("Other models")
    name = st.selectbox("Model", list(result.comparison), key="types_other", width=360)
    show_table(SCORE_HEADER, [_format_row(score) for score in result.comparison[name]], f"Scores of {name}")
    st.caption("These models learned no type from Zheng 1 and 2, and are tested on all cells of both.")


def _show_confusions(result: TypesResult) -> None:
    st.subheader("Which types are confused?")
    with st.container(horizontal=True, vertical_alignment="bottom"):
        names = list(dict.fromkeys(score.name for score in result.scores))
        name = st.selectbox("Test", names, format_func=_get_title, key="types_test", width=260)
        priors = [score.prior for score in result.scores if score.name == name]
        prior = st.selectbox(
            "Prior", priors, format_func=lambda prior: PRIOR_TITLES.get(prior, prior), key="types_prior", width=150
        )
    score = next(score for score in result.scores if (score.name, score.prior) == (name, prior))
    show_table(*build_confusion_table(score), f"Confusions, {_get_title(score.name)}")
    st.caption("Rows: what the cell is, by the experts. Columns: the likeliest type, also where the cell is unsure.")


def build_confusion_table(score: TypeScore) -> tuple[list[str], list[list[str]]]:
    """Return a confusion matrix as a header and rows; types that do not occur and were never said are left out.

    Args:
        score: The scores of a test.
    """
    matrix = score.confusions
    columns = [index for index in range(len(TYPE_NAMES)) if any(matrix[index]) or any(row[index] for row in matrix)]
    header = ["Is ↓ · said →", *(TYPE_NAMES[index].capitalize() for index in columns), "Right"]
    rows = []
    for index in columns:
        counts, total = matrix[index], sum(matrix[index])
        texts = [f"**{counts[other]}**" if other == index else str(counts[other] or "·") for other in columns]
        right = _format_share(counts[index] / total, total) if total else MISSING_TEXT
        rows.append([TYPE_NAMES[index].capitalize(), *texts, right])
    return header, rows


def _list_seen() -> dict[str, str]:
    """Return what the type model was trained on, by data set."""
    model = get_type_model()
    return {} if model is None else {data.name: escape_markdown(data.use) for data in model.card.training_data}


def _get_title(name: str) -> str:
    return TEST_TITLES.get(name, name)


def _format_share(share: float | None, total: int) -> str:
    """Return a share in percent with its 95 % interval."""
    if share is None or not total:
        return MISSING_TEXT
    low, high = compute_wilson_interval(round(share * total), total)
    # Without spaces that may break.
    return f"{100 * share:.1f}\N{NO-BREAK SPACE}% ({100 * low:.0f}–{100 * high:.0f})".replace(
        " (", "\N{NO-BREAK SPACE}("
    )
