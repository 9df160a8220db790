"""The unit tests of the viewer's scripts, run by Node."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest
from prerequisites import skip_or_fail

from wbcseg.ui.keep import SOURCES as KEEP_SOURCES
from wbcseg.ui.viewer import SOURCES

MIN_NODE_VERSION = 20


def find_node() -> str:
    """Return Node, or skip the test with the reason; with ``CI=true`` it must be there."""
    node = shutil.which("node")
    if node is None or read_major_version(node) < MIN_NODE_VERSION:
        skip_or_fail(f"Node {MIN_NODE_VERSION} or later is not installed: the viewer is not tested.")
    return node


def read_major_version(node: str) -> int:
    done = subprocess.run([node, "--version"], capture_output=True, text=True, check=True)
    return int(done.stdout.strip().lstrip("v").partition(".")[0])


@pytest.mark.parametrize("sources", [SOURCES, KEEP_SOURCES], ids=["viewer", "keep"])
def test_the_scripts_pass_their_unit_tests(sources: Path) -> None:
    folder = sources.parent
    assert list((folder / "test").glob("*.test.js"))
    done = subprocess.run([find_node(), "--test"], cwd=folder, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "# fail 0" in done.stdout
