"""Runs: the table, comparison, notes, names, downloads and deletion."""

import io
import zipfile

import pytest
from quick_app import page_text, tables
from sample_runs import QUICK, make_run

from wbcseg.training import PRESETS, Run
from wbcseg.training.jobs import manager
from wbcseg.training.runs.summary import list_summaries, summarise_run, zip_run
from wbcseg.ui.components.line_charts import TRAINING, VALIDATION
from wbcseg.ui.runs import comparison
from wbcseg.ui.runs.table import build_columns


@pytest.fixture(autouse=True)
def runs(tmp_path, monkeypatch):
    folder = tmp_path / "runs"
    folder.mkdir()
    monkeypatch.setenv("WBCSEG_RUNS", str(folder))
    return folder


def charts(at):
    return at.get("vega_lite_chart")


def select(at, *names):
    """Select runs as clicks in the table do."""
    order = at.session_state["runs_order"]
    rows = sorted(order.index(name) for name in names)
    at.session_state["selected_runs"] = [order[row] for row in rows]
    return at.run()


def test_without_runs_it_leads_to_train(open_page):
    at = open_page("runs")
    assert "There are no runs yet" in page_text(at)
    assert at.get("page_link")


def test_the_table_has_status_and_settings_of_each_run():
    make_run("done", epochs=10, config=QUICK.replace(epochs=10))
    make_run("thesis", config=PRESETS["thesis"])
    make_run("queued", "queued", epochs=0, queued_at=1.0)
    (make_run("damaged").folder / "config.json").write_text("{")
    table = build_columns(list_summaries())
    rows = {cells[0]: dict(zip(table, cells, strict=True)) for cells in zip(*table.values(), strict=True)}
    assert rows["done"] == {
        "Run": "done",
        "Status": "Finished",
        "Network": "U-Net-16",
        "Data set": "Synthetic",
        "Split": "Leak-free, fold 0",
        "Epochs": "10 of 10",
        "Held-out Dice": None,
        "Best fast Dice": summarise_run(Run(manager.get_run("done").folder)).best_fast_dice_cell,
        "Time": "40\u00a0s",
    }
    assert rows["thesis"]["Split"] == "Thesis (leaky)"
    assert rows["queued"]["Status"] == "Queued: 1st"
    assert rows["queued"]["Best fast Dice"] is None
    assert rows["damaged"]["Status"] == "Damaged"


def test_the_address_selects_runs_and_missing_ones_are_ignored(open_page):
    for name in ("a", "b"):
        make_run(name)
    at = open_page("runs", runs=["a", "gone"])
    assert not at.exception
    assert at.query_params["runs"] in ("a", ["a"])
    assert [heading.value for heading in at.subheader] == ["a"]


def test_the_selection_stays_with_its_run_when_another_one_is_added(open_page):
    make_run("a")
    at = select(open_page("runs"), "a")
    make_run("newer")
    at.run()
    assert at.session_state["runs_order"] == ["newer", "a"]
    assert at.session_state["runs_table"]["selection"]["rows"] == [1]
    assert [heading.value for heading in at.subheader] == ["a"]


def test_several_runs_are_overlaid_and_their_differing_settings_listed(open_page):
    make_run("narrow", config=QUICK.replace(base_filters=8))
    make_run("wide", config=QUICK.replace(base_filters=32))
    at = select(open_page("runs"), "narrow", "wide")
    assert len(charts(at)) == 1
    assert "Differing settings" in page_text(at)
    rows = tables(at)[0]
    assert ["Base filters", "32", "8"] in rows
    assert not [row for row in rows if row[0] == "Epochs"]


def test_runs_with_the_same_settings_have_no_differences(open_page):
    make_run("a")
    make_run("b")
    assert "all settings are the same" in page_text(select(open_page("runs"), "a", "b"))


