"""The form of a training: what a field shows is used, and the address opens the form as it was."""

import shlex

import pytest
from quick_app import page_text
from sample_runs import QUICK, make_run

from wbcseg.datasets import open_dataset
from wbcseg.splitting.cell_groups import CellGroups, store_cell_groups
from wbcseg.training import PRESETS
from wbcseg.training.jobs import manager
from wbcseg.training.presets import PRESET_DESCRIPTIONS, PRESET_TITLES
from wbcseg.training.settings import SETTINGS
from wbcseg.ui.train import address


@pytest.fixture(autouse=True)
def runs(tmp_path, monkeypatch, no_data):
    folder = tmp_path / "runs"
    folder.mkdir()
    monkeypatch.setenv("WBCSEG_RUNS", str(folder))
    monkeypatch.setenv("WBCSEG_CACHE", str(tmp_path / "cache"))
    return folder


@pytest.fixture
def started(monkeypatch):
    calls = []

    def start(config, *, name=None, data=None):
        calls.append(config)
        return make_run(f"run-{len(calls)}", "stopped", epochs=0, config=config)

    monkeypatch.setattr(manager, "start_run", start)
    return calls


def read_text(at):
    return page_text(at).replace("\\", "").replace("\u2060", "")


def start_button(at):
    return at.button(key="train_start")


@pytest.mark.parametrize(
    ("name", "value"), [("learning_rate", 100.0), ("epochs", 0), ("epochs", 5000), ("batch_size", -3), ("seed", 2**40)]
)
def test_a_number_beyond_its_range_says_the_range_and_disables_start(open_page, started, name, value):
    at = open_page("train")
    at.number_input(key=f"train_{name}").set_value(value).run()
    assert at.number_input(key=f"train_{name}").value == value
    assert start_button(at).disabled
    text = read_text(at)
    assert f"{SETTINGS[name].label} must be {SETTINGS[name].range_text}" in text
    assert f":red[:material/error: {SETTINGS[name].range_text.capitalize()}.]" in text
    at.number_input(key=f"train_{name}").set_value(getattr(QUICK, name)).run()
    start_button(at).click().run()
    assert started == [QUICK]


def test_no_field_hides_a_number_from_the_form(open_page):
    """A field with limits would show the number and keep the old one."""
    for field in open_page("train").number_input:
        assert not field.proto.has_min
        assert not field.proto.has_max


def test_no_preset_names_a_time_that_holds_for_one_network_only():
    for text in (*PRESET_TITLES.values(), *PRESET_DESCRIPTIONS.values()):
        assert "2 min" not in text
        assert "two minutes" not in text


def test_the_estimate_is_that_of_the_chosen_network(open_page):
    def read_seconds(at):
        return next(m.value for m in at.markdown if "on this computer:" in m.value)

    at = open_page("train")
    before = read_seconds(at)
    at.number_input(key="train_base_filters").set_value(64).run()
    assert read_seconds(at) != before


def test_the_numbers_of_images_are_those_of_the_folds(open_page):
    dataset = open_dataset("synthetic")
    groups = (*([0] * 15), *range(1, 46))
    cells = CellGroups(dataset.ids, groups, ("a",) * 60)
    store_cell_groups(dataset, cells)
    at = open_page("train")
    in_fold = [int((cells.assign_folds(5, 2) == fold).sum()) for fold in range(5)]
    assert max(in_fold) >= 15
    for fold in (0, 4):
        at.number_input(key="train_fold").set_value(fold).run()
        text = read_text(at)
        assert f"{60 - in_fold[fold]} images for training and {in_fold[fold]} for validation" in text
        assert "About 4" not in text


def test_the_address_holds_the_form(open_page, started):
    at = open_page("train")
    at.selectbox(key="train_architecture").select("segnet").run()
    at.number_input(key="train_epochs").set_value(3).run()
    at.toggle(key="train_bn_debias").set_value(True).run()
    params = dict(at.query_params)
    assert {name: params[name] for name in ("network", "dataset", "preset", "epochs", "bn_debias")} == {
        "network": "segnet",
        "dataset": "synthetic",
        "preset": "quick",
        "epochs": "3",
        "bn_debias": "true",
    }
    assert "learning_rate" not in params

    again = open_page("train", **{name: value for name, value in params.items() if name != "tab"})
    start_button(again).click().run()
    assert started == [QUICK.replace(architecture="segnet", epochs=3, bn_debias=True)]


def test_an_address_with_a_number_beyond_its_range_is_shown_and_rejected(open_page):
    at = open_page("train", network="unet", dataset="synthetic", preset="quick", learning_rate="100")
    assert at.number_input(key="train_learning_rate").value == 100
    assert start_button(at).disabled


def test_an_address_with_impossible_values_says_which(open_page, started):
    at = open_page("train", network="<b>no</b>", preset="none", epochs="many", seed="5")
    assert not at.exception
    assert all(part in read_text(at) for part in ("network", "preset=none", "epochs=many"))
    assert "<b>" not in at.warning[0].value.replace("\\<", "")
    start_button(at).click().run()
    assert started == [QUICK.replace(seed=5)]


@pytest.mark.parametrize("config", [*PRESETS.values(), QUICK.replace(architecture="segnet", seed=9, bn_debias=True)])
def test_a_link_to_the_form_has_all_settings_of_a_run(config):
    link = address.build_link(config)
    preset = PRESETS[link["preset"]].to_dict()
    values = {
        name: address.parse_value(SETTINGS[name], link[param]) if param in link else preset[name]
        for name, param in address.PARAM_NAMES.items()
    }
    assert values == config.to_dict()


def test_the_command_of_the_form_can_be_copied(open_page):
    at = open_page("train", network="segnet", dataset="synthetic", preset="quick", epochs="3")
    (code,) = [code.value for code in at.code]
    assert shlex.split(code) == shlex.split(
        "wbcseg train --preset quick --architecture segnet --dataset synthetic --epochs 3"
    )
    assert at.get("download_button")
