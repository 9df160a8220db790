"""Names and figures as text, and words that are explained."""

import ast
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wbcseg.ui.formatting import (
    escape_markdown,
    format_dataset_name,
    format_difference,
    format_percent,
    format_score,
    format_size,
    get_local_id,
)
from wbcseg.ui.glossary import GLOSSARY
from wbcseg.ui.train.fields import format_dataset

UI = Path(__file__).parents[2] / "wbcseg" / "ui"


@pytest.mark.parametrize(
    "name",
    [
        "<script>alert(1)</script>",
        "**bold** and `code`",
        ":material/home: :red[x] :smile:",
        "$x^2$",
        "[a](javascript:alert(1))",
        "=HYPERLINK(1)",
        "a|b",
    ],
)
def test_every_sign_that_means_something_is_escaped(name):
    plain = re.sub(r"\\(.)", "", escape_markdown(name))
    assert not re.search(r"[<>*`$\[\]()|:=]", plain)


@given(st.text())
def test_escaping_keeps_the_letters(text):
    shown = re.sub(r"\\([!-/:-@\[-`{-~])", r"\1", escape_markdown(text)).replace(":\u2060", ":")
    assert shown == re.sub(r"[\x00-\x1f\x7f]+", " ", text)


def test_figures():
    assert format_score(0.98765) == "0.988"
    assert format_score(float("nan")) == "n/a – class absent"
    assert format_percent(0.12345) == "12.3\u00a0%"
    assert format_size((100, 104)) == "104 × 100"


def test_names():
    assert format_dataset_name("zheng-1") == "Zheng 1"
    assert get_local_id("zheng-1/007") == "007"
    assert get_local_id("007") == "007"


def list_explained_terms(source):
    """Return the terms that a script explains: the literal keys of GLOSSARY and arguments of show_glossary."""
    terms = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Subscript) and ast.unparse(node.value) == "GLOSSARY":
            literals = ast.walk(node.slice)
        elif isinstance(node, ast.Call) and ast.unparse(node.func).split(".")[-1].startswith("show_glossary"):
            literals = (literal for argument in node.args for literal in ast.walk(argument))
        else:
            continue
        terms |= {literal.value for literal in literals if isinstance(literal, ast.Constant)}
    return terms


def test_every_term_that_the_pages_explain_is_in_the_glossary():
    scripts = [*UI.rglob("*.py"), *(UI.parents[1] / "pages").glob("*.py")]
    terms = set().union(*(list_explained_terms(script.read_text("utf-8")) for script in scripts))
    assert len(terms) > 30
    assert terms <= set(GLOSSARY)


def test_streamlit_is_imported_by_the_faces_only():
    core = [path for path in UI.parent.rglob("*.py") if UI not in path.parents]
    assert not [path.name for path in core if re.search(r"^\s*(import|from) streamlit", path.read_text("utf-8"), re.M)]


@pytest.mark.parametrize(
    ("name", "title"),
    [
        ("zheng-1", "Zheng 1"),
        ("zheng-1+synthetic", "Zheng 1, drawn smears"),
        ("zheng-1+zheng-2", "Zheng 1, Zheng 2"),
        ("/data/my smears.zip", "my smears.zip"),
        ("a+b", "a+b"),
    ],
)
def test_data_sets_are_called_as_on_the_pages(name, title):
    assert format_dataset(name) == title


@pytest.mark.parametrize(
    ("difference", "text"), [(0.0237, "+0.024"), (-0.0042, "\u22120.004"), (-0.0001, "0.000"), (0.0004, "0.000")]
)
def test_differences_have_a_sign_unless_they_round_to_nothing(difference, text):
    assert format_difference(difference) == text
