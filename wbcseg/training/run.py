"""The folder of a training: the only truth about it.

::

    config.json               the settings
    environment.json          program versions, processor, precision
    split.json                which pictures train and which test
    state.json                where the training is: waiting, running, stopped, finished or failed
    metrics.json              one row an epoch
    checkpoint.safetensors    everything that is needed to go on after the last whole epoch
    checkpoint.previous.safetensors    the same, one epoch before
    best.safetensors          the weights with the best held-out Dice so far
    model.*, weights.safetensors, card.json    the finished model (see :mod:`wbcseg.cards`)
"""

from __future__ import annotations

import contextlib
import json
import os
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal

import platformdirs

from wbcseg.errors import RunError, TrainingError
from wbcseg.files import write_json
from wbcseg.training.config import TrainingConfig

if TYPE_CHECKING:
    from wbcseg.preparation.splits import Split

Status = Literal["new", "running", "stopped", "finished", "failed"]
STATE: Final = "state.json"


def runs_folder() -> Path:
    """Return the folder that holds the runs: ``WBCSEG_RUNS`` where it is set, else the user's data folder."""
    chosen = os.environ.get("WBCSEG_RUNS")
    return Path(chosen) if chosen else Path(platformdirs.user_data_dir("wbcseg", appauthor=False)) / "runs"


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
        if (self.folder / "config.json").exists():
            raise RunError(
                f"Folder {self.folder} holds a run already. Go on with it (--resume) or choose another name."
            )
        with self._writing():
            self.folder.mkdir(parents=True, exist_ok=True)
        self.write("config.json", config.to_dict())
        self.set_state("new")

    def config(self) -> TrainingConfig:
        """Return the settings.

        Raises:
            RunError: If there are none or they cannot be read.
            ConfigError: If they are not acceptable.
        """
        return TrainingConfig.from_dict(self.read("config.json"))

    def split(self) -> Split:
        """Return the stored split.

        Raises:
            RunError: If there is none.
            SplitError: If it is not complete.
        """
        # Splitting needs libraries that those who only look at runs should not wait for.
        from wbcseg.preparation.splits import Split

        return Split.from_dict(self.read("split.json"))

    def state(self) -> dict[str, Any]:
        """Return the state: ``status`` and what belongs to it."""
        return self.read(STATE)

    def set_state(self, status: Status, **details: Any) -> None:
        """Write the state.

        Args:
            status: Where the training is.
            **details: JSON values: epoch, process, reason …

        Raises:
            RunError: If the folder cannot be written.
        """
        self.write(STATE, {"status": status, "changed": time.time(), **details})

    def metrics(self) -> list[dict[str, float]]:
        """Return one row an epoch, oldest first; empty before the first epoch's end."""
        if not (self.folder / "metrics.json").exists():
            return []
        rows: list[dict[str, float]] = self.read("metrics.json")["epochs"]
        return rows

    def read(self, name: str) -> dict[str, Any]:
        """Read one of the JSON files.

        Raises:
            RunError: If it is missing or no JSON object.
        """
        path = self.folder / name
        try:
            values = json.loads(path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            raise RunError(f"Folder {self.folder} is no training run, or was moved: it has no {name}.") from None
        except (OSError, ValueError) as error:
            raise RunError(f"File {path} cannot be read: {error}") from None
        if not isinstance(values, dict):
            raise RunError(f"File {path} must hold a JSON object. Received: {type(values).__name__}")
        return values

    def write(self, name: str, values: Mapping[str, Any]) -> None:
        """Write one of the JSON files atomically.

        Raises:
            RunError: If the folder cannot be written.
        """
        with self._writing():
            write_json(self.folder / name, values)

    @contextlib.contextmanager
    def _writing(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise RunError(
                f"Run folder {self.folder} cannot be written: {error.strerror or error}. "
                "Check that it exists, that there is room on the disk and that you may write there."
            ) from None


def next_name(config: TrainingConfig, folder: Path) -> str:
    """Return a name for a new run: architecture, width, data set and the lowest free number."""
    data = "".join(c if c.isalnum() else "-" for c in Path(config.dataset).stem.lower())[:24].strip("-") or "data"
    stem = f"{config.architecture}-{config.width}-{data}"
    for number in range(1, 100_000):
        if not (folder / f"{stem}-{number}").exists():
            return f"{stem}-{number}"
    raise TrainingError(f"Folder {folder} holds too many runs named {stem}. Delete some.")
