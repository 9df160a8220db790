"""Result files are read as they were written, and stay small and readable."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest

from wbcseg.evaluation.cross_site import CROSS_SITE_FOLDER, load_cross_site_result
from wbcseg.evaluation.cross_validation import CROSS_VALIDATION_FOLDER, load_study_results
from wbcseg.evaluation.feature_agreement import FEATURE_AGREEMENT_FOLDER, FeaturePairs
from wbcseg.evaluation.fields import FIELDS_FOLDER, FieldsResult
from wbcseg.evaluation.reproduction import REPRODUCTION_FOLDER, load_experiment_results
from wbcseg.evaluation.result_store import read_result, write_result
from wbcseg.evaluation.robustness import ROBUSTNESS_FOLDER, RobustnessResult
from wbcseg.evaluation.types import TYPES_FOLDER, TypesResult
from wbcseg.paths import RESULTS

MAX_BYTES = 300_000

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
        {"in_domain": {"model": "unet", "images": RECORDS}, "pairs": [[1, 2], [3, 4]], "title": "größer", "none": None},
        {},
    ],
)
def test_a_result_is_read_as_it_was_written(tmp_path: Path, values: dict[str, Any]) -> None:
    path = tmp_path / "result.json"
    write_result(path, values)
    assert read_result(path) == values


def test_each_record_is_one_line(tmp_path: Path) -> None:
    path = tmp_path / "result.json"
    write_result(path, {"images": RECORDS})
    lines = path.read_text(encoding="utf-8").splitlines()
    assert '["id", "scores.dice.cell", "scores.dice.nucleus", "list"]' in lines[2]
    assert lines[4] == '   ["zheng-1/000", 0.5, null, [1, 0]],'


@pytest.mark.parametrize(
    "values", [{"loss": math.nan}, {"images": [{"a.b": 1}]}, {"table": {"columns": ["a"], "rows": [[1]]}}]
)
def test_values_that_cannot_be_read_back_are_rejected(tmp_path: Path, values: dict[str, Any]) -> None:
    path = tmp_path / "result.json"
    with pytest.raises(ValueError, match=r"."):
        write_result(path, values)
    assert not path.exists()


def rewrite(path: Path) -> dict[str, Any]:
    """Read a result into its dataclass and return it as JSON values."""
    if path.parent == CROSS_VALIDATION_FOLDER:
        return load_study_results([path])[0].to_dict()
    if path.parent == CROSS_SITE_FOLDER:
        return load_cross_site_result(path).to_dict()
    if path.parent == REPRODUCTION_FOLDER:
        (result,) = load_experiment_results([path]).values()
        return result.to_dict()
    if path.parent == ROBUSTNESS_FOLDER:
        return RobustnessResult.from_dict(read_result(path)).to_dict()
    if path.parent == FIELDS_FOLDER:
        return FieldsResult.from_dict(read_result(path)).to_dict()
    if path.parent == TYPES_FOLDER:
        return TypesResult.from_dict(read_result(path)).to_dict()
    assert path.parent == FEATURE_AGREEMENT_FOLDER
    pairs = FeaturePairs.from_dict(read_result(path)).to_dict()["pairs"]
    # The agreement was computed before the pairs were rounded.
    return {**read_result(path), "pairs": pairs}


@pytest.mark.parametrize("path", sorted(RESULTS.rglob("*.json")), ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_a_committed_result_is_small_and_reads_and_writes_back_unchanged(path: Path, tmp_path: Path) -> None:
    write_result(tmp_path / path.name, rewrite(path))
    assert (tmp_path / path.name).read_bytes() == path.read_bytes()
    assert path.stat().st_size <= MAX_BYTES
