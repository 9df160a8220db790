"""Damaged files raise only the package's own errors; ``python -m benchmarks.mutated_files`` tries ten thousand."""

from __future__ import annotations

import time
import warnings

import pytest

from benchmarks.mutated_files import MAX_SECONDS, make_file, make_originals, read

FILES_PER_FORMAT = 150


# Pillow warns of odd metadata; whether warnings are errors must not matter.
@pytest.mark.parametrize("action", ["error", "ignore"])
@pytest.mark.parametrize("format", make_originals())
def test_mutated_files_raise_only_own_errors(format: str, action: str) -> None:
    opened = slowest = 0.0
    first = FILES_PER_FORMAT if action == "error" else 0
    with warnings.catch_warnings():
        warnings.simplefilter(action)  # type: ignore[arg-type]
        for number in range(first, first + FILES_PER_FORMAT):
            data, began = make_file(format, number), time.process_time()
            opened += read(format, data)
            slowest = max(slowest, time.process_time() - began)
    assert opened > FILES_PER_FORMAT // 20
    assert slowest < MAX_SECONDS


@pytest.mark.parametrize("format", make_originals())
def test_the_originals_are_sound(format: str) -> None:
    assert all(read(format, data) for data in make_originals()[format])
