"""Train: setting up a run, its cost, starting it, and its progress."""

import io
import itertools
import json
import zipfile

import numpy as np
import pytest
from builders import encode, zipped
from quick_app import count_images, page_text, tables
from sample_runs import QUICK, add_snapshots, make_run, write_progress

from wbcseg.datasets.synthetic import draw_sample
from wbcseg.errors import NotEnoughMemoryError, RunError
from wbcseg.labels import CLASS_NAMES
from wbcseg.training import PRESETS, Run
from wbcseg.training.cost.estimate import CostEstimate
from wbcseg.training.jobs import manager
from wbcseg.training.presets import PRESET_DESCRIPTIONS
from wbcseg.training.runs import snapshots as film
from wbcseg.training.runs import summary
from wbcseg.ui import routes
from wbcseg.ui.components import line_charts
from wbcseg.ui.curves.spec import compute_first_domains, escape_field
from wbcseg.ui.train import form, launch, live, snapshots
from wbcseg.ui.train.fields import ADVANCED_FIELDS, FIELDS, drop_inactive
from wbcseg.visualization import FALSE_NEGATIVE_COLOR, FALSE_POSITIVE_COLOR, WRONG_CLASS_COLOR, colorize_errors


@pytest.fixture(autouse=True)
def runs(tmp_path, monkeypatch, no_data):
    folder = tmp_path / "runs"
    folder.mkdir()
    monkeypatch.setenv("WBCSEG_RUNS", str(folder))
    return folder


@pytest.fixture
def started(monkeypatch):
    """Calls that would have started a run; no process is started."""
    calls = []

    def start(config, *, name=None, data=None):
        calls.append((config, name, data))
        return make_run(name or f"{config.architecture}-{len(calls)}", "stopped", epochs=0, config=config)

    monkeypatch.setattr(manager, "start_run", start)
    return calls


def zip_folder(folder):
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        for path in sorted(folder.rglob("*.png")):
            archive.write(path, str(path.relative_to(folder)))
    return data.getvalue()


def read_text(at):
    """Return the text of a page without escapes."""
    return page_text(at).replace("\\", "").replace("\u2060", "")


def charts(at):
    return at.get("vega_lite_chart")


def start_button(at):
    return at.button(key="train_start")


# Setting up a run


def test_the_default_is_a_quick_run_that_can_be_started(open_page, started):
    at = open_page("train")
    assert PRESET_DESCRIPTIONS["quick"] in page_text(at)
    start_button(at).click().run()
    assert not at.exception
    assert started == [(QUICK, None, None)]


def test_a_preset_sets_every_setting_except_the_chosen_network_and_data_set(open_page, started):
    at = open_page("train")
    at.selectbox(key="train_architecture").select("segnet").run()
    for name in ("zheng-2", "synthetic"):
        at.selectbox(key="train_dataset").select(name).run()
    at.number_input(key="train_epochs").set_value(33).run()
    at.segmented_control(key="train_preset").select("compact").run()
    start_button(at).click().run()
    config = started[0][0]
    assert config == PRESETS["compact"].replace(architecture="segnet", dataset="synthetic")


def test_changes_under_advanced_are_listed_and_used(open_page, started):
    at = open_page("train")
    at.number_input(key="train_base_filters").set_value(4).run()
    at.selectbox(key="train_schedule").select("constant").run()
    assert f"{form.CHANGED_LABEL}: Base filters 4, Schedule Constant" in read_text(at)
    start_button(at).click().run()
    assert started[0][0] == QUICK.replace(base_filters=4, schedule="constant", warmup_epochs=0)


def test_a_run_starts_with_the_value_that_a_field_shows(open_page, started):
    """A value typed just before the click on Start comes together with the click."""
    at = open_page("train")
    at.number_input(key="train_epochs").set_value(33)
    start_button(at).click().run()
    assert started[0][0] == QUICK.replace(epochs=33)


