"""The status of a run, as its folder's state file has it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal, TypeVar, cast, get_args

from wbcseg.errors import ErrorCode, RunError
from wbcseg.training.jobs.process import ProcessId

Number = TypeVar("Number", int, float)

StoredStatus = Literal["new", "queued", "running", "stopped", "finished", "failed"]
"""Status in the state file. ``new``: its process has not started yet; ``queued``: it waits for another run to end."""

PROCESS_STATUSES: Final = ("queued", "running")
STATE_FILE: Final = "state.json"
PREVIOUS_STATE_FILE: Final = "state.previous.json"
MAX_EPOCHS: Final = 1_000_000
MAX_TIME: Final = 32_503_680_000
"""Seconds from 1970 to the year 3000."""

MAX_REASON_LENGTH: Final = 2_000
"""Maximum number of characters of the reason that are read."""


@dataclass(frozen=True)
class RunState:
    """Contents of the state file.

    Attributes:
        status: Status of the run.
        changed: When it was written, in seconds since 1970.
        epoch: Number of whole epochs done, if known.
        epochs: Total number of epochs, if known.
        reason: Why the run stopped or failed; otherwise empty.
        queued_at: When the run joined the queue.
        launched_at: When its process was started.
        process: The process that works on it, while it is queued or running.
    """

    status: StoredStatus
    changed: float = 0.0
    epoch: int | None = None
    epochs: int | None = None
    reason: str = ""
    queued_at: float = 0.0
    launched_at: float = 0.0
    process: ProcessId | None = None

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> RunState:
        """Read what :meth:`to_dict` wrote.

        Raises:
            RunError: If the status is unknown or another value is invalid.
        """
        status = values.get("status")
        if not isinstance(status, str) or status not in get_args(StoredStatus):
            raise RunError(
                f"File {STATE_FILE} has the unknown status {status!r}.", file=STATE_FILE, code=ErrorCode.DAMAGED
            )
        try:
            epoch, epochs = (_read_number(values.get(name), int, MAX_EPOCHS) for name in ("epoch", "epochs"))
            changed, queued_at, launched_at = (
                float(_read_number(values.get(name), float, MAX_TIME) or 0.0)
                for name in ("changed", "queued_at", "launched_at")
            )
        except ValueError:
            raise RunError(
                f"File {STATE_FILE} has an invalid number.", file=STATE_FILE, code=ErrorCode.DAMAGED
            ) from None
        process = ProcessId.from_dict(values.get("process"))
        return cls(
            cast("StoredStatus", status),
            changed,
            epoch,
            epochs,
            str(values.get("reason", ""))[:MAX_REASON_LENGTH],
            queued_at,
            launched_at,
            process,
        )

    def to_dict(self) -> dict[str, Any]:
        """Return the state as JSON values; unknown ones are excluded."""
        values = {**vars(self), "process": self.process.to_dict() if self.process else None}
        return {name: value for name, value in values.items() if value not in (None, "", 0.0) or name == "epoch"}


def _read_number(value: Any, number_type: type[Number], maximum: float) -> Number | None:
    """Return a number from 0 to a maximum; ``None`` if there is none.

    Raises:
        ValueError: If it is something else.
    """
    if value is None:
        return None
    if not isinstance(value, (int, float)) or isinstance(value, bool) or not 0 <= value <= maximum:
        raise ValueError
    return number_type(value)
