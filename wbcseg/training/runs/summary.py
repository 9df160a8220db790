"""All runs at a glance, and how their settings differ."""

from __future__ import annotations

import io
import json
import math
import time
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

from wbcseg.errors import WbcsegError
from wbcseg.paths import get_runs_folder
from wbcseg.training.config import TrainingConfig
from wbcseg.training.jobs.manager import is_launching, reap_if_hung
from wbcseg.training.jobs.queue import list_runs
from wbcseg.training.runs.folder import Run

RunStatus = Literal[
    "starting", "waiting", "running", "stopping", "stopped", "finished", "failed", "interrupted", "damaged"
]
"""What becomes of a run: what its state file says, seen together with whether its process still lives.

``starting``: its process was started a moment ago. ``waiting``: in line. ``stopping``: asked to, in its last batch.
``interrupted``: its process is gone and did not say why (a power cut, ``kill``). ``damaged``: its files are.
"""

ACTIVE_STATUSES: Final = ("starting", "waiting", "running", "stopping")
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
"""Files that go into no zip: they only serve to go on, or tell of this computer."""


@dataclass(frozen=True)
class RunSummary:
    """A run at a glance.

    Attributes:
        run: The run.
        status: What becomes of it.
        reason: Why it stopped or failed, in a sentence; empty where there is nothing to say.
        config: Its settings, or ``None`` where they cannot be read.
        epoch: Whole epochs done.
        epochs: Epochs in all.
        dice: Dice of nucleus, cytoplasm and cell on the held-out pictures after its last epoch; missing names are not
            defined or not known yet.
        best_dice_cell: The best held-out Dice of the whole cell, over all epochs, or ``None``.
        best_epoch: The epoch of that, from 1.
        seconds: Time trained so far.
        created: When it was made, in seconds since 1970.
        queue_position: Place in line from 1, where it waits.
    """

    run: Run
    status: RunStatus
    reason: str
    config: TrainingConfig | None
    epoch: int
    epochs: int
    dice: dict[str, float]
    best_dice_cell: float | None
    best_epoch: int | None
    seconds: float
    created: float
    queue_position: int | None = None

    @property
    def name(self) -> str:
        """The run's name."""
        return self.run.name

    @property
    def is_active(self) -> bool:
        """Whether a process is at it."""
        return self.status in ACTIVE_STATUSES

    @property
    def is_resumable(self) -> bool:
        """Whether it can go on."""
        return self.status in RESUMABLE_STATUSES and self.config is not None

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return {
            "name": self.name,
            "status": self.status,
            "reason": self.reason,
            "place_in_line": self.queue_position,
            "epoch": self.epoch,
            "epochs": self.epochs,
            "heldout_dice": self.dice,
            "best_heldout_dice_cell": self.best_dice_cell,
            "best_epoch": self.best_epoch,
            "seconds": round(self.seconds, 1),
            "created": self.created,
            "config": self.config.to_dict() if self.config else None,
        }


def summarise_run(run: Run) -> RunSummary:
    """Look at a run. What hangs after it was asked to stop is ended."""
    try:
        config = run.load_config()
        reap_if_hung(run)
        state = run.load_state()
        status, reason = _determine_status(run, state)
        epochs = config.epochs
    except WbcsegError as error:
        config, state, status, reason, epochs = None, {}, "damaged", str(error), 0
    rows = run.load_metrics()
    cell_scores = [(row["val_dice_cell"], int(row["epoch"])) for row in rows if "val_dice_cell" in row]
    best_dice_cell, best_epoch = max(cell_scores, default=(None, None), key=lambda cell: cell[0])
    last_row = rows[-1] if rows else {}
    names = ("nucleus", "cytoplasm", "cell")
    return RunSummary(
        run=run,
        status=status,
        reason=reason,
        config=config,
        epoch=len(rows),
        epochs=epochs,
        dice={name: last_row[f"val_dice_{name}"] for name in names if f"val_dice_{name}" in last_row},
        best_dice_cell=best_dice_cell,
        best_epoch=best_epoch,
        seconds=math.fsum(row.get("seconds", 0.0) for row in rows),
        created=_get_creation_time(run),
        queue_position=None,
    )


def list_summaries(folder: Path | None = None) -> list[RunSummary]:
    """Look at all runs, the newest first."""
    summaries = [summarise_run(run) for run in list_runs(folder or get_runs_folder())]
    queued = sorted((o for o in summaries if o.status == "waiting"), key=lambda o: _get_queue_key(o.run))
    positions = {o.name: number for number, o in enumerate(queued, start=1)}
    positioned = [_set_queue_position(o, positions.get(o.name)) for o in summaries]
    return sorted(positioned, key=lambda o: (-o.created, o.name))


def diff_configs(configs: dict[str, TrainingConfig]) -> dict[str, dict[str, Any]]:
    """Return the settings in which trainings differ.

    Args:
        configs: Settings by the name of the run.

    Returns:
        By setting, the value of every run; settings that all share are left out.
    """
    values = {name: config.to_dict() for name, config in configs.items()}
    settings = next(iter(values.values()), {})
    table = {setting: {name: run_values[setting] for name, run_values in values.items()} for setting in settings}
    return {setting: row for setting, row in table.items() if len({repr(value) for value in row.values()}) > 1}


def zip_run(run: Run) -> bytes:
    """Return a run as a zip: settings, split, metrics, film, notes, best weights and the model.

    Where the data set was a folder, the zip holds the folder's name and not its path.

    Raises:
        RunError: If it is no run.
        OSError: If a file cannot be read.
    """
    config = run.load_config()
    shared_config = config.replace(dataset=Path(config.dataset).name).to_dict()
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(f"{run.name}/config.json", json.dumps(shared_config, indent=1))
        for path in _list_zipped_files(run):
            if path.name != "config.json":
                archive.write(path, f"{run.name}/{path.relative_to(run.folder).as_posix()}")
    return data.getvalue()


def estimate_zip_size(run: Run) -> int:
    """Return about how many bytes :func:`zip_run` would give (weights hardly shrink)."""
    return sum(path.stat().st_size for path in _list_zipped_files(run))


def _list_zipped_files(run: Run) -> list[Path]:
    files = (path for path in run.folder.rglob("*") if path.is_file())
    return sorted(path for path in files if path.name not in EXCLUDED_FILES and not path.name.startswith("."))


def _determine_status(run: Run, state: dict[str, Any]) -> tuple[RunStatus, str]:
    status, reason = state["status"], str(state.get("reason", ""))
    if status == "new":
        if is_launching(run):
            return "starting", ""
        return "interrupted", "Its process never began."
    if status in ("waiting", "running"):
        if not run.find_process():
            return "interrupted", (
                "Its process ended without a word: the computer was switched off, someone ended it, or memory ran out. "
                "Go on from its last whole epoch."
            )
        return ("stopping" if run.get_stop_request_age() is not None else status), ""
    if status in ("stopped", "finished", "failed"):
        return status, reason
    return "damaged", f"Its state {status!r} is not one that this program knows."


def _set_queue_position(summary: RunSummary, position: int | None) -> RunSummary:
    return summary if position is None else RunSummary(**{**vars(summary), "place": position})


def _get_queue_key(run: Run) -> tuple[float, str]:
    try:
        return float(run.load_state().get("queued", time.time())), run.name
    except (WbcsegError, TypeError, ValueError):
        return time.time(), run.name


def _get_creation_time(run: Run) -> float:
    try:
        return (run.folder / "config.json").stat().st_mtime
    except OSError:
        return 0.0
