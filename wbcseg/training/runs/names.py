"""Names of runs."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from wbcseg.errors import ErrorCode, RunError, TrainingError
from wbcseg.training.config import TrainingConfig

_NAME_PATTERN: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9 ._-]{0,79}")


def check_run_name(name: str) -> None:
    """Check the name of a run.

    Raises:
        RunError: If it is not allowed.
    """
    if not _NAME_PATTERN.fullmatch(name) or name != name.strip() or name.endswith("."):
        raise RunError(
            "The name of a run has 1 to 80 letters (A to Z), digits, spaces, dots, hyphens and underscores, and starts "
            f"with a letter or digit. Received: {name[:100]!r}",
            code=ErrorCode.INVALID_VALUE,
        )


def suggest_run_name(config: TrainingConfig, folder: Path) -> str:
    """Return a name for a new run: architecture, base filters, data set and the lowest free number."""
    return find_free_name(f"{config.architecture}-{config.base_filters}-{label_dataset(config.dataset)}", folder)


def label_dataset(dataset: str) -> str:
    """Return the name of a data set, or of the file or folder of one, as part of a run's name."""
    letters = "".join(c if c.isascii() and c.isalnum() else "-" for c in Path(dataset).stem.lower())
    return letters[:24].strip("-") or "data"


def find_free_name(stem: str, folder: Path) -> str:
    """Return a name that no run has: the stem and the lowest free number.

    Raises:
        TrainingError: If there is none.
    """
    for number in range(1, 100_000):
        if not (folder / f"{stem}-{number}").exists():
            return f"{stem}-{number}"
    raise TrainingError(f"Folder {folder} holds too many runs named {stem}. Delete some.")
