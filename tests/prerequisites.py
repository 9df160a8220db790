"""What tests need beside Python packages, such as a browser."""

from __future__ import annotations

import os
from typing import NoReturn

import pytest


def skip_or_fail(reason: str) -> NoReturn:
    """Skip the test because something is missing; with ``CI=true`` in the environment, fail it."""
    if os.environ.get("CI", "").lower() in ("1", "true"):
        pytest.fail(f"{reason} With CI=true this test must run.")
    pytest.skip(reason)
