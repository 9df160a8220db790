"""Result files read back as what was written, and stay small and legible."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest

from wbcseg.evaluation import cross_site, cross_validation, feature_agreement, reproduction
from wbcseg.evaluation.result_store import read_result, write_result

RECORDS = [
    {"id": f"zheng-1/00{n}", "scores": {"dice": {"cell": 0.5 + n, "nucleus": None}}, "list": [1, n]} for n in range(3)
]


@pytest.mark.parametrize(
    "values",
    [
        {"images": RECORDS},
        {"images": []},
        {"images": [{}, {}]},
        {"images": [{"a": 1}, {"b": 2}]},
        {"images": [{"a": {}}, {"a": {}}]},
        {"home": {"model": "unet", "images": RECORDS}, "pairs": [[1, 2], [3, 4]], "title": "größer", "none": None},
        {},
    ],
)
def test_what_is_read_is_what_was_written(tmp_path: Path, values: dict[str, Any]) -> None:
    path = tmp_path / "result.json"
    write_result(path, values)
    assert read_result(path) == values


def test_a_record_is_a_line(tmp_path: Path) -> None:
    path = tmp_path / "result.json"
    write_result(path, {"images": RECORDS})
    lines = path.read_text(encoding="utf-8").splitlines()
    assert '["id", "scores.dice.cell", "scores.dice.nucleus", "list"]' in lines[2]
    assert lines[4] == '   ["zheng-1/000", 0.5, null, [1, 0]],'


def test_numbers_that_are_not_finite_and_names_with_dots_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "result.json"
    with pytest.raises(ValueError, match="JSON compliant"):
        write_result(path, {"loss": math.nan})
    with pytest.raises(ValueError, match=r"a\.b"):
        write_result(path, {"images": [{"a.b": 1}]})
    with pytest.raises(ValueError, match="columns and rows"):
        write_result(path, {"table": {"columns": ["a"], "rows": [[1]]}})
    assert not path.exists()


@pytest.mark.parametrize("module", [feature_agreement, cross_validation, cross_site, reproduction])
def test_committed_results_are_written_so(module: Any, tmp_path: Path) -> None:
    files = sorted(module.FOLDER.glob("*.json"))
    assert files
    for path in files:
        write_result(tmp_path / path.name, read_result(path))
        assert (tmp_path / path.name).read_bytes() == path.read_bytes(), f"{path.name} is not as it would be written"
