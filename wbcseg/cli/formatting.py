"""Format values for the terminal."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Final

from wbcseg.errors import ErrorCode, WbcsegError
from wbcseg.io import PageChoice, format_display_name

MAX_NAMES: Final = 5
"""Maximum number of images that are named."""


def format_duration(seconds: float | None) -> str:
    """Format seconds as hours, minutes and seconds."""
    if seconds is None:
        return "unknown time"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}"


def parse_page(text: str | None) -> PageChoice:
    """Return the page of an option ``--page``, from 0.

    Raises:
        WbcsegError: If it is no page.
    """
    if text is None or text == "rgb":
        return "rgb" if text else None
    page = int(text) if text.isdecimal() else 0
    if page < 1:
        raise WbcsegError(f"--page must be at least 1. Received: {text}", code=ErrorCode.INVALID_VALUE)
    return page - 1


def format_names(names: Sequence[str]) -> str:
    """Return the first names of a list, and how many more there are."""
    shown = ", ".join(map(format_display_name, names[:MAX_NAMES]))
    return f"{shown} and {len(names) - MAX_NAMES} more" if len(names) > MAX_NAMES else shown


def show_position(position: int, total: int) -> None:
    """Show the progress on a line of the terminal that is overwritten; 0 clears it."""
    if sys.stderr.isatty() and total > 1:
        print(f"\r\033[K{f'{position} of {total} images' if position else ''}", end="", file=sys.stderr, flush=True)