def test_an_invalid_value_typed_just_before_start_is_rejected(open_page, started):
    at = open_page("train")
    at.number_input(key="train_fold").set_value(7)
    start_button(at).click().run()
    assert not started
    assert "must be less than `folds`, 5. Received: 7" in read_text(at)


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
def test_settings_without_effect_are_hidden(open_page, setting, value, gone, there):
    at = open_page("train")
    at.selectbox(key=f"train_{setting}").select(value).run()
    kinds = (at.number_input, at.selectbox, at.toggle)
    shown = {widget.key.removeprefix("train_") for kind in kinds for widget in kind if widget.key}
    assert not shown & gone
    assert there <= shown


def test_every_setting_is_in_the_form_with_its_range():
    assert set(FIELDS) == set(QUICK.to_dict())
    assert all(field.description and field.label for field in ADVANCED_FIELDS)
    assert "From 4 to 128." in FIELDS["base_filters"].help
    for preset in PRESETS.values():
        assert drop_inactive(preset.to_dict()) == preset.to_dict()


def test_contradicting_settings_are_reported_at_once(open_page):
    at = open_page("train")
    at.number_input(key="train_fold").set_value(7).run()
    assert "must be less than `folds`, 5. Received: 7" in read_text(at)
    assert start_button(at).disabled


def test_the_thesis_split_states_which_images_it_needs(open_page, pair_folder):
    at = open_page("train")
    at.selectbox(key="train_dataset").select("upload").run()
    at.file_uploader(key="train_zip").set_value(("mine.zip", zip_folder(pair_folder), "application/zip")).run()
    at.segmented_control(key="train_preset").select("thesis").run()
    assert "at least 15 images of 120×120 pixels with a mask. This data set has 0" in read_text(at)
    assert start_button(at).disabled


def test_a_missing_data_set_can_be_downloaded(open_page, no_data):
    at = open_page("train")
    at.selectbox(key="train_dataset").select("zheng").run()
    assert {"download_zheng-1", "download_zheng-2"} <= {button.key for button in at.button}
    assert start_button(at).disabled


# Uploaded images


def test_uploaded_images_are_checked_and_stay_in_memory(open_page, started, pair_folder, runs):
    data = zip_folder(pair_folder)
    at = open_page("train")
    at.selectbox(key="train_dataset").select("upload").run()
    assert start_button(at).disabled
    at.file_uploader(key="train_zip").set_value(("mine.zip", data, "application/zip")).run()
    assert "4 images with masks" in page_text(at)
    start_button(at).click().run()
    assert started == [(QUICK.replace(dataset="upload"), None, data)]
    assert not [path for path in runs.rglob("*") if path.suffix in (".zip", ".bmp")]


def test_numbers_of_cells_are_trained_on_once_someone_says_that_they_are(open_page, started):
    files = {}
    for number in range(8):
        sample = draw_sample(3, number, size=(60, 56))
        files |= {f"{number}.png": encode(sample.image), f"{number}_mask.png": encode((sample.mask > 0) * np.uint8(37))}
    at = open_page("train")
    at.selectbox(key="train_dataset").select("upload").run()
    at.file_uploader(key="train_zip").set_value(("mine.zip", zipped(files), "application/zip")).run()
    assert "number of a cell" in at.error[0].value
    at.selectbox(key="train_mask_correction").set_value("instances").run()
    assert not at.error
    start_button(at).click().run()
    assert started[0][0].mask_correction == "instances"


def test_the_held_out_dice_of_the_model_is_beside_the_fast_one(open_page, monkeypatch):
    make_run("done", epochs=4)
    monkeypatch.setattr(summary, "_read_heldout_dice", lambda _: {"nucleus": 0.612, "cytoplasm": 0.5, "cell": 0.7})
    text = page_text(open_page("train", run="done"))
    assert f"Fast Dice ({QUICK.input_size} px)" in text
    assert "**Held-out Dice of the model** (whole images; dotted): nucleus 0.612, cytoplasm 0.500, cell 0.700." in text


