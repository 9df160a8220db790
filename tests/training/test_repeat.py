"""A training as a command and as a notebook: both train with the same settings."""

from __future__ import annotations

import json
import shlex
from pathlib import Path
from typing import Any

import pytest
from sample_runs import QUICK, skip_precision_timing

from wbcseg.cli import build_parser
from wbcseg.models import ARCHITECTURES
from wbcseg.training import PRESETS, TrainingConfig
from wbcseg.training.repeat.command import build_command, find_nearest_preset, list_changes
from wbcseg.training.repeat.notebook import build_notebook
from wbcseg.training.settings import SETTINGS

TINY = QUICK.replace(base_filters=4, input_size=48, epochs=2, bn_debias=True, checkpoint="best")


def read_command(text: str) -> TrainingConfig:
    options = build_parser().parse_args(shlex.split(text)[1:])
    changes = {name: getattr(options, name) for name in SETTINGS if getattr(options, name) is not None}
    return PRESETS[options.preset].replace(**changes)


@pytest.mark.parametrize(
    "config", [*PRESETS.values(), TINY, TINY.replace(dataset="my images/a folder", seed=0, learning_rate=1e-5)]
)
def test_the_command_has_the_same_settings(config: TrainingConfig) -> None:
    assert read_command(build_command(config)) == config
    assert read_command(build_command(config, "thorough")) == config


@pytest.mark.parametrize("preset", PRESETS)
def test_a_preset_is_its_own_nearest(preset: str) -> None:
    assert find_nearest_preset(PRESETS[preset]) == preset
    assert list_changes(PRESETS[preset], preset) == {}


def load_notebook(config: TrainingConfig) -> dict[str, Any]:
    notebook: dict[str, Any] = json.loads(build_notebook(config))
    return notebook


def list_code(notebook: dict[str, Any]) -> list[str]:
    return ["".join(cell["source"]) for cell in notebook["cells"] if cell["cell_type"] == "code"]


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_a_notebook_is_of_format_4_and_its_code_compiles(architecture: str) -> None:
    notebook = load_notebook(QUICK.replace(architecture=architecture, input_size=96))
    assert (notebook["nbformat"], notebook["nbformat_minor"]) == (4, 5)
    assert set(notebook) == {"cells", "metadata", "nbformat", "nbformat_minor"}
    ids = [cell["id"] for cell in notebook["cells"]]
    assert len(set(ids)) == len(ids)
    for cell in notebook["cells"]:
        assert set(cell) - {"outputs", "execution_count"} == {"cell_type", "id", "metadata", "source"}
    install, *rest = list_code(notebook)
    assert install.startswith("%pip install")
    assert '"wbcseg[train]"' in install
    for code in rest:
        compile(code, "cell", "exec")


def test_a_notebook_asks_for_uploaded_images() -> None:
    code = "\n".join(list_code(load_notebook(PRESETS["adapt"])))
    assert 'own_images = "' in code
    assert "dataset=own_images" in code


@pytest.mark.training
def test_a_notebook_trains_plots_and_segments(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("WBCSEG_RUNS", str(tmp_path / "runs"))
    skip_precision_timing(TINY, tmp_path / "cache", monkeypatch)
    scope: dict[str, Any] = {}
    for code in list_code(load_notebook(TINY))[1:]:
        exec(code, scope)
    assert scope["run"].load_config() == TINY
    assert len(scope["figure"].data) == 5
    assert len(scope["panels"].data) == 2
    text = capsys.readouterr().out
    assert "epoch 2/2" in text
    assert "12 held-out images" in text
