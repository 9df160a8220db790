"""What the README says is what the project does."""

from __future__ import annotations

import re
from pathlib import Path

from benchmarks.readme import PROJECT_ROOT, README_PATH, fill_tables
from wbcseg.cli import COMMANDS
from wbcseg.evaluation.cross_validation import list_study_files, load_study_results

TEXT = README_PATH.read_text(encoding="utf-8")


def test_the_tables_come_from_the_cards_and_the_measurements() -> None:
    assert fill_tables(TEXT) == TEXT
    assert TEXT.count("| U-Net, width 16 | 1,646,227 |") == 1
    for result in load_study_results(list_study_files()):
        assert result["study"].endswith("-leaky") or f"| {result['study']} | {result['title']} | " in TEXT


def test_the_two_commands_name_files_that_are_there() -> None:
    lines = TEXT.splitlines()
    assert "pip install -r requirements.txt && streamlit run app.py" in lines
    assert 'pip install -e ".[train,app,dev]" && pytest' in lines
    for name in ("requirements.txt", "requirements.lock", "pyproject.toml", "app.py"):
        assert (PROJECT_ROOT / name).exists()


def test_every_command_is_shown_and_every_shown_one_exists() -> None:
    shown = set(re.findall(r"python -m wbcseg (\w+)", TEXT))
    assert shown == {module.__name__.rpartition(".")[2] for module in COMMANDS}


def test_links_and_pictures_are_there() -> None:
    for target in re.findall(r"\]\(([^)]+)\)", TEXT):
        assert target.startswith("https://") or (PROJECT_ROOT / target).exists(), target


def test_the_tree_holds_no_data_runs_or_machine_paths() -> None:
    kept = {".py", ".md", ".toml", ".txt", ".json", ".css", ".js", ".sha256", ".yml"}
    for path in PROJECT_ROOT.rglob("*"):
        parts = path.relative_to(PROJECT_ROOT).parts
        if parts[0].startswith((".git", ".venv", "venv")) or not path.is_file() or "cache" in str(path):
            continue
        assert path.stat().st_size < 30_000_000, path
        assert path.suffix.lower() != ".bmp", path
        if path.suffix in kept and Path(__file__) != path:
            text = path.read_text(encoding="utf-8")
            assert not re.search(r"/(root|home|Users)/\w", text), path
