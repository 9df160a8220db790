"""A folder of runs that somebody else filled: each bad entry is marked, and the others work."""

from __future__ import annotations

import json
import os
import zipfile
from io import BytesIO
from pathlib import Path

import pytest
from hostile import make_named_cases, make_random_cases
from quick_app import APP, go_to
from sample_runs import make_run
from streamlit.testing.v1 import AppTest

from wbcseg.cli import main
from wbcseg.errors import RunError
from wbcseg.inference import Catalog
from wbcseg.training.jobs import manager
from wbcseg.training.runs.archive import zip_run
from wbcseg.training.runs.summary import ACTIVE_STATUSES, list_summaries

pytestmark = pytest.mark.skipif(os.name == "nt", reason="pipes and links need Unix")


@pytest.fixture
def runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "runs"
    folder.mkdir()
    monkeypatch.setenv("WBCSEG_RUNS", str(folder))
    return folder


@pytest.fixture
def cases(runs: Path) -> dict[str, Path]:
    make_run("sound")
    return make_named_cases(runs)


def is_clean(text: str) -> bool:
    return all(character.isprintable() or character == "\n" for character in text)


def test_each_bad_run_is_marked_with_a_reason_and_the_others_are_not(cases: dict[str, Path]) -> None:
    summaries = {summary.run.folder.name: summary for summary in list_summaries()}
    sound = {"sound", "link-beside", "link-as-log", "pipe-as-card", "notes-escape", "launched-in-the-future"}
    for name, path in cases.items():
        if path.name not in summaries:
            continue
        summary = summaries[path.name]
        is_sound = path.name in sound or name in ("escape", "not-utf8") or name.startswith("card-")
        assert (summary.status == "damaged") is not is_sound, name
        assert bool(summary.reason) or is_sound, name
        assert is_clean(summary.name + summary.reason)
        assert summary.name.encode()
        assert summary.status not in ACTIVE_STATUSES
    assert summaries["sound"].best_fast_dice_cell is not None
    assert len({summary.name for summary in summaries.values()}) == len(summaries)


def test_each_bad_model_is_listed_with_its_problem(cases: dict[str, Path]) -> None:
    catalog = Catalog()
    assert len([entry for entry in catalog.usable if entry.shipped]) == len(catalog.usable)
    broken = {entry.name for entry in catalog.broken}
    assert {name for name in cases if name.startswith("card-")} <= broken
    assert "pipe-as-card" in broken
    assert all(is_clean(entry.name + str(entry.problem)) for entry in catalog.broken)


def test_bad_runs_can_be_deleted_and_links_lead_nowhere(cases: dict[str, Path], runs: Path) -> None:
    target = cases["metrics-null"]
    for summary in list_summaries():
        if summary.run.folder != target:
            manager.delete_run(summary.run)
    assert [summary.run.folder for summary in list_summaries()] == [target]
    assert target.exists()
    with pytest.raises(RunError):
        manager.delete_run(type(list_summaries()[0].run)(runs / "none"))


def test_a_zip_of_a_run_has_no_file_from_outside(cases: dict[str, Path]) -> None:
    for name in ("link-beside", "link-as-log"):
        with zipfile.ZipFile(BytesIO(zip_run(manager.get_run(name)))) as archive:
            assert "root:" not in "".join(str(archive.read(item)) for item in archive.namelist())
            assert not any("passwd" in item for item in archive.namelist())


def test_the_terminal_shows_no_control_characters(cases: dict[str, Path], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["runs", "list"]) == 0
    for name in ("notes-escape", "none\x1b[2J"):
        main(["runs", "show", name])
    main(["models", "--json"])
    captured = capsys.readouterr()
    assert is_clean(captured.out + captured.err)
    assert main(["runs", "list", "--json"]) == 0
    assert len(json.loads(capsys.readouterr().out)) == len(list_summaries())


@pytest.mark.parametrize("page", ["runs", "train", "segment", "batch", "home"])
def test_pages_open_beside_bad_entries(cases: dict[str, Path], runs: Path, page: str) -> None:
    list(make_random_cases(runs, 12))
    at = AppTest.from_file(str(APP), default_timeout=120).run()
    if page != "home":
        go_to(at, page)
        at.run()
    assert not at.exception
    if page == "runs":
        for summary in list_summaries():
            at.session_state["selected_runs"] = [summary.name]
            at.run()
            assert not at.exception, summary.name


def test_random_edits_of_runs_raise_nothing(runs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    make_run("sound")
    paths = list(make_random_cases(runs, 40, seed=1))
    summaries = list_summaries()
    assert len(summaries) == len(paths) + 1
    catalog = Catalog()
    assert len(catalog.entries) >= len(catalog.usable)
    for summary in summaries:
        assert main(["runs", "show", summary.name]) in (0, 1)
        if summary.config is not None:
            zip_run(summary.run)
    capsys.readouterr()
