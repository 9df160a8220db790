"""Summaries of runs, differences between their settings, and runs as zip files."""

from __future__ import annotations

import dataclasses
import logging
import math
import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any, Final, Literal

from wbcseg.errors import ErrorCode, RunError, WbcsegError
from wbcseg.metrics import CELL, FOREGROUND_REGIONS
from wbcseg.models.card import ModelCard
from wbcseg.models.card_errors import CARD_FILE
from wbcseg.models.card_records import HeldoutMetrics
from wbcseg.paths import get_example_runs_folder, get_runs_folder
from wbcseg.training.config import TrainingConfig
from wbcseg.training.jobs.manager import is_launching, reap_if_hung
from wbcseg.training.jobs.queue import list_queued_runs, list_runs
from wbcseg.training.runs.details import RunDetails, load_details
from wbcseg.training.runs.folder import Run
from wbcseg.training.runs.scores import find_best_epoch, find_kept_epoch
from wbcseg.training.runs.state import PREVIOUS_STATE_FILE, STATE_FILE, RunState

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
SETTLED_STATUSES: Final = ("finished", "stopped", "failed")
"""Statuses that only change when a file of the run changes. Their summaries are kept."""

MAX_CACHED_SUMMARIES: Final = 2_000

_SUMMARISED_FILES: Final = (
    "config.json",
    STATE_FILE,
    PREVIOUS_STATE_FILE,
    "metrics.json",
    "batches.json",
    "notes.json",
    CARD_FILE,
    "stop",
)
_summaries: Final[dict[Path, tuple[tuple[object, ...], RunSummary]]] = {}

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
        heldout_interval: 95 % interval of the Dice of the whole cell on the held-out images, from its standard error
            on the card, or ``None``.
        heldout_images: Number of these images.
        best_fast_dice_cell: The best fast Dice of the whole cell over all epochs, or ``None``.
        best_epoch: The epoch of that, from 1.
        best_score_epoch: The epoch with the best mean Dice of nucleus and cytoplasm, from 1: that of the best weights.
        kept_epoch: The epoch whose weights become the model, from 1.
        seconds: Training time so far.
        created: When it was created, in seconds since 1970.
        queue_position: Position in the queue from 1, while it is queued.
        details: Notes, tags and owner.
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
    heldout_interval: tuple[float, float] | None = None
    heldout_images: int = 0
    best_score_epoch: int | None = None
    kept_epoch: int | None = None
    details: RunDetails = field(default_factory=RunDetails)

    @property
    def name(self) -> str:
        """Name of the run."""
        return self.run.name

    @property
    def is_active(self) -> bool:
        """Whether a process works on it."""
        return self.status in ACTIVE_STATUSES

    @property
    def is_example(self) -> bool:
        """Whether it came with the package. Nobody can change or delete it."""
        return self.run.folder.parent == get_example_runs_folder()

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
            "heldout_interval": self.heldout_interval,
            "heldout_images": self.heldout_images,
            "tags": list(self.details.tags),
            "owner": self.details.owner,
            "fast_dice": self.fast_dice,
            "best_fast_dice_cell": self.best_fast_dice_cell,
            "best_epoch": self.best_epoch,
            "best_score_epoch": self.best_score_epoch,
            "kept_epoch": self.kept_epoch,
            "seconds": round(self.seconds, 1),
            "created": self.created,
            "config": self.config.to_dict() if self.config else None,
        }


def summarise_run(run: Run) -> RunSummary:
    """Return the summary of a run. If it hangs after it was asked to stop, its process is ended."""
    signature = _read_signature(run)
    cached = _summaries.get(run.folder)
    if cached is not None and cached[0] == signature:
        return cached[1]
    summary = _try_to_summarise(run)
    # Whether a process is alive does not show in the files.
    if summary.status in SETTLED_STATUSES:
        if len(_summaries) >= MAX_CACHED_SUMMARIES:
            _summaries.clear()
        _summaries[run.folder] = (signature, summary)
    return summary


def _read_signature(run: Run) -> tuple[object, ...]:
    """Return sizes and times of the files that a summary is made from."""
    folder, signature = os.fspath(run.folder), list[object]()
    for name in _SUMMARISED_FILES:
        try:
            status = os.lstat(f"{folder}{os.sep}{name}")
            signature.append((status.st_mtime_ns, status.st_size, status.st_ino))
        except OSError:
            signature.append(None)
    return tuple(signature)


def _try_to_summarise(run: Run) -> RunSummary:
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
    heldout = _read_heldout(run) if status == "finished" else None
    last_row = rows[-1] if rows else {}
    return RunSummary(
        run=run,
        status=status,
        reason=reason,
        config=config,
        epoch=len(rows),
        epochs=config.epochs,
        heldout_dice=_read_heldout_dice(run) if status == "finished" else {},
        heldout_interval=heldout.regions[CELL].compute_interval() if heldout else None,
        heldout_images=heldout.images if heldout else 0,
        fast_dice={
            region: last_row[f"val_dice_{region}"] for region in FOREGROUND_REGIONS if f"val_dice_{region}" in last_row
        },
        best_fast_dice_cell=best_fast_dice_cell,
        best_epoch=best_epoch,
        best_score_epoch=find_best_epoch(rows),
        kept_epoch=find_kept_epoch(rows, config),
        details=load_details(run),
        seconds=math.fsum(row.get("seconds", 0.0) for row in rows),
        created=_get_creation_time(run),
    )


def _read_heldout_dice(run: Run) -> dict[str, float]:
    """Return the Dice on the card of a run's model; empty if it has none that can be read."""
    heldout = _read_heldout(run)
    if heldout is None:
        return {}
    return {region: dice for region in FOREGROUND_REGIONS if (dice := heldout.regions[region].dice) is not None}


def _read_heldout(run: Run) -> HeldoutMetrics | None:
    """Return the scores on the card of a run's model; ``None`` if it has none that can be read."""
    path = run.folder / CARD_FILE
    try:
        return _read_card_scores(path, path.lstat().st_mtime_ns)
    except (OSError, WbcsegError):
        return None


# The list of runs is read every few seconds while one is active.
@lru_cache(maxsize=1024)
def _read_card_scores(path: Path, _changed: int) -> HeldoutMetrics:
    return ModelCard.read(path.parent).test_metrics


def find_best_run(summaries: Sequence[RunSummary]) -> RunSummary | None:
    """Return the run whose model is best on its own held-out images; runs with data leakage do not count."""
    scored = [s for s in summaries if CELL in s.heldout_dice and s.config is not None and not s.config.is_leaky]
    return max(scored, key=lambda s: s.heldout_dice[CELL], default=None)


def list_summaries(folder: Path | None = None) -> list[RunSummary]:
    """Return the summaries of all runs, newest first."""
    summaries = [summarise_run(run) for run in list_runs(folder or get_runs_folder())]
    if all(summary.status != "queued" for summary in summaries):
        return sorted(summaries, key=lambda s: (-s.created, s.name))
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