def test_an_unusable_zip_is_rejected_with_the_reason(open_page):
    at = open_page("train")
    at.selectbox(key="train_dataset").select("upload").run()
    at.file_uploader(key="train_zip").set_value(("<b>mine</b>.zip", b"no zip", "application/zip")).run()
    assert not at.exception
    assert "mine" in at.error[0].value
    assert "<b>" not in at.error[0].value.replace("\\<", "")
    assert start_button(at).disabled


# Cost


def make_cost(**changes):
    values = {
        "seconds": 95.0,
        "seconds_per_epoch": 8.0,
        "memory_bytes": 900_000_000,
        "free_bytes": 16_000_000_000,
        "basis": "runs",
        "is_exact": True,
    }
    return CostEstimate(**{**values, **changes})


def test_the_cost_has_its_basis(open_page, monkeypatch):
    monkeypatch.setattr(launch, "estimate_cost", lambda *_: make_cost())
    text = page_text(open_page("train"))
    assert f"About **1\u00a0min 35\u00a0s** on this computer: {QUICK.epochs} epochs × 8\u00a0s" in text
    assert "About **900.0\u00a0MB** of memory; 16.0\u00a0GB are free" in text
    assert launch.BASIS_TEXTS["runs", True] in text


def test_too_little_memory_is_reported_with_advice(open_page, monkeypatch):
    def refuse(*_):
        raise NotEnoughMemoryError("Needs 9 GB, and 1 GB is free. Choose 8 base filters.")

    monkeypatch.setattr(launch, "check_memory", refuse)
    at = open_page("train")
    assert "Choose 8 base filters" in at.error[0].value
    assert start_button(at).disabled


def test_the_cost_can_be_timed_on_this_computer(open_page, monkeypatch):
    probed = []
    monkeypatch.setattr(launch, "start_probe", probed.append)
    monkeypatch.setattr(launch, "is_probing", lambda config: config in probed)
    monkeypatch.setattr(
        launch, "estimate_cost", lambda *_: make_cost(basis="timed" if probed == [1] else "reference", is_exact=False)
    )
    at = open_page("train")
    at.button(key="train_probe").click().run()
    assert not at.exception
    assert probed == [QUICK]
    assert "Timing a few steps" in page_text(at)


# Starting


def test_a_started_run_is_shown(open_page, started):
    at = open_page("train")
    at.text_input(key="train_name").set_value("My first").run()
    start_button(at).click().run()
    assert not at.exception
    assert at.session_state["run"] == "My first"
    assert ":material/stop_circle: Stopped" in page_text(at)
    assert at.query_params["run"] == "My first"


def test_a_double_click_starts_one_run(started, monkeypatch):
    monkeypatch.setattr(launch.st, "session_state", {})
    launch.start_training(form.TrainingRequest(QUICK))
    launch.start_training(form.TrainingRequest(QUICK))
    assert len(started) == 1


def test_a_taken_name_is_reported(open_page, monkeypatch):
    def refuse(*_, **__):
        raise RunError("There is a run 'x' already. Choose another name.")

    monkeypatch.setattr(manager, "start_run", refuse)
    at = open_page("train")
    start_button(at).click().run()
    assert "Choose another name" in at.error[0].value


def test_a_queue_is_shown_before_and_after_the_start(open_page):
    make_run("first", "running", epochs=1)
    waiting = make_run("second", "queued", epochs=0, queued_at=1.0)
    at = open_page("train", tab=routes.TRAIN_NEW_TAB)
    assert "2 runs are ahead" in page_text(at)
    at = open_page("train", run=waiting.name)
    assert "Queued: 1st" in page_text(at)


# Progress


def test_without_a_run_it_points_to_the_form(open_page):
    assert "There are no runs yet" in page_text(open_page("train", tab=routes.TRAIN_PROGRESS_TAB))


