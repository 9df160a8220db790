"""Images grouped into samples."""

from __future__ import annotations

import time

import pytest

from wbcseg.differential import SamplePattern, group_by_folder, group_by_pattern
from wbcseg.errors import ConfigError, ErrorCode


def test_by_folder() -> None:
    names = ["study/A/1.png", "study/A/2.png", "study/B/x/1.png", "study\\B\\y\\1.png", "study/1.png"]
    assert list(group_by_folder(names).values()) == ["A", "A", "B/x", "B/y", ""]
    assert group_by_folder(["study/A/1.png", "study/A/2.png"]) == {"study/A/1.png": "A", "study/A/2.png": "A"}
    assert group_by_folder(["1.png"]) == {"1.png": ""}
    assert group_by_folder([]) == {}


@pytest.mark.parametrize(
    ("pattern", "name", "sample"),
    [
        ("{sample}_*", "P-12_003.png", "P-12"),
        ("{sample}_*", "a/b/P-12_a_b.png", "P-12"),
        ("{sample}_*", "P12.png", ""),
        ("slide*-{sample}-*", "slide7-Mary-01.tif", "Mary"),
        ("{sample}", "whole name.png", "whole name"),
        ("{sample}.png", "x.PNG", "x"),
        ("{sample}??", "AB01.png", "AB"),
        ("({sample})+*", "(x)+1.png", "x"),
        ("{sample}_*", "no extension_1", "no extension"),
    ],
)
def test_by_pattern(pattern: str, name: str, sample: str) -> None:
    assert group_by_pattern([name], SamplePattern(pattern)) == {name: sample}


@pytest.mark.parametrize("text", ["", "*_*", "{sample}{sample}", "{sample}" + "*" * 5, "{sample}" + "a" * 100])
def test_patterns_that_cannot_be_used(text: str) -> None:
    with pytest.raises(ConfigError) as error:
        SamplePattern(text)
    assert error.value.code == ErrorCode.INVALID_VALUE


def test_a_long_name_does_not_make_a_pattern_slow() -> None:
    pattern = SamplePattern("*a*a*{sample}*b")
    start = time.perf_counter()
    assert pattern.match("a" * 255) == ""
    assert time.perf_counter() - start < 2
