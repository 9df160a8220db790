"""Train: describing a training, its cost, starting it, and watching it."""

import io
import itertools
import zipfile

import pytest
from made_runs import QUICK, add_film, make_run, tell
from quick_app import pictures, words

from wbcseg.errors import NotEnoughMemoryError, RunError
from wbcseg.training import PRESETS
from wbcseg.training.cost.estimate import CostEstimate
from wbcseg.training.jobs import manager
from wbcseg.ui.components import line_charts
from wbcseg.ui.train import form, launch, snapshots
from wbcseg.ui.train.fields import ADVANCED_FIELDS, FIELDS, drop_inactive


@pytest.fixture(autouse=True)
def runs(tmp_path, monkeypatch, no_data):
    folder = tmp_path / "runs"
    folder.mkdir()
    monkeypatch.setenv("WBCSEG_RUNS", str(folder))
    return folder


@pytest.fixture
def started(monkeypatch):
    """What would have been started: no process is."""
    calls = []

    def begin(config, *, name=None, data=None):
        calls.append((config, name, data))
        return make_run(name or f"{config.architecture}-{len(calls)}", "stopped", epochs=0, config=config)

    monkeypatch.setattr(manager, "start_run", begin)
    return calls


def zipped(folder):
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        for path in sorted(folder.rglob("*.png")):
            archive.write(path, str(path.relative_to(folder)))
    return data.getvalue()


def plain(at):
    """The words of a page as one reads them."""
    return words(at).replace("\\", "").replace("\u2060", "")


def charts(at):
    return at.get("vega_lite_chart")


def start_button(at):
    return at.button(key="train_start")


# Describing


def test_it_begins_with_a_quick_look_that_can_be_started(open_page, started):
    at = open_page("train")
    assert "a visible result within about two minutes" in words(at)
    start_button(at).click().run()
    assert not at.exception
    assert started == [(QUICK, None, None)]


def test_a_preset_sets_every_setting_and_leaves_what_the_reader_chose(open_page, started):
    at = open_page("train")
    at.selectbox(key="train_architecture").select("segnet").run()
    for name in ("zheng-2", "synthetic"):
        at.selectbox(key="train_dataset").select(name).run()
    at.number_input(key="train_epochs").set_value(33).run()
    at.segmented_control(key="train_preset").select("compact").run()
    start_button(at).click().run()
    config = started[0][0]
    assert config == PRESETS["compact"].replace(architecture="segnet", dataset="synthetic")


def test_what_was_changed_under_advanced_is_said_and_used(open_page, started):
    at = open_page("train")
    at.number_input(key="train_width").set_value(4).run()
    at.selectbox(key="train_schedule").select("constant").run()
    assert f"{form.CHANGED_LABEL}: Width 4, Learning rate over time Constant" in plain(at)
    start_button(at).click().run()
    assert started[0][0] == QUICK.replace(base_filters=4, schedule="constant", warmup_epochs=0)


@pytest.mark.parametrize(
    ("setting", "value", "gone", "there"),
    [
        (
            "split",
            "thesis",
            {"fold", "folds", "input_size", "augmentation", "unused_fraction"},
            {"flipped_copies", "thesis_bugs"},
        ),
        ("split", "leaky", {"thesis_bugs", "flipped_copies"}, {"fold", "folds", "input_size", "unused_fraction"}),
        ("split", "leak-free", {"thesis_bugs"}, {"fold", "folds", "input_size", "unused_fraction", "flipped_copies"}),
        ("schedule", "constant", {"warmup_epochs"}, set()),
        ("optimizer", "adam", {"weight_decay"}, set()),
    ],
)
def test_settings_that_say_nothing_are_hidden(open_page, setting, value, gone, there):
    at = open_page("train")
    at.selectbox(key=f"train_{setting}").select(value).run()
    kinds = (at.number_input, at.selectbox, at.toggle)
    shown = {widget.key.removeprefix("train_") for kind in kinds for widget in kind if widget.key}
    assert not shown & gone
    assert there <= shown


def test_every_setting_is_on_the_page_with_its_range():
    assert set(FIELDS) == set(QUICK.to_dict())
    assert all(setting.description and setting.label for setting in ADVANCED_FIELDS)
    assert "From 4 to 128." in FIELDS["base_filters"].help
    for preset in PRESETS.values():
        assert drop_inactive(preset.to_dict()) == preset.to_dict()


