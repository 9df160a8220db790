"""The command ``wbcseg bench``."""

from __future__ import annotations

import pytest
from command_line import get_error

from wbcseg.errors import ErrorCode


@pytest.mark.parametrize("benchmark", ["train", "predict"])
def test_a_benchmark_needs_at_least_one_round(benchmark: str) -> None:
    error = get_error("bench", benchmark, "--rounds", "0")
    assert error.code == ErrorCode.INVALID_VALUE
    assert "--rounds" in str(error)
