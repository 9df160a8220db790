"""Summaries of runs, differences between their settings, and runs as zip files."""

from __future__ import annotations

import contextlib
import dataclasses
import io
import json
import logging
import math
import os
import zipfile
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Final, Literal

from wbcseg.errors import ErrorCode, RunError, WbcsegError
from wbcseg.io.foreign import ForeignFileError, is_plain_file, read_plain_file
from wbcseg.metrics import FOREGROUND_REGIONS
from wbcseg.models.card import ModelCard
from wbcseg.models.card_errors import CARD_FILE
from wbcseg.paths import get_runs_folder
from wbcseg.printable import make_printable
from wbcseg.training.config import TrainingConfig
from wbcseg.training.jobs.manager import is_launching, reap_if_hung
from wbcseg.training.jobs.queue import list_queued_runs, list_runs
from wbcseg.training.runs.folder import Run
from wbcseg.training.runs.state import RunState

RunStatus = Literal[
    "starting", "queued", "running", "stopping", "stopped", "finished", "failed", "interrupted", "damaged", "outdated"
]
"""Status of a run, from its state file and from whether its process is alive.

``starting``: its process was started a moment ago. ``stopping``: it was asked to stop and finishes its last batch.
``interrupted``: its process is gone and did not say why (a power cut, ``kill``). ``damaged``: its files cannot be read.
``outdated``: version 0.1 made it, and only that version can read it.
"""

ACTIVE_STATUSES: Final = ("starting", "queued", "running", "stopping")
RESUMABLE_STATUSES: Final = ("stopped", "interrupted", "failed")
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

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class RunSummary:
    """Summary of a run.

    Attributes:
        run: The run.
        status: Its status.
        reason: Why it stopped or failed, in a sentence; otherwise empty.
        config: Its settings, or ``None`` if they cannot be read.
        epoch: Number of whole epochs done.
        epochs: Total number of epochs.
        heldout_dice: Dice of nucleus, cytoplasm and cell on whole held-out images, from the model's card; empty until
            the run has finished. Those that are undefined are missing.
        fast_dice: The same at the network's input size after the last epoch: a fast estimate.
        best_fast_dice_cell: The best fast Dice of the whole cell over all epochs, or ``None``.
        best_epoch: The epoch of that, from 1.
        seconds: Training time so far.
        created: When it was created, in seconds since 1970.
        queue_position: Position in the queue from 1, while it is queued.
    """

    run: Run
    status: RunStatus
    reason: str
    config: TrainingConfig | None
    epoch: int
    epochs: int
    heldout_dice: dict[str, float]
    fast_dice: dict[str, float]
    best_fast_dice_cell: float | None
    best_epoch: int | None
    seconds: float
    created: float
    queue_position: int | None = None

    @property
    def name(self) -> str:
        """Name of the run."""
        return self.run.name

    @property
    def is_active(self) -> bool:
        """Whether a process works on it."""
        return self.status in ACTIVE_STATUSES

    @property
    def is_resumable(self) -> bool:
        """Whether it can be resumed."""
        return self.status in RESUMABLE_STATUSES and self.config is not None

    def to_dict(self) -> dict[str, Any]:
        """Return the summary as JSON values."""
        return {
            "name": self.name,
            "status": self.status,
            "reason": self.reason,
            "queue_position": self.queue_position,
            "epoch": self.epoch,
            "epochs": self.epochs,
            "heldout_dice": self.heldout_dice,
            "fast_dice": self.fast_dice,
            "best_fast_dice_cell": self.best_fast_dice_cell,
            "best_epoch": self.best_epoch,
            "seconds": round(self.seconds, 1),
            "created": self.created,
            "config": self.config.to_dict() if self.config else None,
        }


def summarise_run(run: Run) -> RunSummary:
    """Return the summary of a run. If it hangs after it was asked to stop, its process is ended."""
    try:
        return _summarise(run)
    except WbcsegError as error:
        status: RunStatus = "outdated" if error.code == ErrorCode.INCOMPATIBLE else "damaged"
        return _build_damaged_summary(run, status, str(error))
    except Exception as error:
        # Whatever is wrong with one folder must not hide the others.
        _log.error("A run folder could not be read: %s", type(error).__name__)
        return _build_damaged_summary(run, "damaged", f"Its files cannot be read ({type(error).__name__}).")


