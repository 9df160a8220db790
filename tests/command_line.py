"""Run commands as from a terminal, and read what they write."""

from __future__ import annotations

import contextlib
import csv
import io
from pathlib import Path

import pytest

from wbcseg.cli import build_parser, main, translate_old_names
from wbcseg.datasets.synthetic import draw_sample
from wbcseg.errors import WbcsegError
from wbcseg.io import encode_png
from wbcseg.labels import to_grey


def get_error(*arguments: str) -> WbcsegError:
    """Run a command that must fail: exit code 1, and nothing but the error on standard error. Return the error."""
    options = build_parser().parse_args(translate_old_names(arguments))
    with pytest.raises(WbcsegError) as caught:
        options.run_command(options)
    with contextlib.redirect_stderr(io.StringIO()) as stderr:
        assert main(arguments) == 1
    assert stderr.getvalue() == f"Error: {caught.value}\n"
    return caught.value


def read_cells(out: Path) -> list[dict[str, str]]:
    """Return the rows of the table of cells in a folder of results."""
    return list(csv.DictReader((out / "cells.csv").read_text(encoding="utf-8-sig").splitlines()))


def write_pair(folder: Path, name: str, number: int) -> None:
    """Write a synthetic cell and its exact mask next to it."""
    sample = draw_sample(3, number, size=(120, 120))
    assert sample.mask is not None
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{name}.png").write_bytes(encode_png(sample.image))
    (folder / f"{name}_mask.png").write_bytes(encode_png(to_grey(sample.mask)))
