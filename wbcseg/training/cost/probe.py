"""Measure the cost of a training in a background process that ends by itself."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any, Final

import psutil
from filelock import FileLock, Timeout

from wbcseg.errors import ErrorCode, RunError
from wbcseg.io.atomic import write_json
from wbcseg.paths import IMPORT_ROOT, get_runs_folder
from wbcseg.training.config import TrainingConfig
from wbcseg.training.cost.records import build_cost_key
from wbcseg.training.jobs import queue
from wbcseg.training.jobs.process import ProcessId, get_detached_popen_kwargs

LOCK_FILE: Final = ".probe.lock"
LAST_PROBE_FILE: Final = ".probe.json"
"""In the runs folder: the process that measures, or measured last, and what."""

MIN_RETRY_SECONDS: Final = 600.0
"""Seconds until the same settings may be measured again, so that failures are not repeated all the time."""


def start_probe(config: TrainingConfig) -> None:
    """Start to measure the cost of a training with these settings, and return at once.

    The result is available to estimates after about 30 seconds, two minutes at most. Nothing is started during another
    measurement or a training (both would be slower, and the result wrong), nor for settings for which a measurement was
    started within the last ten minutes.

    Args:
        config: The settings; their data set is not read.

    Raises:
        RunError: If the runs folder cannot be written, or no process can be started.
    """
    folder = get_runs_folder()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with FileLock(folder / LOCK_FILE).acquire(blocking=False):
            last_probe = _read_last_probe(folder)
            recently_probed = (
                last_probe.get("key") == _build_key(config)
                and abs(time.time() - float(last_probe.get("at", 0.0))) < MIN_RETRY_SECONDS
            )
            if recently_probed or _is_probe_alive(last_probe) or _is_training(folder):
                return
            process = _launch_probe(config, folder)
            process_id = ProcessId(process.pid, psutil.Process(process.pid).create_time())
            write_json(
                folder / LAST_PROBE_FILE,
                {"key": _build_key(config), "at": time.time(), "process": process_id.to_dict()},
            )
    except Timeout:
        # Another page is starting one.
        return
    except (OSError, psutil.Error) as error:
        raise RunError(
            f"The cost of a training cannot be measured in {folder}: {error}", code=ErrorCode.WRITE_FAILED
        ) from None
    # The parent must wait for its child, so that no zombie remains.
    threading.Thread(target=process.wait, daemon=True, name="probe").start()


def is_probing(config: TrainingConfig) -> bool:
    """Return whether these settings are being measured now."""
    last_probe = _read_last_probe(get_runs_folder())
    return last_probe.get("key") == _build_key(config) and _is_probe_alive(last_probe)


def _launch_probe(config: TrainingConfig, folder: Path) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", "wbcseg.training.cost.probe_worker", json.dumps(config.to_dict()), "--store"],
        cwd=IMPORT_ROOT,
        env={**os.environ, "WBCSEG_RUNS": str(folder)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        **get_detached_popen_kwargs(),
    )


def _is_training(folder: Path) -> bool:
    lock = FileLock(folder / queue.LOCK_FILE)
    try:
        with lock.acquire(blocking=False):
            return False
    except Timeout:
        return True


def _read_last_probe(folder: Path) -> dict[str, Any]:
    try:
        values = json.loads((folder / LAST_PROBE_FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return values if isinstance(values, dict) else {}


def _is_probe_alive(last_probe: dict[str, Any]) -> bool:
    process = ProcessId.from_dict(last_probe.get("process"))
    return process is not None and process.is_alive()


def _build_key(config: TrainingConfig) -> list[object]:
    return list(build_cost_key(config))
