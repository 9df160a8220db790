"""Expect an error by its code rather than by its text."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import pytest

from wbcseg.errors import ErrorCode, WbcsegError


@contextlib.contextmanager
def raises(
    error: type[WbcsegError], code: ErrorCode, match: str | None = None
) -> Iterator[pytest.ExceptionInfo[WbcsegError]]:
    """Expect an error of a class and code; ``match`` is for the values that its text must name."""
    with pytest.raises(error, match=match) as caught:
        yield caught
    assert caught.value.code == code
