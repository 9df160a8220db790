"""Split a data set into leak-free folds in a child process.

Reading all images takes memory, which the app gets back when the process ends. The process takes the data set's name as
its argument and prints JSON. What it finds is remembered (:mod:`wbcseg.splitting.cell_groups`).
"""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from typing import Any, Final

from wbcseg.errors import ErrorCode, Problem, SplitError, WbcsegError
from wbcseg.paths import IMPORT_ROOT

EXIT_REJECTED: Final = 3
"""Exit code if stdout contains a problem with the data set instead of its folds."""

_started: Final[dict[str, subprocess.Popen[bytes]]] = {}
_started_lock: Final = threading.Lock()


def split_in_subprocess(name: str) -> dict[str, Any]:
    """Split a data set in a child process.

    Args:
        name: A data set that :func:`wbcseg.datasets.open_dataset` finds on this computer.

    Returns:
        ``tests``, the ids of every fold's test side, and ``groups``, the ids of images that show the same cell.

    Raises:
        SplitError: If it cannot be split, with the code and hint of the reason, or the process fails.
    """
    command = [sys.executable, "-m", "wbcseg.splitting.worker", name]
    process = subprocess.run(command, cwd=IMPORT_ROOT, stdin=subprocess.DEVNULL, capture_output=True, check=False)
    if process.returncode == EXIT_REJECTED:
        values = json.loads(process.stdout)
        raise SplitError.from_problem(Problem(**{**values, "code": ErrorCode(values["code"])}))
    if process.returncode:
        raise SplitError(
            f"Data set {name} could not be split: the process ended early, perhaps because memory ran out.",
            code=ErrorCode.INTERNAL,
        )
    result: dict[str, Any] = json.loads(process.stdout)
    return result


def start_splitting(name: str) -> None:
    """Find which images of a data set show the same cell in a child process, and return at once.

    It is started once in a process for each data set. :func:`wbcseg.splitting.cell_groups.load_cell_groups` returns the
    result.
    """
    with _started_lock:
        if name in _started:
            return
        _started[name] = subprocess.Popen(
            [sys.executable, "-m", "wbcseg.splitting.worker", name],
            cwd=IMPORT_ROOT,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )


def is_splitting(name: str) -> bool:
    """Return whether the process that :func:`start_splitting` started is at work."""
    process = _started.get(name)
    return process is not None and process.poll() is None


def main() -> int:
    """Print the folds of one data set. Return the exit code."""
    from wbcseg.datasets import open_dataset
    from wbcseg.splitting.cell_groups import find_cell_groups, store_cell_groups
    from wbcseg.splitting.splits import build_leak_free_folds

    name = sys.argv[1]
    try:
        dataset = open_dataset(name)
        samples = [sample for sample in dataset if sample.mask is not None]
        cells = find_cell_groups(samples)
        store_cell_groups(dataset, cells)
        splits = build_leak_free_folds(name, samples, cells=cells)
    except WbcsegError as error:
        json.dump(vars(error.to_problem()), sys.stdout)
        return EXIT_REJECTED
    json.dump({"tests": [split.test for split in splits], "groups": splits[0].groups}, sys.stdout)
    return 0


if __name__ == "__main__":
    sys.exit(main())
