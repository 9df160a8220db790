"""Numbers and names as the pages show them, and untrusted text made harmless."""

import math
import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wbcseg.ui.formatting import (
    MISSING_TEXT,
    escape_lines,
    escape_markdown,
    format_alt,
    format_bytes,
    format_dataset_name,
    format_decimal,
    format_difference,
    format_duration,
    format_integer,
    format_mean,
    format_percent,
    format_score,
    format_significant,
    format_size,
    get_local_id,
    get_mask_title,
    pluralise,
)
from wbcseg.ui.train.fields import format_dataset


@pytest.mark.parametrize(
    "text",
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
def test_every_special_character_is_escaped(text):
    plain = re.sub(r"\\(.)", "", escape_markdown(text))
    assert not re.search(r"[<>*`$\[\]()|:=]", plain)


@given(st.text())
def test_escaping_keeps_the_characters(text):
    shown = re.sub(r"\\([!-/:-@\[-`{-~])", r"\1", escape_markdown(text)).replace(":\u2060", ":")
    assert shown == re.sub(r"[\x00-\x1f\x7f]+", " ", text)


def test_escaping_lines_keeps_the_line_breaks():
    assert escape_lines("a*\nb") == "a\\*  \nb"


def test_numbers():
    assert format_integer(1_234_567) == "1\u202f234\u202f567"
    assert format_decimal(1234.56, 1) == "1\u202f234.6"
    assert format_percent(0.12345) == "12.3%"
    assert format_percent(None) == MISSING_TEXT
    assert format_bytes(2_500_000) == "2.5\u00a0MB"
    assert format_size((100, 104)) == "104 × 100"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "0"),
        (-4e-05, "0"),
        (-5.57e-05, "\u22120.0001"),
        (0.0142, "0.0142"),
        (-9.687, "\u22129.69"),
        (1234.4, "1234"),
    ],
)
def test_significant_digits_have_no_exponent(value, text):
    assert format_significant(value) == text


def test_a_score_of_an_absent_class_says_so():
    assert format_score(0.98765) == "0.988"
    assert format_score(float("nan")) == "n/a – class absent"


@pytest.mark.parametrize(
    ("mean", "error", "text"),
    [
        (0.9754, 0.0021, "0.975 ±\u00a00.002"),
        (0.9754, None, "0.975"),
        (None, None, MISSING_TEXT),
        (math.nan, 0.1, MISSING_TEXT),
    ],
)
def test_means_have_their_standard_error(mean, error, text):
    assert format_mean(mean, error) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.4, "0 s"), (59.6, "1 min"), (200, "3 min 20 s"), (900, "15 min"), (7_500, "2 h 05 min"), (None, MISSING_TEXT)],
)
def test_durations(seconds, text):
    assert format_duration(seconds).replace("\u00a0", " ") == text


def test_nouns_follow_their_count():
    assert [pluralise(count, "image") for count in (0, 1, 2)] == ["0 images", "1 image", "2 images"]
    assert pluralise(1_000, "copy", "copies") == "1\u202f000 copies"


@pytest.mark.parametrize(
    ("difference", "text"), [(0.0237, "+0.024"), (-0.0042, "\u22120.004"), (-0.0001, "0.000"), (0.0004, "0.000")]
)
def test_differences_have_a_sign_unless_they_round_to_zero(difference, text):
    assert format_difference(difference) == text


def test_names():
    assert get_local_id("zheng-1/007") == "007"
    assert get_local_id("007") == "007"
    assert get_mask_title("synthetic/001") == "Exact mask"
    assert get_mask_title("zheng-1/001") == "Expert mask"


def test_a_segmentation_is_described_for_screen_readers():
    labels = np.array([[0, 0], [1, 2]], np.uint8)
    assert format_alt("Mask", labels) == "Mask: nucleus 25.0%, cytoplasm 25.0% of the image"


@pytest.mark.parametrize(
    ("name", "title"),
    [
        ("zheng-1", "Zheng 1"),
        ("zheng-1+synthetic", "Zheng 1 + Synthetic"),
        ("zheng", "Zheng 1 and 2"),
        ("/data/my smears.zip", "my smears.zip"),
        ("a+b", "a+b"),
    ],
)
def test_data_sets_have_titles(name, title):
    assert format_dataset_name(name) == title
    assert format_dataset(name) == title
