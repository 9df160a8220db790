"""Technical terms are explained one click away."""

from pathlib import Path

from streamlit.testing.v1 import AppTest

from wbcseg.quality import STATUS_LABELS
from wbcseg.ui.glossary import FEATURE_TERMS, GLOSSARY, QUALITY_TERMS, render_markdown


def show_two_terms():
    from wbcseg.ui.glossary import show_glossary

    show_glossary("Dice", "Mask", paragraphs=["More about masks."])


def test_the_glossary_shows_the_terms_in_order_and_then_the_paragraphs():
    at = AppTest.from_function(show_two_terms).run()
    assert [element.value for element in at.markdown] == [
        f"**Dice** · {GLOSSARY['Dice']}",
        f"**Mask** · {GLOSSARY['Mask']}",
        "More about masks.",
    ]


def test_every_quality_status_and_group_of_terms_is_explained():
    assert {*FEATURE_TERMS, *QUALITY_TERMS, *STATUS_LABELS.values()} <= set(GLOSSARY)


def test_explanations_are_whole_sentences():
    assert not [
        term for term, text in GLOSSARY.items() if not (text[0].isupper() or text[0].isdigit()) or text[-1] != "."
    ]


def test_the_glossary_in_the_documents_is_that_of_the_pages() -> None:
    document = Path(__file__).parents[2] / "docs" / "glossary.md"
    assert document.read_text(encoding="utf-8") == render_markdown(), (
        "Update it: python -c \"from wbcseg.ui.glossary import *; print(render_markdown(), end='')\" > docs/glossary.md"
    )
