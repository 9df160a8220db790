"""What people say about a run: notes, tags, and whose it is."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from wbcseg.errors import ErrorCode, RunError
from wbcseg.training.runs.folder import MAX_NOTES_LENGTH, NOTES_FILE, Run

MAX_TAGS: Final = 12
MAX_TAG_LENGTH: Final = 30
MAX_OWNER_LENGTH: Final = 40


@dataclass(frozen=True)
class RunDetails:
    """What people say about a run.

    Attributes:
        notes: Any text.
        tags: Short words by which runs are found.
        owner: Whose run it is, such as a nickname; empty if nobody said.
    """

    notes: str = ""
    tags: tuple[str, ...] = ()
    owner: str = ""


def load_details(run: Run) -> RunDetails:
    """Return what people say about a run; nothing if the file is missing or damaged."""
    try:
        values = run.read(NOTES_FILE)
    except RunError:
        return RunDetails()
    tags = values.get("tags")
    return RunDetails(
        str(values.get("notes", ""))[:MAX_NOTES_LENGTH],
        clean_tags(map(str, tags)) if isinstance(tags, list) else (),
        str(values.get("owner", ""))[:MAX_OWNER_LENGTH],
    )


def save_tags(run: Run, tags: Iterable[str]) -> None:
    """Save the tags of a run.

    Raises:
        RunError: If there are more than :data:`MAX_TAGS`, or the folder cannot be written.
    """
    cleaned = clean_tags(tags, limit=None)
    if len(cleaned) > MAX_TAGS:
        raise RunError(f"A run may have at most {MAX_TAGS} tags. Received: {len(cleaned)}", code=ErrorCode.TOO_LARGE)
    _update(run, {"tags": list(cleaned)})


def save_owner(run: Run, owner: str) -> None:
    """Save whose run it is; of a longer name, the first :data:`MAX_OWNER_LENGTH` characters.

    Raises:
        RunError: If the folder cannot be written.
    """
    _update(run, {"owner": " ".join(owner.split())[:MAX_OWNER_LENGTH]})


def _update(run: Run, changes: dict[str, object]) -> None:
    values: dict[str, object] = {}
    with contextlib.suppress(RunError):
        values = run.read(NOTES_FILE)
    run.write(NOTES_FILE, {**values, **changes})


def clean_tags(tags: Iterable[str], limit: int | None = MAX_TAGS) -> tuple[str, ...]:
    """Return tags in lower case without duplicates, spaces and commas, at most `limit` of them."""
    cleaned = (re.sub(r"[\s,]+", "-", tag.strip().lower())[:MAX_TAG_LENGTH].strip("-") for tag in tags)
    return tuple(dict.fromkeys(filter(None, cleaned)))[:limit]
