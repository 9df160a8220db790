"""The folder of a training: the only truth about it.

::

    config.json               the settings
    environment.json          program versions, processor, precision
    split.json                which pictures train and which test
    state.json                where the training is, and which process is at it
    state.previous.json       the same, one change before
    metrics.json              one row an epoch
    batches.json              one row a batch, of the first epoch
    progress.json             where it is within the present epoch
    film.json, film/          what it made of three held-out pictures after every epoch
    notes.json                what a person wrote about it
    log.txt                   what it printed, where it was started from the page
    stop                      there while it is asked to stop
    checkpoint.safetensors    everything that is needed to go on after the last whole epoch
    checkpoint.previous.safetensors    the same, one epoch before
    best.safetensors          the weights with the best held-out Dice so far
    model.*, weights.safetensors, card.json    the finished model (see :mod:`wbcseg.models.card`)
"""

from __future__ import annotations

import contextlib
import json
import re
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal

from wbcseg.errors import RunError, TrainingError
from wbcseg.io.atomic import write_json
from wbcseg.training.config import TrainingConfig
from wbcseg.training.jobs.process import ProcessId

if TYPE_CHECKING:
    from wbcseg.splitting.splits import Split

StoredStatus = Literal["new", "waiting", "running", "stopped", "finished", "failed"]
"""What the state file says. ``new``: its process has not begun; ``waiting``: for another training to end."""

PROCESS_STATUSES: Final = ("waiting", "running")
STATE_FILE: Final = "state.json"
PREVIOUS_STATE_FILE: Final = "state.previous.json"
STOP_FILE: Final = "stop"
MAX_NOTES_LENGTH: Final = 10_000
_NAME_PATTERN: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9 ._-]{0,79}")