def test_the_running_run_is_shown_by_default(open_page):
    run = make_run("running now", "running", epochs=2, with_snapshots=True)
    make_run("newer", "stopped")
    write_progress(run, epoch=2, step=2)
    at = open_page("train")
    assert at.selectbox(key="run").value == "running now"
    assert at.get("progress")[0].proto.text == (
        f"Epoch 3 of {QUICK.epochs} · batch 2 of 3 · 21 images per second · about 1\u00a0min 23\u00a0s left"
    )
    assert len(charts(at)) == 3
    assert "Now: nucleus validation" in page_text(at)
    assert count_images(at) == 5  # images, masks, and the epochs 0, 1 and 2


def test_the_first_epoch_is_shown_by_batch(open_page):
    make_run("early", "running", epochs=0)
    at = open_page("train")
    fast_dice = f"Fast Dice ({QUICK.input_size} px) by batch"
    assert {chart.proto.alt for chart in charts(at)} == {"Loss by batch", "Accuracy by batch", fast_dice}
    assert not [control for control in at.segmented_control if control.key == "axis_early"]


def test_before_the_first_batch_there_is_no_empty_chart(open_page):
    run = make_run("early", "running", epochs=0)
    run.write("batches.json", {"batches": []})
    at = open_page("train")
    assert not charts(at)
    assert page_text(at).count(line_charts.EMPTY_TEXT) == 3


def test_the_text_alternative_of_a_chart_has_values_after_the_end_of_the_run(open_page):
    make_run("alive", "running")
    make_run("done", "stopped")
    assert charts(open_page("train", run="alive"))[0].proto.alt == "Loss by epoch"
    assert charts(open_page("train", run="done"))[0].proto.alt.startswith("Loss by epoch, at the end: training 0.")


def test_the_rows_of_a_live_chart_are_not_in_its_spec_and_a_final_chart_can_be_zoomed(open_page):
    make_run("alive", "running")
    make_run("done", "stopped")
    live, final = (charts(open_page("train", run=name))[0].proto for name in ("alive", "done"))
    assert live.data.data
    assert '"values"' not in live.spec
    assert '"zoom"' not in live.spec
    assert not final.data.data
    assert '"values"' in final.spec
    assert '"zoom"' in final.spec


def test_the_thesis_curve_is_not_overlaid_on_another_loss(open_page):
    make_run("quick", "stopped")
    make_run("thesis", "stopped", config=PRESETS["thesis"])
    for name, loss in (("quick", False), ("thesis", True)):
        at = open_page("train", run=name)
        at.toggle(key="thesis_curve").set_value(True).run()
        text = page_text(at)
        assert "**Binary accuracy**" in text
        assert "24 of which have a flipped copy in training" in text
        assert ("cannot be compared" in text) != loss
        assert sum('"Thesis' in chart.proto.spec for chart in charts(at)) == 1 + loss


def test_scores_of_a_leaky_split_are_marked(open_page):
    run = make_run("leaky", config=PRESETS["thesis"])
    run.write("split.json", {"train": ["zheng-1/001+flipped", "zheng-1/002"], "test": ["zheng-1/001", "zheng-1/003"]})
    assert "1 of 2 validation images have a flipped copy in training" in page_text(open_page("train", run="leaky"))
    make_run("leak-free")
    assert "Leaky split]" not in page_text(open_page("train", run="leak-free"))


def test_a_failed_run_shows_the_reason_and_can_be_resumed(open_page, monkeypatch):
    make_run("broken", "failed", reason="The loss <is> not a number.")
    resumed = []
    monkeypatch.setattr(manager, "resume_run", lambda run, data=None: resumed.append((run.name, data)))
    at = open_page("train", run="broken")
    assert "The loss \\<is\\> not a number" in at.error[0].value
    at.button(key="live_broken_resume").click().run()
    assert resumed == [("broken", None)]


def test_stop_requests_a_stop(open_page, monkeypatch):
    run = make_run("busy", "running")
    at = open_page("train")
    at.button(key="live_busy_stop").click().run()
    assert not at.exception
    assert run.get_stop_request_age() is not None
    assert at.button(key="live_busy_stop").disabled
    assert "Stopping" in page_text(at)