def test_curves_by_epoch_by_time_and_smoothed():
    make_run("a", epochs=3)
    summaries = [summarise_run(manager.get_run("a"))]
    rows = summaries[0].run.load_metrics()
    by_epoch, series = comparison.overlay_runs(summaries, "loss", [VALIDATION], by_time=False, smoothing=0.0)
    assert by_epoch == [(row["epoch"], row["val_loss"], "a") for row in rows]
    assert [curve.name for curve in series] == ["a"]
    by_time, _ = comparison.overlay_runs(summaries, "loss", [TRAINING], by_time=True, smoothing=0.0)
    assert [x for x, *_ in by_time] == pytest.approx([4 / 60, 8 / 60, 12 / 60])
    smooth, _ = comparison.overlay_runs(summaries, "loss", [TRAINING], by_time=False, smoothing=0.5)
    assert smooth[0][1] == pytest.approx(rows[0]["loss"])
    assert smooth[2][1] > rows[2]["loss"]


def test_runs_without_a_metric_are_left_out(open_page):
    run = make_run("old")
    run.write("metrics.json", {"epochs": [{"epoch": 1, "loss": 0.5, "seconds": 1.0}]})
    at = select(open_page("runs"), "old")
    assert "None of the selected runs has values of this metric yet" in page_text(at)


def test_leaky_runs_are_marked_in_a_comparison(open_page):
    make_run("honest")
    make_run("thesis", config=PRESETS["thesis"])
    assert "Leaky split] thesis" in page_text(select(open_page("runs"), "honest", "thesis"))


def test_notes_are_saved_with_the_run(open_page, runs):
    make_run("a")
    at = select(open_page("runs"), "a")
    at.text_area(key="notes_a").set_value("Tried **more** filters.").run()
    assert not at.exception
    assert Run(runs / "a").load_notes() == "Tried **more** filters."
    assert open_page("runs", runs="a").text_area(key="notes_a").value == "Tried **more** filters."


def test_a_renamed_run_stays_selected(open_page, runs):
    make_run("a")
    at = select(open_page("runs"), "a")
    at.text_input(key="rename_a").set_value("better name").run()
    at.button(key="rename_run").click().run()
    assert not at.exception
    assert (runs / "better name").is_dir()
    assert [heading.value for heading in at.subheader] == ["better name"]


def test_an_invalid_name_is_rejected(open_page, runs):
    make_run("a")
    at = select(open_page("runs"), "a")
    at.text_input(key="rename_a").set_value("../b").run()
    at.button(key="rename_run").click().run()
    assert "The name of a run has 1 to 80 letters" in at.error[0].value
    assert (runs / "a").is_dir()


def test_runs_are_deleted_after_a_confirmation(open_page, runs):
    for name in ("a", "b", "c"):
        make_run(name)
    at = select(open_page("runs"), "a", "b")
    at.button(key="delete_runs").click().run()
    assert {"- a", "- b"} <= {element.value for element in at.markdown}
    assert (runs / "a").is_dir()
    at.button(key="confirm_delete").click().run()
    assert not at.exception
    assert [path.name for path in sorted(runs.glob("[!.]*"))] == ["c"]


def test_an_active_run_cannot_be_deleted_or_renamed(open_page):
    make_run("busy", "running")
    at = select(open_page("runs"), "busy")
    assert at.button(key="delete_runs").disabled
    assert at.button(key="rename_run").disabled
    assert at.button(key="details_busy_stop")


def test_a_damaged_run_can_be_deleted(open_page, runs):
    (make_run("damaged").folder / "config.json").write_text("{")
    at = select(open_page("runs"), "damaged")
    assert "config" in at.error[0].value
    at.button(key="delete_runs").click().run()
    at.button(key="confirm_delete").click().run()
    assert not (runs / "damaged").exists()


def test_the_download_holds_the_run_without_its_checkpoints(open_page):
    run = make_run("a", with_snapshots=True)
    (run.folder / "checkpoint.safetensors").write_bytes(b"x" * 5000)
    at = select(open_page("runs"), "a")
    assert at.get("download_button")
    with zipfile.ZipFile(io.BytesIO(zip_run(run))) as archive:
        assert "a/config.json" in archive.namelist()
        assert "a/checkpoint.safetensors" not in archive.namelist()


def test_thirty_runs(open_page):
    for number in range(30):
        make_run(f"run {number:02}", epochs=2)
    at = open_page("runs")
    assert len(at.dataframe[0].value) == 30
    select(at, *(f"run {number:02}" for number in range(14)))
    assert "Only the first 12 of the 14 selected runs are shown" in page_text(at)
