"""The README and the documents agree with the project."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from benchmarks.results import PROJECT_ROOT, RESULTS_PATH, TABLES, fill_tables
from wbcseg.cli import build_parser
from wbcseg.evaluation.cross_validation import LEAKY_SUFFIX, list_study_files, load_study_results

README = (PROJECT_ROOT / "README.md").read_text(encoding="utf-8")
DOCUMENTS = [
    PROJECT_ROOT / "README.md",
    PROJECT_ROOT / "CONTRIBUTING.md",
    *sorted((PROJECT_ROOT / "docs").rglob("*.md")),
]
every_document = pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: str(path.relative_to(PROJECT_ROOT)))


def test_the_tables_of_results_are_up_to_date() -> None:
    text = RESULTS_PATH.read_text(encoding="utf-8")
    assert fill_tables(text) == text, "Run python -m benchmarks.results"
    assert sorted(re.findall(r"<!-- table: (\w+) -->", text)) == sorted(TABLES)
    for result in load_study_results(list_study_files()):
        assert result.study.endswith(LEAKY_SUFFIX) or f"| {result.study} | {result.title} | " in text


def test_the_two_commands_of_the_readme_name_existing_files() -> None:
    lines = README.splitlines()
    assert "pip install -r requirements.txt && streamlit run app.py" in lines
    assert 'pip install -e ".[train,app,dev]" && pytest -n 2' in lines
    for name in ("requirements.txt", "requirements.lock", "pyproject.toml", "app.py"):
        assert (PROJECT_ROOT / name).exists()


@every_document
def test_commands_in_the_documents_exist(path: Path) -> None:
    help_text = build_parser().format_help()
    code = re.findall(r"```sh\n.*?```|`[^`\n]+`", path.read_text(encoding="utf-8"), re.DOTALL)
    for command in re.findall(r"[`\n]wbcseg ([a-z][a-z-]*)", "\n".join(code)):
        assert re.search(rf"^ +{command}\b", help_text, re.MULTILINE), command


@every_document
def test_links_lead_to_existing_files(path: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+)[^)]*\)", path.read_text(encoding="utf-8")):
        assert target.startswith("https://") or (path.parent / target).exists(), target


def test_the_tree_holds_no_data_runs_or_machine_paths() -> None:
    text_suffixes = {".py", ".md", ".toml", ".txt", ".json", ".css", ".js", ".sha256", ".yml"}
    for path in PROJECT_ROOT.rglob("*"):
        parts = path.relative_to(PROJECT_ROOT).parts
        # Other tests may be writing into the last two.
        if parts[0].startswith((".git", ".venv", "venv", ".hypothesis")) or "node_modules" in parts:
            continue
        if not path.is_file() or "cache" in str(path):
            continue
        assert path.stat().st_size < 30_000_000, path
        assert path.suffix.lower() != ".bmp", path
        if path.suffix in text_suffixes and Path(__file__) != path:
            text = path.read_text(encoding="utf-8")
            assert not re.search(r"/(root|home|Users)/\w", text), path
