"""A run as a zip file."""

from __future__ import annotations

import contextlib
import io
import json
import os
import zipfile
from pathlib import Path
from typing import Final

from wbcseg.io.foreign import ForeignFileError, is_plain_file, read_plain_file
from wbcseg.printable import make_printable
from wbcseg.training.runs.folder import Run

EXCLUDED_FILES: Final = (
    "checkpoint.safetensors",
    "checkpoint.previous.safetensors",
    "state.json",
    "state.previous.json",
    "progress.json",
    "log.txt",
    "stop",
)
"""Files excluded from zips: they are only needed to resume, or describe this computer."""

MAX_ZIPPED_BYTES: Final = 1_000_000_000
"""Maximum size of a file in a zip: the weights of the largest network have 300 MB."""


def zip_run(run: Run) -> bytes:
    """Return a run as a zip: settings, split, metrics, snapshots, notes, best weights and the model; no links.

    If the data set was a folder, the zip has the folder's name and not its path.

    Raises:
        RunError: If it is not a run.
        OSError: If a file cannot be read.
    """
    config = run.load_config()
    shared_config = config.replace(dataset=Path(config.dataset).name).to_dict()
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(f"{run.name}/config.json", json.dumps(shared_config, indent=1))
        for path in _list_zipped_files(run):
            if path.name != "config.json":
                with contextlib.suppress(ForeignFileError):
                    name = make_printable(path.relative_to(run.folder).as_posix())
                    archive.writestr(f"{run.name}/{name}", read_plain_file(path, MAX_ZIPPED_BYTES))
    return data.getvalue()


def estimate_zip_size(run: Run) -> int:
    """Return the approximate size of :func:`zip_run` in bytes (weights hardly compress)."""
    return sum(path.lstat().st_size for path in _list_zipped_files(run))


def _list_zipped_files(run: Run) -> list[Path]:
    paths = (Path(folder) / name for folder, _, names in os.walk(run.folder, followlinks=False) for name in names)
    return sorted(
        path
        for path in paths
        if path.name not in EXCLUDED_FILES and not path.name.startswith(".") and is_plain_file(path)
    )