def test_settings_that_contradict_each_other_are_named_at_once(open_page):
    at = open_page("train")
    at.number_input(key="train_fold").set_value(7).run()
    assert "must be less than `folds`, 5. Received: 7" in plain(at)
    assert start_button(at).disabled


def test_the_published_split_says_what_pictures_it_needs(open_page, pair_folder):
    at = open_page("train")
    at.selectbox(key="train_dataset").select("upload").run()
    at.file_uploader(key="train_zip").set_value(("mine.zip", zipped(pair_folder), "application/zip")).run()
    at.segmented_control(key="train_preset").select("thesis").run()
    assert "takes pictures of 120×120 pixels with a mask, at least 15 of them. This data set has 0" in plain(at)
    assert start_button(at).disabled


def test_data_that_is_not_here_is_offered(open_page, no_data):
    at = open_page("train")
    at.selectbox(key="train_dataset").select("zheng").run()
    assert {"download_zheng-1", "download_zheng-2"} <= {button.key for button in at.button}
    assert start_button(at).disabled


# Own pictures


def test_own_pictures_are_checked_and_handed_over_in_memory(open_page, started, pair_folder, runs):
    data = zipped(pair_folder)
    at = open_page("train")
    at.selectbox(key="train_dataset").select("upload").run()
    assert start_button(at).disabled
    at.file_uploader(key="train_zip").set_value(("mine.zip", data, "application/zip")).run()
    assert "4 pictures with their masks" in words(at)
    start_button(at).click().run()
    assert started == [(QUICK.replace(dataset="upload"), None, data)]
    assert not [path for path in runs.rglob("*") if path.suffix in (".zip", ".bmp")]


def test_a_zip_that_cannot_be_used_says_why(open_page):
    at = open_page("train")
    at.selectbox(key="train_dataset").select("upload").run()
    at.file_uploader(key="train_zip").set_value(("<b>mine</b>.zip", b"no zip", "application/zip")).run()
    assert not at.exception
    assert "mine" in at.error[0].value
    assert "<b>" not in at.error[0].value.replace("\\<", "")
    assert start_button(at).disabled


# Cost


def cost(**changes):
    values = {"seconds": 95.0, "seconds_per_epoch": 8.0, "memory": 900_000_000, "free": 16_000_000_000}
    return CostEstimate(**{**values, "basis": "runs", "exact": True, **changes})


def test_the_cost_says_what_it_rests_on(open_page, monkeypatch):
    monkeypatch.setattr(launch, "estimate_cost", lambda *_: cost())
    text = words(open_page("train"))
    assert f"About **1\u00a0min 35\u00a0s** on this computer: {QUICK.epochs} epochs of 8\u00a0s" in text
    assert "About **900.0\u00a0MB** of memory, of 16.0\u00a0GB free" in text
    assert "as earlier trainings of this kind took here" in text


def test_too_little_memory_is_refused_with_advice(open_page, monkeypatch):
    def refuse(*_):
        raise NotEnoughMemoryError("Needs 9 GB, and 1 GB is free. Choose a width of 8.")

    monkeypatch.setattr(launch, "check_memory", refuse)
    at = open_page("train")
    assert "Choose a width of 8" in at.error[0].value
    assert start_button(at).disabled


def test_it_can_be_measured_here(open_page, monkeypatch):
    under_way = []
    monkeypatch.setattr(launch, "start_probe", under_way.append)
    monkeypatch.setattr(launch, "is_probing", lambda config: config in under_way)
    monkeypatch.setattr(
        launch, "estimate_cost", lambda *_: cost(basis="timed" if under_way == [1] else "reference", exact=False)
    )
    at = open_page("train")
    at.button(key="train_measure").click().run()
    assert not at.exception
    assert under_way == [QUICK]
    assert "Timing a few steps" in words(at)


# Starting


def test_starting_shows_the_run(open_page, started):
    at = open_page("train")
    at.text_input(key="train_name").set_value("My first").run()
    start_button(at).click().run()
    assert not at.exception
    assert at.session_state["run"] == "My first"
    assert ":material/stop_circle: Stopped" in words(at)
    assert at.query_params["run"] == "My first"


