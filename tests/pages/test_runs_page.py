"""Runs: the table, comparison, notes, names, downloads and deletion."""

import io
import time
import zipfile

import pytest
from quick_app import page_text, tables
from sample_runs import QUICK, make_run

from wbcseg.metrics import REGIONS
from wbcseg.models import ARCHITECTURES
from wbcseg.models.card_records import HeldoutMetrics, RegionScores
from wbcseg.models.looks import get_look
from wbcseg.models.method_registry import METHODS
from wbcseg.training import PRESETS, Run
from wbcseg.training.jobs import manager
from wbcseg.training.runs import summary
from wbcseg.training.runs.archive import zip_run
from wbcseg.training.runs.details import RunDetails, load_details, save_owner, save_tags
from wbcseg.training.runs.summary import find_best_run, list_summaries, summarise_run
from wbcseg.ui.components.line_charts import TRAINING, VALIDATION
from wbcseg.ui.runs import comparison
from wbcseg.ui.runs.marks import get_mark
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


def build_rows(**changes):
    table = build_columns(list_summaries(), **changes)
    return {cells[0]: dict(zip(table, cells, strict=True)) for cells in zip(*table.values(), strict=True)}


def score(monkeypatch, **dice):
    """Give runs cards with these scores: Dice of the whole cell and its standard error on 50 images."""

    def read(run):
        if run.name not in dice:
            return None
        value, error = dice[run.name]
        regions = {region: RegionScores(value, error, value, error, 50) for region in REGIONS}
        return HeldoutMetrics(50, value, regions)

    monkeypatch.setattr(summary, "_read_heldout", read)


def test_the_table_has_status_and_settings_of_each_run():
    make_run("done", epochs=10, config=QUICK.replace(epochs=10))
    make_run("thesis", config=PRESETS["thesis"])
    make_run("queued", "queued", epochs=0, queued_at=1.0)
    (make_run("damaged").folder / "config.json").write_text("{")
    save_tags(manager.get_run("done"), ["Lesson 1", "unet"])
    save_owner(manager.get_run("done"), "Ada")
    manager.get_run("done").save_notes("Tried\nmore.")
    rows = build_rows()
    created = rows["done"].pop("Created")
    assert abs(created.timestamp() - time.time()) < 600
    done = summarise_run(manager.get_run("done"))
    assert rows["done"] == {
        "Run": "done",
        "Status": "Finished",
        "Held-out Dice": None,
        "95 %": None,
        "Fast Dice": done.fast_dice["cell"],
        "Network": "U-Net-16",
        "Data set": "Synthetic",
        "Split": "Leak-free, fold 0",
        "Learning rate": QUICK.learning_rate,
        "Epochs": 10,
        "Planned": 10,
        "Minutes": 40 / 60,
        "Owner": "Ada",
        "Tags": ["lesson-1", "unet"],
        "Notes": "Tried more.",
    }
    assert rows["thesis"]["Split"] == "Thesis (leaky)"
    assert rows["queued"]["Status"] == "Queued: 1st"
    assert rows["queued"]["Fast Dice"] is None
    assert rows["damaged"]["Status"] == "Damaged"


def test_what_is_a_number_sorts_as_a_number():
    """As text, 10 epochs come before 9, and 1 min before 40 s."""
    for epochs in (9, 10, 100):
        make_run(f"r{epochs}", epochs=epochs, config=QUICK.replace(epochs=200))
    table = build_columns(list_summaries())
    for name in ("Epochs", "Minutes", "Planned", "Learning rate"):
        assert all(isinstance(value, int | float) for value in table[name])
    assert [row["Run"] for row in sorted(build_rows().values(), key=lambda row: row["Minutes"])] == [
        "r9",
        "r10",
        "r100",
    ]


def test_the_score_of_a_run_is_that_of_its_model(open_page, monkeypatch):
    """The best epoch of the first run is better than its model, the last epoch's."""
    make_run("a", epochs=3)
    make_run("b", epochs=2)
    make_run("leaky", config=PRESETS["thesis"])
    score(monkeypatch, a=(0.90, 0.01), b=(0.95, 0.02), leaky=(0.99, 0.001))
    rows = build_rows(baseline_dice=0.9)
    assert (rows["b"]["Held-out Dice"], rows["b"]["Fast Dice"]) == (0.95, None)
    assert rows["b"]["95 %"] == pytest.approx((1.96 * 0.02 + 1.96 * 0.02) / 2, abs=1e-6)
    assert rows["b"]["vs baseline"] == pytest.approx(0.05)
    assert find_best_run(list_summaries()).name == "b"
    text = page_text(open_page("runs"))
    assert "**b**, Dice 0.950 (95 % interval 0.911 to 0.989), 50 images" in text