def _build_damaged_summary(run: Run, status: RunStatus, reason: str) -> RunSummary:
    return RunSummary(run, status, reason, None, 0, 0, {}, {}, None, None, 0.0, _get_creation_time(run))


def _summarise(run: Run) -> RunSummary:
    """Return the summary of a run.

    Raises:
        WbcsegError: If one of its files cannot be used.
    """
    if run.folder.is_symlink():
        raise RunError(
            "The run's folder is a link, and links are not followed.",
            code=ErrorCode.UNREADABLE,
            hint="Move the run itself into the folder of runs.",
        )
    config = run.load_config()
    reap_if_hung(run)
    status, reason = _determine_status(run, run.load_state())
    run.check_metrics()
    rows = run.load_metrics()
    cell_scores = [(row["val_dice_cell"], int(row["epoch"])) for row in rows if "val_dice_cell" in row]
    best_fast_dice_cell, best_epoch = max(cell_scores, default=(None, None), key=lambda cell: cell[0])
    last_row = rows[-1] if rows else {}
    return RunSummary(
        run=run,
        status=status,
        reason=reason,
        config=config,
        epoch=len(rows),
        epochs=config.epochs,
        heldout_dice=_read_heldout_dice(run) if status == "finished" else {},
        fast_dice={
            region: last_row[f"val_dice_{region}"] for region in FOREGROUND_REGIONS if f"val_dice_{region}" in last_row
        },
        best_fast_dice_cell=best_fast_dice_cell,
        best_epoch=best_epoch,
        seconds=math.fsum(row.get("seconds", 0.0) for row in rows),
        created=_get_creation_time(run),
    )


def _read_heldout_dice(run: Run) -> dict[str, float]:
    """Return the Dice on the card of a run's model; empty if it has none that can be read."""
    path = run.folder / CARD_FILE
    try:
        return _read_card_dice(path, path.lstat().st_mtime_ns)
    except (OSError, WbcsegError):
        return {}


# The list of runs is read every few seconds while one is active.
@lru_cache(maxsize=256)
def _read_card_dice(path: Path, _changed: int) -> dict[str, float]:
    regions = ModelCard.read(path.parent).test_metrics.regions
    return {region: dice for region in FOREGROUND_REGIONS if (dice := regions[region].dice) is not None}


def list_summaries(folder: Path | None = None) -> list[RunSummary]:
    """Return the summaries of all runs, newest first."""
    summaries = [summarise_run(run) for run in list_runs(folder or get_runs_folder())]
    # On a public server, others may wait in between.
    positions = {run.folder: position for position, run in enumerate(list_queued_runs(folder), start=1)}
    positioned = [dataclasses.replace(s, queue_position=positions.get(s.run.folder)) for s in summaries]
    return sorted(positioned, key=lambda s: (-s.created, s.name))


def diff_configs(configs: dict[str, TrainingConfig]) -> dict[str, dict[str, Any]]:
    """Return the settings in which runs differ.

    Args:
        configs: Settings by the name of the run.

    Returns:
        By setting, the value of every run; settings with the same value in all runs are excluded.
    """
    values = {name: config.to_dict() for name, config in configs.items()}
    settings = next(iter(values.values()), {})
    table = {setting: {name: run_values[setting] for name, run_values in values.items()} for setting in settings}
    return {setting: row for setting, row in table.items() if len({repr(value) for value in row.values()}) > 1}


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


def _determine_status(run: Run, state: RunState) -> tuple[RunStatus, str]:
    if state.status == "new":
        if is_launching(run):
            return "starting", ""
        return "interrupted", "Its process never started."
    if state.status in ("queued", "running"):
        if not run.find_process():
            return "interrupted", (
                "Its process ended without a message: the computer was switched off, someone ended it, or it ran out "
                "of memory. Resume from the last whole epoch."
            )
        return ("stopping" if run.get_stop_request_age() is not None else state.status), ""
    return state.status, state.reason


def _get_creation_time(run: Run) -> float:
    try:
        return (run.folder / "config.json").stat().st_mtime
    except OSError:
        return 0.0
