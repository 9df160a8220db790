"""The command line as a whole: errors, exit codes, and names of version 0.1."""

from __future__ import annotations

import ast
import re
import subprocess
import sys

import pytest
from command_line import get_error

from wbcseg.cli import COMMANDS, build_parser, main, translate_old_names
from wbcseg.errors import ErrorCode


def test_an_error_is_printed_as_a_sentence_and_the_exit_code_is_1() -> None:
    error = get_error("architectures", "--input-size", "100")
    assert error.code == ErrorCode.INVALID_VALUE
    assert "--input-size" in str(error)
    assert "Received: 100" in str(error)


def test_an_unknown_command_has_exit_code_2() -> None:
    with pytest.raises(SystemExit) as stop:
        main(["fly"])
    assert stop.value.code == 2


def test_the_help_lists_every_command() -> None:
    text = build_parser().format_help()
    for name in COMMANDS:
        assert re.search(rf"^ +{name}$|^ +{name} ", text, re.MULTILINE)


def test_the_help_of_a_command_begins_with_its_line_in_the_list(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "1000")
    for name, summary in COMMANDS.items():
        with pytest.raises(SystemExit) as stop:
            main([name, "--help"])
        assert stop.value.code == 0
        usage, description = capsys.readouterr().out.split("\n\n")[:2]
        assert usage.startswith(f"usage: wbcseg {name} ")
        assert " ".join(description.split()).startswith(summary)


def test_the_help_imports_neither_the_commands_nor_what_they_need() -> None:
    code = "import sys; from wbcseg.cli import main\ntry: main(['--help'])\nfinally: print(sorted(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = ast.literal_eval(done.stdout.splitlines()[-1])
    assert {name for name in loaded if name.startswith("wbcseg.cli")} == {"wbcseg.cli"}
    assert not {"tensorflow", "keras", "streamlit", "plotly", "numpy", "scipy", "PIL", "ai_edge_litert"} & set(loaded)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (["evaluate", "--cv", "5", "--dataset", "zheng-2"], ["cross-validate", "--folds", "5", "--dataset", "zheng-2"]),
        (["evaluate", "--cv=5", "--leaking"], ["cross-validate", "--folds=5", "--leaky"]),
        (["evaluate", "--splits", "3", "--width", "8"], ["cross-validate", "--splits", "3", "--base-filters", "8"]),
        (["evaluate", "--laboratories", "--out", "a"], ["cross-site", "--out", "a"]),
        (["evaluate", "unet-16", "--robustness"], ["robustness", "unet-16"]),
        (["evaluate", "--agreement"], ["agreement"]),
        (["evaluate", "--report"], ["cross-validate", "--report"]),
        (["evaluate", "unet-16", "--json"], ["evaluate", "unet-16", "--json"]),
    ],
)
def test_options_of_evaluate_in_version_0_1_become_commands(old: list[str], new: list[str]) -> None:
    assert translate_old_names(old) == new


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (["--preset", "published", "--twins"], ["--preset", "thesis", "--flipped-copies"]),
        (["--split=leaking", "--no-twins"], ["--split=leaky", "--no-flipped-copies"]),
        (["--augmentation", "laboratories", "--width=8"], ["--augmentation", "strong", "--base-filters=8"]),
        (["--name", "published"], ["--name", "published"]),
    ],
)
def test_options_and_values_of_train_in_version_0_1_are_translated(old: list[str], new: list[str]) -> None:
    assert translate_old_names(["train", *old]) == ["train", *new]


def test_options_and_values_of_predict_in_version_0_1_are_translated() -> None:
    old = ["predict", "a.png", "--careful", "--measure", "--micrometres", "0.1", "--palette", "safe"]
    new = ["segment", "a.png", "--tta", "--measurements", "--pixel-size", "0.1", "--palette", "colorblind"]
    assert translate_old_names(old) == new
