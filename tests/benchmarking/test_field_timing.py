"""The benchmark of fields of view, beside the rule that was used before the cell detector."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from wbcseg.benchmarking import fields
from wbcseg.cli import main
from wbcseg.datasets.synthetic import draw_sample


def test_the_old_rule_is_only_in_the_repository(tmp_path: Path) -> None:
    rule = fields.load_threshold_rule()
    assert rule is not None
    assert rule.segment_field_of_view
    assert fields.load_threshold_rule(tmp_path / "threshold_rule.py") is None


@pytest.mark.parametrize("has_rule", [True, False])
def test_fields_are_timed_with_and_without_the_old_rule(
    has_rule: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    smear = draw_sample(3, 2, size=(120, 120)).image
    images = [("empty", 0, np.full((96, 128, 3), 220, np.uint8)), ("two", 2, np.hstack([smear, smear]))]
    monkeypatch.setattr(fields, "compose_bench_fields", lambda: images)
    if not has_rule:
        monkeypatch.setattr("wbcseg.cli.bench.load_threshold_rule", lambda: None)
    assert main(["bench", "fields", "--rounds", "1", "--out", str(tmp_path / "fields.json")]) == 0
    written = (tmp_path / "fields.json").read_text()
    assert ('"ratio": null' in written) != has_rule
    assert "MB" in capsys.readouterr().out