def test_a_double_click_starts_one(started, monkeypatch):
    monkeypatch.setattr(launch.st, "session_state", {})
    launch.start_training(form.TrainingRequest(QUICK))
    launch.start_training(form.TrainingRequest(QUICK))
    assert len(started) == 1


def test_a_name_that_is_taken_is_said(open_page, monkeypatch):
    def refuse(*_, **__):
        raise RunError("There is a run 'x' already. Choose another name.")

    monkeypatch.setattr(manager, "start_run", refuse)
    at = open_page("train")
    start_button(at).click().run()
    assert "Choose another name" in at.error[0].value


def test_a_training_that_will_wait_says_so_before_and_after(open_page):
    make_run("first", "running", epochs=1)
    waiting = make_run("second", "queued", epochs=0, queued_at=1.0)
    at = open_page("train", tab=launch.NEW_RUN_TAB)
    assert "2 trainings go before it" in words(at)
    at = open_page("train", run=waiting.name)
    assert "Waiting in line, place 1" in words(at)


# Watching


def test_without_a_run_it_points_to_the_form(open_page):
    assert "No training yet" in words(open_page("train", tab=launch.PROGRESS_TAB))


def test_it_watches_the_one_that_runs(open_page):
    run = make_run("runs now", "running", epochs=2, filmed=True)
    make_run("newer", "stopped")
    tell(run, epoch=2, step=2)
    at = open_page("train")
    assert at.selectbox(key="run").value == "runs now"
    assert at.get("progress")[0].proto.text == (
        f"Epoch 3 of {QUICK.epochs} · batch 2 of 3 · 21 pictures per second · about 1\u00a0min 23\u00a0s left"
    )
    assert len(charts(at)) == 3
    assert "Now: nucleus held\\-out" in words(at) or "Now: nucleus held-out" in words(at)
    assert pictures(at) == 5  # pictures, masks, and the epochs 0, 1 and 2


def test_the_first_epoch_is_shown_by_batch(open_page):
    make_run("early", "running", epochs=0)
    at = open_page("train")
    assert {chart.proto.alt for chart in charts(at)} == {"Loss by batch", "Accuracy by batch", "Dice by batch"}
    assert not [control for control in at.segmented_control if control.key == "axis_early"]


def test_before_the_first_batch_there_is_no_empty_chart(open_page):
    run = make_run("early", "running", epochs=0)
    run.write("batches.json", {"batches": []})
    at = open_page("train")
    assert not charts(at)
    assert words(at).count(line_charts.EMPTY_TEXT) == 3


def test_the_text_of_a_chart_waits_for_the_end_of_the_training(open_page):
    make_run("alive", "running")
    make_run("done", "stopped")
    assert charts(open_page("train", run="alive"))[0].proto.alt == "Loss by epoch"
    assert charts(open_page("train", run="done"))[0].proto.alt.startswith("Loss by epoch, at the end: training 0.")


def test_a_chart_has_its_rows_apart_while_more_will_come_and_can_be_zoomed_after(open_page):
    make_run("alive", "running")
    make_run("done", "stopped")
    live, final = (charts(open_page("train", run=name))[0].proto for name in ("alive", "done"))
    assert live.data.data
    assert '"values"' not in live.spec
    assert '"zoom"' not in live.spec
    assert not final.data.data
    assert '"values"' in final.spec
    assert '"zoom"' in final.spec


def test_the_thesis_curve_is_not_laid_under_another_loss(open_page):
    make_run("quick", "stopped")
    make_run("thesis", "stopped", config=PRESETS["thesis"])
    for name, loss in (("quick", False), ("thesis", True)):
        at = open_page("train", run=name)
        at.toggle(key="thesis_curve").set_value(True).run()
        text = words(at)
        assert "**Binary accuracy**" in text
        assert "24 have a flipped copy in training" in text
        assert ("cannot be compared" in text) != loss
        assert sum('"Thesis' in chart.proto.spec for chart in charts(at)) == 1 + loss


def test_figures_of_a_leaking_split_are_marked(open_page):
    run = make_run("leaks", config=PRESETS["thesis"])
    run.write("split.json", {"train": ["zheng-1/001+flipped", "zheng-1/002"], "test": ["zheng-1/001", "zheng-1/003"]})
    assert "1 of 2 held-out pictures have a flipped copy in training" in words(open_page("train", run="leaks"))
    make_run("honest")
    assert "Leaking split]" not in words(open_page("train", run="honest"))


