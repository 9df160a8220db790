"""What a training prints in a terminal and in a file."""

from __future__ import annotations

import io
import sys

import pytest
from sample_runs import make_epoch_row

from wbcseg.cli.train.output import ProgressPrinter, describe_next_steps, format_bar, format_epoch
from wbcseg.training.runs.progress import Progress

AT_WORK = Progress("training", 1, 12, step=6, steps=12, loss=0.5, images_per_second=21.4, seconds_left=83.0)


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_bar_shows_how_far_the_epoch_is_and_how_long_the_rest_takes() -> None:
    text = format_bar(AT_WORK)
    assert text.startswith("epoch 2/12")
    assert f"[{'=' * 12}{' ' * 12}]" in text
    assert "0:01:23 left" in text
    assert len(text) < 100


def test_an_epoch_is_one_line_in_which_undefined_values_have_a_sign() -> None:
    row = make_epoch_row(3)
    del row["val_dice_nucleus"]
    line = format_epoch(row, 3, 12, 60.0)
    assert line.split()[:2] == ["epoch", "3/12"]
    assert "-" in line.split()
    assert len(line) <= 110


def test_a_file_has_lines_and_a_terminal_a_bar_too(monkeypatch: pytest.MonkeyPatch) -> None:
    for stream, has_bar in ((io.StringIO(), False), (Terminal(), True)):
        monkeypatch.setattr(sys, "stdout", stream)
        printer = ProgressPrinter()
        printer(AT_WORK)
        for epoch in (1, 2):
            printer(Progress("training", epoch, 12, epoch_metrics=make_epoch_row(epoch)))
        text = stream.getvalue()
        assert ("\r" in text) is has_bar
        assert ("[====" in text) is has_bar
        assert text.count("val loss") == 1


def test_the_next_step_quotes_a_name_with_a_space() -> None:
    assert any("wbcseg segment IMAGE --model 'my run'" in line for line in describe_next_steps("my run"))