def test_resuming_needs_the_uploaded_images_again(open_page, monkeypatch, pair_folder):
    make_run("mine", "stopped", config=QUICK.replace(dataset="upload"))
    resumed = []
    monkeypatch.setattr(manager, "resume_run", lambda run, data=None: resumed.append((run.name, data)))
    at = open_page("train", run="mine")
    assert at.button(key="live_mine_resume").disabled
    data = zip_folder(pair_folder)
    at.file_uploader(key="live_mine_zip").set_value(("mine.zip", data, "application/zip")).run()
    at.button(key="live_mine_resume").click().run()
    assert resumed == [("mine", data)]


def test_a_damaged_run_is_shown_with_its_problem(open_page):
    run = make_run("damaged")
    (run.folder / "config.json").write_text("{")
    at = open_page("train", run="damaged")
    assert "config" in at.error[0].value


def test_snapshots_of_uploaded_images_show_masks_only(open_page):
    run = make_run("mine", config=QUICK.replace(dataset="upload"))
    add_snapshots(run, run.load_config(), 2)
    at = open_page("train", run="mine")
    assert count_images(at) == 4
    assert "A run stores only the masks" in page_text(at)


def test_any_epoch_of_the_snapshots_can_be_shown(open_page):
    make_run("long", epochs=30, config=QUICK.replace(epochs=30), with_snapshots=True)
    at = open_page("train", run="long")
    assert count_images(at) == 2 + snapshots.DEFAULT_SNAPSHOTS
    assert "**Epoch 30**" in page_text(at)
    at.select_slider(key="snapshot_epoch_long").set_value(23).run()
    assert "**Epoch 23**" in page_text(at)
    assert count_images(at) == 2 + snapshots.DEFAULT_SNAPSHOTS + 1


# Curves and snapshots


@pytest.mark.parametrize("count", [1, 2, 8, 9, 10, 12, 31, 121, 2001])
def test_snapshots_are_denser_at_the_beginning(count):
    epochs = snapshots.sample_epochs(range(count))
    assert len(epochs) == min(count, snapshots.DEFAULT_SNAPSHOTS)
    assert epochs == sorted(set(epochs))
    assert (epochs[0], epochs[-1]) == (0, count - 1)
    if count > snapshots.DEFAULT_SNAPSHOTS:
        gaps = [after - before for before, after in itertools.pairwise(epochs)]
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


def test_missing_and_infinite_values_are_left_out():
    rows = [{"loss": 0.5}, {}, {"loss": float("nan")}, {"loss": 0.25}]
    assert line_charts.extract_values(rows, "loss") == [(1, 0.5), (4, 0.25)]


def load_spec(chart):
    return json.loads(chart.proto.spec)


def iter_layers(spec):
    yield spec
    for layer in spec.get("layer", []):
        yield from iter_layers(layer)


def test_one_line_at_the_pointer_shows_all_curves(open_page):
    make_run("done", "stopped")
    layers = list(iter_layers(load_spec(charts(open_page("train", run="done"))[0])))
    (hover,) = [layer for layer in layers if "tooltip" in layer.get("encoding", {})]
    assert [entry["title"] for entry in hover["encoding"]["tooltip"]] == ["Epoch", "Training", "Validation"]
    assert {"pivot": "series", "value": "y", "groupby": ["x"]} in hover["transform"]


def test_the_best_epoch_and_the_kept_weights_are_marked(open_page):
    make_run("done", "stopped", epochs=4, config=QUICK)
    metrics = Run(manager.get_run("done").folder).load_metrics()
    metrics[1]["val_dice_nucleus"] = metrics[1]["val_dice_cytoplasm"] = 0.99
    manager.get_run("done").write("metrics.json", {"epochs": metrics})
    at = open_page("train", run="done")
    values = load_spec(charts(at)[0])["layer"][0]["data"]["values"]
    assert {row["mark"]: row["x"] for row in values if "mark" in row} == {"best": 2, "kept": 4}


