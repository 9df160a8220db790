"""The command that looks up known vulnerabilities never takes an answer about nothing for a good one."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[1]
SOUND = {"name": "numpy", "version": "2.0", "vulns": []}
SKIPPED = {"name": "scipy", "skip_reason": "not found"}
VULNERABLE = {"name": "pillow", "version": "1.0", "vulns": [{"id": "CVE-1", "fix_versions": ["2.0"]}]}


def run_audit(folder: Path, answer: str) -> subprocess.CompletedProcess[str]:
    """Run the command with a ``pip-audit`` that gives an answer."""
    tool = folder / "pip-audit"
    tool.write_text(f"#!{sys.executable}\nprint({answer!r})\n")
    tool.chmod(0o755)
    return subprocess.run(
        [sys.executable, "-m", "benchmarks.audit"],
        cwd=ROOT,
        env=os.environ | {"PATH": f"{folder}{os.pathsep}{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize(
    ("packages", "code", "said"),
    [
        ([SOUND], 0, "1 of 1 packages"),
        ([SOUND, VULNERABLE], 1, "pillow 1.0: CVE-1, fixed in 2.0"),
        ([SOUND, SKIPPED], 2, "1 of 2 packages"),
        ([SKIPPED, VULNERABLE], 1, "pillow 1.0: CVE-1, fixed in 2.0"),
        ([], 2, "0 of 0 packages"),
    ],
)
def test_the_exit_code_says_what_was_found(
    tmp_path: Path, packages: list[dict[str, Any]], code: int, said: str
) -> None:
    done = run_audit(tmp_path, json.dumps({"dependencies": packages}))
    assert done.returncode == code
    assert said in done.stdout


@pytest.mark.parametrize("answer", ["", "no network", "[]", "{}"])
def test_no_answer_is_no_result(tmp_path: Path, answer: str) -> None:
    assert run_audit(tmp_path, answer).returncode == 2
