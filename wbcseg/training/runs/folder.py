"""The folder of a training run, which holds everything that is known about the run.

::

    config.json               settings
    environment.json          package versions, processor, precision
    split.json                which images are for training and which for validation
    state.json                status, and the process that works on the run
    state.previous.json       the state before that
    metrics.json              one row per epoch
    batches.json              one row per batch of the first epoch
    progress.json             progress within the epoch
    snapshots.json, snapshots/    predictions on three validation images after every epoch
    notes.json                notes, tags and owner
    heldout.json              scores of each held-out image, once it has finished
    fine_tuning.json          after fine-tuning: scores beside those of the model that it started from
    log.txt                   output of a run that was started in the background
    stop                      exists while the run is asked to stop
    checkpoint.safetensors    everything needed to resume after the last whole epoch, until the run has finished
    checkpoint.previous.safetensors    the same, one epoch earlier
    best.safetensors          the weights with the best validation Dice so far
    model.*, weights.safetensors, card.json    the finished model (see :mod:`wbcseg.models.card`)
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from wbcseg.errors import ErrorCode, RunError
from wbcseg.io.atomic import write_json
from wbcseg.io.foreign import ForeignFileError, make_folder_name, read_json_object
from wbcseg.io.records import read_record
from wbcseg.models.card_records import Environment
from wbcseg.printable import make_printable
from wbcseg.training.config import TrainingConfig
from wbcseg.training.jobs.process import ProcessId
from wbcseg.training.runs.rows import find_row_problem
from wbcseg.training.runs.state import PREVIOUS_STATE_FILE, PROCESS_STATUSES, STATE_FILE, RunState, StoredStatus

if TYPE_CHECKING:
    from wbcseg.splitting.splits import Split

STOP_FILE: Final = "stop"
NOTES_FILE: Final = "notes.json"
MAX_NOTES_LENGTH: Final = 10_000
OLD_SETTINGS: Final = frozenset({"canvas", "width"})
"""Settings that only runs of version 0.1 have."""


@dataclass(frozen=True)
class Run:
    """A run folder.

    Attributes:
        folder: The folder; it need not exist before :meth:`create`.
    """

    folder: Path

    @property
    def name(self) -> str:
        """Name of the folder, printable."""
        return make_folder_name(self.folder)

    def create(self, config: TrainingConfig) -> None:
        """Make the folder and write the settings.

        Raises:
            RunError: If there is a run already, or the folder cannot be written.
        """
        exists_error = RunError(
            f"Folder {make_printable(str(self.folder))} holds a run already.",
            code=ErrorCode.ALREADY_EXISTS,
            hint="Resume it (--resume) or choose another name.",
        )
        if (self.folder / "config.json").exists():
            raise exists_error
        with self._report_write_errors():
            try:
                # An empty folder may exist.
                self.folder.mkdir(parents=True, exist_ok=True)
                if any(self.folder.iterdir()):
                    raise exists_error
                # Of two processes that come at the same moment, only one can create the file.
                (self.folder / "config.json").touch(exist_ok=False)
            except FileExistsError:
                raise exists_error from None
        self.write("config.json", config.to_dict())
        self.set_state("new")

    def load_config(self) -> TrainingConfig:
        """Return the settings.

        Raises:
            RunError: If there are none, they cannot be read, or version 0.1 wrote them (code ``incompatible``).
            ConfigError: If they are not valid.
        """
        values = self.read("config.json")
        if OLD_SETTINGS & set(values):
            raise RunError(
                f"Run {self.name} was made by version 0.1 of wbcseg, and only version 0.1 can read it.",
                file="config.json",
                code=ErrorCode.INCOMPATIBLE,
                hint="Open it with version 0.1, or train again.",
            )
        return TrainingConfig.from_dict(values)

    def load_environment(self) -> Environment:
        """Return the hardware and software of the training.

        Raises:
            RunError: If they are missing or cannot be read.
            ValueError: If a value is missing or of another type.
        """
        return read_record(Environment, self.read("environment.json"), "environment.json")

    def load_split(self) -> Split:
        """Return the stored split.

        Raises:
            RunError: If there is none.
            SplitError: If it is not complete.
        """
        # Splitting needs libraries that take long to import, and listing runs does not need them.
        from wbcseg.splitting.splits import Split

        return Split.from_dict(self.read("split.json"))

    def load_state(self) -> RunState:
        """Return the state. If the file is damaged, return the state before that.

        Raises:
            RunError: If none can be read.
        """
        try:
            return RunState.from_dict(self.read(STATE_FILE))
        except RunError as error:
            try:
                return RunState.from_dict(self.read(PREVIOUS_STATE_FILE))
            except RunError:
                raise error from None

    def set_state(
        self,
        status: StoredStatus,
        *,
        epoch: int | None = None,
        epochs: int | None = None,
        reason: str = "",
        queued_at: float = 0.0,
        launched_at: float = 0.0,
    ) -> None:
        """Write the state. While the run is queued or running, its process is the one that calls this.

        Args:
            status: Status of the run.
            epoch: Number of whole epochs done; as before by default.
            epochs: Total number of epochs; as before by default.
            reason: Why the run stopped or failed.
            queued_at: When the run joined the queue.
            launched_at: When its process was started.

        Raises:
            RunError: If the folder cannot be written.
        """
        if epoch is None or epochs is None:
            with contextlib.suppress(RunError):
                previous = self.load_state()
                epoch = previous.epoch if epoch is None else epoch
                epochs = previous.epochs if epochs is None else epochs
        process = ProcessId.current() if status in PROCESS_STATUSES else None
        state = RunState(status, time.time(), epoch, epochs, reason, queued_at, launched_at, process)
        with self._report_write_errors():
            write_json(self.folder / STATE_FILE, state.to_dict(), previous=self.folder / PREVIOUS_STATE_FILE)

    def find_process(self) -> ProcessId | None:
        """Return the process that works on the run, if it is alive.

        Raises:
            RunError: If the state cannot be read.
        """
        state = self.load_state()
        process = state.process if state.status in PROCESS_STATUSES else None
        return process if process and process.is_alive() else None

    def request_stop(self) -> None:
        """Ask the process of the run to stop after the current batch.

        Raises:
            RunError: If the folder cannot be written.
        """
        with self._report_write_errors():
            stop_file = self.folder / STOP_FILE
            if stop_file.is_symlink():
                stop_file.unlink()
            stop_file.touch()

    def get_stop_request_age(self) -> float | None:
        """Return how many seconds ago the run was asked to stop, or ``None`` if it was not."""
        try:
            return max(0.0, time.time() - (self.folder / STOP_FILE).stat().st_mtime)
        except OSError:
            return None

    def clear_stop_request(self) -> None:
        """Withdraw :meth:`request_stop`."""
        with self._report_write_errors():
            (self.folder / STOP_FILE).unlink(missing_ok=True)

    def load_metrics(self) -> list[dict[str, float]]:
        """Return one row per epoch, oldest first; empty before the end of the first epoch, or if it is damaged."""
        return self._load_rows("metrics.json", "epochs")

    def check_metrics(self) -> None:
        """Check the files with metrics, which :meth:`load_metrics` and :meth:`load_batch_metrics` read.

        Raises:
            RunError: If one is there and is not as expected.
        """
        for name, key in (("metrics.json", "epochs"), ("batches.json", "batches")):
            path = self.folder / name
            if path.exists() or path.is_symlink():
                self._read_rows(name, key)

    def load_batch_metrics(self) -> list[dict[str, float]]:
        """Return one row per batch of the first epoch; empty before the first batch, or if the file is damaged."""
        return self._load_rows("batches.json", "batches")

    def load_notes(self) -> str:
        """Return the user's notes."""
        with contextlib.suppress(RunError):
            return str(self.read(NOTES_FILE).get("notes", ""))[:MAX_NOTES_LENGTH]
        return ""

    def save_notes(self, notes: str) -> None:
        """Save the user's notes.

        Raises:
            RunError: If the text is longer than :data:`MAX_NOTES_LENGTH` characters, or the folder cannot be written.
        """
        if len(notes) > MAX_NOTES_LENGTH:
            raise RunError(
                f"Notes may have at most {MAX_NOTES_LENGTH:,} characters. Received: {len(notes):,}",
                code=ErrorCode.TOO_LARGE,
            )
        values: dict[str, Any] = {}
        with contextlib.suppress(RunError):
            values = self.read(NOTES_FILE)
        self.write(NOTES_FILE, {**values, "notes": notes})

    def read(self, name: str) -> dict[str, Any]:
        """Read a JSON file.

        Raises:
            RunError: If it is missing or no JSON object.
        """
        path = self.folder / name
        try:
            return read_json_object(path)
        except (FileNotFoundError, NotADirectoryError):
            raise RunError(
                f"Folder {make_printable(str(self.folder))} is not a training run, or was moved: it has no {name}.",
                file=name,
                code=ErrorCode.NOT_FOUND,
            ) from None
        except OSError as error:
            raise RunError(
                f"File {make_printable(str(path))} cannot be read: {error.strerror or error}",
                file=name,
                code=ErrorCode.UNREADABLE,
            ) from None
        except ForeignFileError as error:
            raise _build_damage_error(path, str(error)) from None

    def write(self, name: str, values: Mapping[str, Any]) -> None:
        """Write a JSON file atomically.

        Raises:
            RunError: If the folder cannot be written.
        """
        with self._report_write_errors():
            write_json(self.folder / name, values)

    def _load_rows(self, name: str, key: str) -> list[dict[str, float]]:
        with contextlib.suppress(RunError):
            return self._read_rows(name, key)
        return []

    def _read_rows(self, name: str, key: str) -> list[dict[str, float]]:
        rows: Any = self.read(name).get(key)
        if (problem := find_row_problem(rows, "epoch" if key == "epochs" else "batch")) is not None:
            raise _build_damage_error(self.folder / name, problem)
        checked: list[dict[str, float]] = rows
        return checked

    @contextlib.contextmanager
    def _report_write_errors(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise RunError(
                f"Run folder {make_printable(str(self.folder))} cannot be written: {error.strerror or error}.",
                code=ErrorCode.WRITE_FAILED,
                hint="Check that it exists, that the disk is not full and that you may write there.",
            ) from None


def _build_damage_error(path: Path, reason: str) -> RunError:
    return RunError(
        f"File {make_printable(str(path))} is damaged: {reason}.",
        file=path.name,
        reason=f"{path.name} is damaged: {reason}.",
        code=ErrorCode.DAMAGED,
        hint="Delete the run, or copy its folder again.",
    )
