"""The command ``wbcseg cross-validate``; its trainings are tested in ``tests/evaluation``."""

from __future__ import annotations

import pytest

from wbcseg.cli import main
from wbcseg.evaluation.cross_validation import list_study_files, load_study_results


def test_the_report_has_every_shipped_study(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["cross-validate", "--report"]) == 0
    lines = capsys.readouterr().out.splitlines()
    for result in load_study_results(list_study_files()):
        assert any(line.startswith(f"{result.study}: ") for line in lines)