def test_the_axes_can_be_read_after_the_first_epoch():
    rows = [(1, 0.5, "a", None, None), (1, 0.7, "b", None, None), (1, None, "", None, "best")]
    domains = compute_first_domains(rows)
    assert domains["x"] == (0, 2)
    assert domains["y"][0] < 0.5 < 0.7 < domains["y"][1]
    assert compute_first_domains([*rows, (2, 0.6, "a", None, None)]) == {}
    assert compute_first_domains([]) == {}


def test_a_name_with_a_dot_is_one_field():
    assert escape_field("run 1.5 [a]") == r"run 1\.5 \[a\]"


def test_classes_rate_gradients_and_speed_are_shown_on_demand(open_page):
    run = make_run("done", "stopped")
    rows = run.load_metrics()
    assert not [e for e in open_page("train", run="done").expander if live.MORE_CURVES in e.label]
    extra = {"learning_rate": 0.001, "gradient_norm": 2.0, "images_per_second": 50.0, "val_recall_nucleus": 0.9}
    run.write("metrics.json", {"epochs": [{**row, **extra} for row in rows]})
    at = open_page("train", run="done")
    assert len(charts(at)) == 3
    at.session_state["more_done"] = True
    at.run()
    assert not at.exception


# The film


def make_confused_run(name):
    run = make_run(name, epochs=3, with_snapshots=True)
    names = [f"val_confusion_{a}_{b}" for a in CLASS_NAMES for b in CLASS_NAMES]
    confusion = dict(zip(names, [90, 10, 0, 4, 20, 6, 0, 10, 30], strict=True))
    run.write("metrics.json", {"epochs": [{**row, **confusion} for row in run.load_metrics()]})
    return run


def test_the_film_shows_where_the_pixels_of_each_class_went(open_page):
    make_confused_run("done")
    at = open_page("train", run="done")
    assert ["Expert: nucleus", "0.0 %", "25.0 %", "75.0 %"] in tables(at)[0]
    at.select_slider(key="snapshot_epoch_done").set_value(0).run()
    assert not tables(at)


def test_the_film_plays_from_the_start_and_stops_at_the_end(open_page):
    make_run("done", epochs=3, with_snapshots=True)
    at = open_page("train", run="done")
    at.button(key="play_done").click().run()
    assert not at.exception
    seen = [at.select_slider(key="snapshot_epoch_done").value]
    while at.session_state["playing_done"] and len(seen) < 20:
        at.run()
        seen.append(at.select_slider(key="snapshot_epoch_done").value)
    assert not at.session_state["playing_done"]
    assert sorted(set(seen)) == seen[: len(set(seen))]
    assert seen[-1] == 3
    assert at.button(key="play_done").label == "Play"


def test_errors_are_drawn_on_demand(open_page):
    make_run("done", epochs=3, with_snapshots=True)
    at = open_page("train", run="done")
    at.toggle(key="film_errors").set_value(True).run()
    assert not at.exception
    assert count_images(at) == 6


def test_errors_have_the_colours_of_their_kind():
    expert, predicted = np.array([[0, 0, 1, 2, 2]], np.uint8), np.array([[0, 1, 0, 1, 2]], np.uint8)
    colours = colorize_errors(predicted, expert)[0]
    assert [tuple(map(int, colour)) for colour in colours[1:4]] == [
        FALSE_POSITIVE_COLOR,
        FALSE_NEGATIVE_COLOR,
        WRONG_CLASS_COLOR,
    ]
    for right in (colours[0], colours[4]):
        assert len(set(right)) == 1


def test_the_cells_of_the_film_can_be_chosen(open_page):
    run = make_run("done", epochs=1, with_snapshots=False)
    ids = [f"synthetic/{number:03}" for number in range(1, 9)]
    film.start_snapshots(run, ids, np.zeros((8, 24, 24), np.uint8))
    film.add_snapshot(run, 0, np.ones((8, 24, 24), np.uint8))
    at = open_page("train", run="done")
    pills = at.get("button_group")
    chosen = next(group for group in pills if group.key == "film_cells_done")
    assert len(chosen.value) == 3
    chosen.set_value([2]).run()
    assert not at.exception
