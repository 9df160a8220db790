"""The unit tests of the viewer's scripts, run by Node."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from wbcseg.ui.viewer import SOURCES

MIN_NODE_VERSION = 20


def find_node() -> str:
    """Return Node, or skip the test with the reason; with ``CI=true`` it must be there."""
    node, reason = shutil.which("node"), f"Node {MIN_NODE_VERSION} or later is not installed: the viewer is not tested."
    if node:
        done = subprocess.run([node, "--version"], capture_output=True, text=True, check=True)
        if int(done.stdout.strip().lstrip("v").partition(".")[0]) >= MIN_NODE_VERSION:
            return node
    if os.environ.get("CI", "").lower() in ("1", "true"):
        pytest.fail(reason)
    pytest.skip(reason)


def test_the_scripts_pass_their_unit_tests() -> None:
    folder: Path = SOURCES.parent
    assert list((folder / "test").glob("*.test.js"))
    done = subprocess.run([find_node(), "--test"], cwd=folder, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "# fail 0" in done.stdout