def test_runs_are_filtered_by_what_the_table_says(open_page):
    make_run("first")
    make_run("second", config=QUICK.replace(architecture="segnet"))
    save_tags(manager.get_run("first"), ["exam"])
    at = open_page("runs")
    for text, expected in (("segnet", ["second"]), ("EXAM finished", ["first"]), ("exam segnet", []), ("", 2)):
        at.text_input(key="runs_filter").set_value(text).run()
        assert not at.exception
        names = at.session_state["runs_order"]
        assert names == expected if isinstance(expected, list) else len(names) == expected


def test_a_pinned_baseline_is_in_the_address_and_in_every_comparison(open_page, monkeypatch):
    make_run("base")
    make_run("other", config=QUICK.replace(seed=5, base_filters=8))
    score(monkeypatch, base=(0.90, 0.01), other=(0.95, 0.01))
    at = select(open_page("runs"), "base")
    at.button(key="pin").click().run()
    assert at.query_params["baseline"] == "base"
    at = open_page("runs", runs=["other"], baseline="base")
    assert not at.exception
    assert "vs baseline" in at.dataframe[0].value
    rows = [row for table in tables(at) for row in table]
    assert ["Base filters", "16", "8"] in rows
    assert at.button(key="pin")
    at = select(at, "base")
    at.button(key="unpin").click().run()
    assert "baseline" not in at.query_params


def test_tags_and_owner_are_saved_beside_the_notes(open_page, runs):
    make_run("a")
    Run(runs / "a").save_notes("Kept.")
    at = select(open_page("runs"), "a")
    at.text_input(key="owner_a").set_value("  Grace  Hopper ").run()
    assert not at.exception
    save_tags(Run(runs / "a"), ["x, y", "X y", ""])
    assert load_details(Run(runs / "a")) == RunDetails("Kept.", ("x-y",), "Grace Hopper")


def test_damaged_details_are_nothing(runs):
    run = make_run("a")
    for text in ("[]", "{", '{"tags": 3, "owner": null}'):
        (run.folder / "notes.json").write_text(text)
        assert load_details(run).tags == ()


def test_repeats_with_other_seeds_are_one_curve_with_a_band():
    for seed, epochs in ((1, 3), (2, 3), (3, 2)):
        make_run(f"seed {seed}", epochs=epochs, config=QUICK.replace(seed=seed))
    make_run("other", config=QUICK.replace(base_filters=8))
    groups = comparison.group_repeats(list_summaries())
    assert sorted(map(len, groups)) == [1, 3]
    points, series, bands = comparison.overlay_repeats(groups, "loss", smoothing=0.0)
    assert len(series) == 2
    for x, low, high, name in bands:
        (mean,) = [y for at, y, curve in points if (at, curve) == (x, name)]
        assert low - 1e-9 <= mean <= high + 1e-9
    assert [x for x, *_ in bands] == [1, 2, 3]


def test_a_run_is_duplicated_with_changes_by_the_address_of_the_form(open_page):
    make_run("a", config=QUICK.replace(seed=9))
    at = select(open_page("runs"), "a")
    links = {link.proto.label: link.proto for link in at.get("page_link")}
    assert "seed=9" in links["Duplicate with changes"].query_string


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


def test_a_network_looks_as_on_compare_and_curves_of_one_network_stay_apart():
    for name, architecture in (("a", "unet"), ("b", "unetplusplus"), ("c", "unet"), ("d", "fcn8s")):
        make_run(name, config=QUICK.replace(architecture=architecture, input_size=96))
    summaries = [summarise_run(manager.get_run(name)) for name in "abcd"]
    _, series = comparison.overlay_runs(summaries, "loss", [VALIDATION], by_time=False, smoothing=0.0)
    colours = {curve.name: curve.colour for curve in series}
    for name, architecture in (("a", "unet"), ("b", "unetplusplus"), ("d", "fcn8s")):
        assert colours[name] == get_look(architecture).color
    assert len(set(colours.values())) == 4
    assert [curve.glyph for curve in series] == ["●", "★", "○", "⬟"]


def test_every_look_has_a_mark_for_curves():
    symbols = [get_look(name).marker for name in (*ARCHITECTURES, *METHODS)]
    marks = [get_mark(symbol) for symbol in symbols]
    assert len(set(marks)) == len(symbols)
    assert get_mark("an unknown symbol") == get_mark("circle")


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
    select(at, *(f"run {number:02}" for number in range(18)))
    assert "Only the first 16 of the 18 selected runs are shown" in page_text(at)