@dataclass(frozen=True)
class Run:
    """A run's folder.

    Attributes:
        folder: The folder; it need not exist before :meth:`create`.
    """

    folder: Path

    @property
    def name(self) -> str:
        """The folder's name."""
        return self.folder.name

    def create(self, config: TrainingConfig) -> None:
        """Make the folder and write the settings.

        Raises:
            RunError: If a run is there already, or the folder cannot be written.
        """
        exists_error = RunError(
            f"Folder {self.folder} holds a run already. Go on with it (--resume) or choose another name."
        )
        if (self.folder / "config.json").exists():
            raise exists_error
        with self._report_write_errors():
            try:
                # An empty folder will do.
                self.folder.mkdir(parents=True, exist_ok=True)
                if any(self.folder.iterdir()):
                    raise exists_error
                # Of two that come at the same moment, only one can make the file.
                (self.folder / "config.json").touch(exist_ok=False)
            except FileExistsError:
                raise exists_error from None
        self.write("config.json", config.to_dict())
        self.set_state("new")

    def load_config(self) -> TrainingConfig:
        """Return the settings.

        Raises:
            RunError: If there are none or they cannot be read.
            ConfigError: If they are not acceptable.
        """
        return TrainingConfig.from_dict(self.read("config.json"))

    def load_split(self) -> Split:
        """Return the stored split.

        Raises:
            RunError: If there is none.
            SplitError: If it is not complete.
        """
        # Splitting needs libraries that those who only look at runs should not wait for.
        from wbcseg.splitting.splits import Split

        return Split.from_dict(self.read("split.json"))

    def load_state(self) -> dict[str, Any]:
        """Return the state: ``status`` and what belongs to it. Where the file is damaged, the one before counts.

        Raises:
            RunError: If there is none that can be read.
        """
        try:
            return _check_status(self.read(STATE_FILE))
        except RunError as error:
            try:
                return _check_status(self.read(PREVIOUS_STATE_FILE))
            except RunError:
                raise error from None

    def set_state(self, status: StoredStatus, **details: Any) -> None:
        """Write the state. While it waits or runs, it says which process is at it: the one that writes.

        Args:
            status: Where the training is.
            **details: JSON values: epoch, reason …

        Raises:
            RunError: If the folder cannot be written.
        """
        values = {"status": status, "changed": time.time(), **details}
        if status in PROCESS_STATUSES:
            values["process"] = ProcessId.current().to_dict()
        with self._report_write_errors():
            write_json(self.folder / STATE_FILE, values, previous=self.folder / PREVIOUS_STATE_FILE)

    def load_epoch_counts(self) -> dict[str, int]:
        """Return ``epoch`` and ``epochs`` (whole epochs done, epochs in all), as far as the state says."""
        try:
            state = self.load_state()
        except RunError:
            return {}
        return {name: state[name] for name in ("epoch", "epochs") if name in state}

    def find_process(self) -> ProcessId | None:
        """Return the process that is at it, if it still is."""
        state = self.load_state()
        process = ProcessId.from_dict(state.get("process")) if state["status"] in PROCESS_STATUSES else None
        return process if process and process.is_alive() else None

    def request_stop(self) -> None:
        """Ask the process that is at it to stop after its present batch.

        Raises:
            RunError: If the folder cannot be written.
        """
        with self._report_write_errors():
            (self.folder / STOP_FILE).touch()

    def get_stop_request_age(self) -> float | None:
        """Return for how many seconds it has been asked to stop, or ``None`` where it is not."""
        try:
            return max(0.0, time.time() - (self.folder / STOP_FILE).stat().st_mtime)
        except OSError:
            return None

    def clear_stop_request(self) -> None:
        """Take back :meth:`ask_to_stop`."""
        with self._report_write_errors():
            (self.folder / STOP_FILE).unlink(missing_ok=True)

    def load_metrics(self) -> list[dict[str, float]]:
        """Return one row an epoch, oldest first; empty before the first epoch's end."""
        return self._load_rows("metrics.json", "epochs")

    def load_batch_metrics(self) -> list[dict[str, float]]:
        """Return one row a batch of the first epoch; empty before the first."""
        return self._load_rows("batches.json", "batches")

    def load_progress(self) -> dict[str, Any]:
        """Return where it is within its epoch (see :class:`wbcseg.training.runs.progress.Progress`); empty where unknown."""
        try:
            return self.read("progress.json")
        except RunError:
            return {}

    def load_notes(self) -> str:
        """Return what a person wrote about it."""
        try:
            return str(self.read("notes.json").get("notes", ""))
        except RunError:
            return ""

    def save_notes(self, notes: str) -> None:
        """Write down what a person has to say about it.

        Raises:
            RunError: If the text is longer than :data:`MAX_NOTES_LENGTH` characters, or the folder cannot be written.
        """
        if len(notes) > MAX_NOTES_LENGTH:
            raise RunError(f"Notes may have at most {MAX_NOTES_LENGTH:,} characters. Received: {len(notes):,}")
        self.write("notes.json", {"notes": notes})

    def read(self, name: str) -> dict[str, Any]:
        """Read one of the JSON files.

        Raises:
            RunError: If it is missing or no JSON object.
        """
        path = self.folder / name
        try:
            values = json.loads(path.read_text(encoding="utf-8"))
        except (FileNotFoundError, NotADirectoryError):
            raise RunError(f"Folder {self.folder} is no training run, or was moved: it has no {name}.") from None
        except OSError as error:
            raise RunError(f"File {path} cannot be read: {error.strerror or error}") from None
        except ValueError:
            raise RunError(
                f"File {path} is damaged: it is not whole. Delete the run, or copy its folder again."
            ) from None
        if not isinstance(values, dict):
            raise RunError(f"File {path} must hold a JSON object. Received: {type(values).__name__}")
        return values

    def write(self, name: str, values: Mapping[str, Any]) -> None:
        """Write one of the JSON files atomically.

        Raises:
            RunError: If the folder cannot be written.
        """
        with self._report_write_errors():
            write_json(self.folder / name, values)

    def _load_rows(self, name: str, key: str) -> list[dict[str, float]]:
        try:
            rows = self.read(name)[key]
        except (RunError, KeyError):
            return []
        return rows if isinstance(rows, list) else []

    @contextlib.contextmanager
    def _report_write_errors(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise RunError(
                f"Run folder {self.folder} cannot be written: {error.strerror or error}. "
                "Check that it exists, that there is room on the disk and that you may write there."
            ) from None


def check_run_name(name: str) -> None:
    """Check that a run may be called so.

    Raises:
        RunError: If not; it says what a name may be.
    """
    if not _NAME_PATTERN.fullmatch(name) or name != name.strip() or name.endswith("."):
        raise RunError(
            "The name of a run has 1 to 80 letters (A to Z), digits, blanks, dots, hyphens and underscores, and begins "
            f"with a letter or digit. Received: {name[:100]!r}"
        )


def suggest_run_name(config: TrainingConfig, folder: Path) -> str:
    """Return a name for a new run: architecture, width, data set and the lowest free number."""
    data_label = (
        "".join(c if c.isascii() and c.isalnum() else "-" for c in Path(config.dataset).stem.lower())[:24].strip("-")
        or "data"
    )
    stem = f"{config.architecture}-{config.base_filters}-{data_label}"
    for number in range(1, 100_000):
        if not (folder / f"{stem}-{number}").exists():
            return f"{stem}-{number}"
    raise TrainingError(f"Folder {folder} holds too many runs named {stem}. Delete some.")


def _check_status(state: dict[str, Any]) -> dict[str, Any]:
    if not isinstance(state.get("status"), str):
        raise RunError(f"File {STATE_FILE} must say the `status` of the training. Received: {state.get('status')!r}")
    return state
