"""Format values for the terminal."""

from __future__ import annotations

from wbcseg.errors import ErrorCode, WbcsegError
from wbcseg.io import PageChoice


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
