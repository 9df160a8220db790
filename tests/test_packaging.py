"""What pip installs: one version, one list of dependencies, a lock file that fits it."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import wbcseg
from wbcseg import paths
from wbcseg.cli import main

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def requirement_lines(text: str) -> set[str]:
    return {line.partition("#")[0].strip() for line in text.splitlines()} - {""}


def package_name(requirement: str) -> str:
    return re.split(r"[^A-Za-z0-9._-]", requirement, maxsplit=1)[0].lower().replace("_", "-")


def test_requirements_txt_lists_the_dependencies_of_pyproject() -> None:
    extras = PROJECT["optional-dependencies"]
    expected = {*PROJECT["dependencies"], *extras["train"], *extras["app"]}
    assert requirement_lines((ROOT / "requirements.txt").read_text(encoding="utf-8")) == expected


def test_the_lock_file_pins_every_dependency_with_a_hash() -> None:
    lock = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    pins = re.split(r"\n(?=[a-z])", lock)
    assert all("--hash=sha256:" in pin and "==" in pin for pin in pins)
    extras = PROJECT["optional-dependencies"]
    listed = {package_name(pin) for pin in pins}
    assert "wbcseg[cluster]" in extras["dev"]
    required = {*PROJECT["dependencies"], *(name for extra in extras.values() for name in extra)} - {"wbcseg[cluster]"}
    assert {package_name(requirement) for requirement in required} <= listed
    assert "http" not in lock


def test_the_version_is_said_in_one_place(capsys: pytest.CaptureFixture[str]) -> None:
    assert "version" in PROJECT["dynamic"]
    with pytest.raises(SystemExit):
        main(["--version"])
    assert capsys.readouterr().out.strip() == f"wbcseg {wbcseg.__version__}"


def test_pages_weights_and_the_app_script_are_found() -> None:
    assert paths.get_app_script().is_file()
    assert (paths.get_pages_folder() / "home.py").is_file()
    assert list(paths.get_weights_folder().glob("*/card.json"))


def test_importing_the_package_takes_less_than_a_tenth_of_a_second() -> None:
    code = "import time; start = time.process_time(); import wbcseg; print(time.process_time() - start)"
    times = [
        float(subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout)
        for _ in range(3)
    ]
    assert min(times) < 0.1