def test_why_it_failed_is_said_and_it_can_go_on(open_page, monkeypatch):
    make_run("broken", "failed", reason="The loss <is> not a number.")
    resumed = []
    monkeypatch.setattr(manager, "resume_run", lambda run, data=None: resumed.append((run.name, data)))
    at = open_page("train", run="broken")
    assert "The loss \\<is\\> not a number" in at.error[0].value
    at.button(key="live_broken_resume").click().run()
    assert resumed == [("broken", None)]


def test_stop_asks_the_supervisor(open_page, monkeypatch):
    run = make_run("busy", "running")
    at = open_page("train")
    at.button(key="live_busy_stop").click().run()
    assert not at.exception
    assert run.get_stop_request_age() is not None
    assert at.button(key="live_busy_stop").disabled
    assert "Stopping" in words(at)


def test_own_pictures_are_needed_again_to_go_on(open_page, monkeypatch, pair_folder):
    make_run("mine", "stopped", config=QUICK.replace(dataset="upload"))
    resumed = []
    monkeypatch.setattr(manager, "resume_run", lambda run, data=None: resumed.append((run.name, data)))
    at = open_page("train", run="mine")
    assert at.button(key="live_mine_resume").disabled
    data = zipped(pair_folder)
    at.file_uploader(key="live_mine_zip").set_value(("mine.zip", data, "application/zip")).run()
    at.button(key="live_mine_resume").click().run()
    assert resumed == [("mine", data)]


def test_a_damaged_run_is_shown_with_its_problem(open_page):
    run = make_run("damaged")
    (run.folder / "config.json").write_text("{")
    at = open_page("train", run="damaged")
    assert "config" in at.error[0].value


def test_a_film_of_pictures_that_are_not_here_shows_the_masks(open_page):
    run = make_run("mine", config=QUICK.replace(dataset="upload"))
    add_film(run, run.load_config(), 2)
    at = open_page("train", run="mine")
    assert pictures(at) == 4
    assert "The pictures themselves are not kept" in words(at)


def test_any_epoch_of_the_film_can_be_shown(open_page):
    make_run("long", epochs=30, config=QUICK.replace(epochs=30), filmed=True)
    at = open_page("train", run="long")
    assert pictures(at) == 2 + snapshots.DEFAULT_SNAPSHOTS
    assert "**Epoch 30**" in words(at)
    at.select_slider(key="film_epoch_long").set_value(23).run()
    assert "**Epoch 23**" in words(at)
    assert pictures(at) == 2 + snapshots.DEFAULT_SNAPSHOTS + 1


# What it is drawn from


@pytest.mark.parametrize("count", [1, 2, 8, 9, 10, 12, 31, 121, 2001])
def test_the_film_is_denser_at_its_beginning(count):
    chosen = snapshots.sample_epochs(range(count))
    assert len(chosen) == min(count, snapshots.DEFAULT_SNAPSHOTS)
    assert chosen == sorted(set(chosen))
    assert (chosen[0], chosen[-1]) == (0, count - 1)
    if count > snapshots.DEFAULT_SNAPSHOTS:
        gaps = [after - before for before, after in itertools.pairwise(chosen)]
        assert gaps[0] == 1
        assert gaps[-1] >= gaps[0]


@pytest.mark.parametrize(
    ("values", "strength", "expected"),
    [([2.0, 2.0, 2.0], 0.9, [2.0, 2.0, 2.0]), ([0.0, 1.0], 0.5, [0.0, 2 / 3]), ([0.3, 0.7], 0.0, [0.3, 0.7])],
)
def test_smoothing(values, strength, expected):
    smooth = line_charts.compute_ema(list(enumerate(values, start=1)), strength)
    assert [x for x, _ in smooth] == list(range(1, len(values) + 1))
    assert [y for _, y in smooth] == pytest.approx(expected)


def test_figures_that_are_missing_or_not_finite_are_left_out():
    rows = [{"loss": 0.5}, {}, {"loss": float("nan")}, {"loss": 0.25}]
    assert line_charts.extract_values(rows, "loss") == [(1, 0.5), (4, 0.25)]
