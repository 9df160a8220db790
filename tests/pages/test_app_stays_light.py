"""The app process does not import TensorFlow, and needs little memory with all models loaded."""

import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

VISIT = """
    import sys
    from streamlit.testing.v1 import AppTest
    from wbcseg.ui.navigation import list_pages

    at = AppTest.from_file("app.py", default_timeout=120).run()
    for page in list_pages():
        at.switch_page(f"pages/{page.script.name}").run()
        assert not at.exception, at.exception
    at.switch_page("pages/datasets.py")
    at.query_params["tab"] = "Splits and leakage"
    at.run()
    assert not at.exception, at.exception
    at.switch_page("pages/compare.py")
    for tab in ("Ranking", "Thesis, reproduced", "Effect of data leakage", "Cell measurements"):
        at.query_params["tab"] = tab
        at.run()
        assert not at.exception, at.exception
    at.switch_page("pages/segment.py").run()
    assert at.get("bidi_component")
    heavy = [name for name in ("tensorflow", "keras", "torch", "jax", "sklearn") if name in sys.modules]
    status = open("/proc/self/status").read() if sys.platform == "linux" else "VmHWM: 0"
    print("HEAVY", *heavy)
    print("PEAK", status.split("VmHWM:")[1].split()[0])
"""


@pytest.fixture(scope="module")
def visit(tmp_path_factory):
    """Visit every page with the shipped models in a new process, and return what it reports."""
    code = textwrap.dedent(VISIT)
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return dict(line.partition(" ")[::2] for line in done.stdout.splitlines() if line.startswith(("HEAVY", "PEAK")))


def test_no_page_imports_tensorflow(visit):
    assert visit["HEAVY"] == ""


def test_the_process_needs_less_than_400_mb(visit):
    assert int(visit["PEAK"]) < 400_000
