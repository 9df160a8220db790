"""Connect to Dask: processes on this machine, or a scheduler that is running elsewhere."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import psutil

from wbcseg.errors import ConfigError, ErrorCode, WbcsegError

LOCAL: Final = "local"
"""Name of the scheduler that is started for the run, with as many processes as cores."""

MAX_WORKER_BYTES: Final = 2_000_000_000
"""Memory of a local worker at which Dask ends it, unless the machine has less for each."""

ALLOWED_FAILURES: Final = 1
"""Ends of a worker that a task survives: after the second one, the chunk is halved."""

CONNECT_TIMEOUT: Final = 30.0


@contextmanager
def connect(scheduler: str = LOCAL, *, workers: int | None = None, preload: tuple[str, ...] = ()) -> Iterator[Any]:
    """Return a client of a scheduler, and close what was started with it.

    Args:
        scheduler: ``local``, an address such as ``tcp://host:8786``, or a scheduler file (JSON) as the command
            ``dask scheduler --scheduler-file``, ``dask-jobqueue`` and ``dask-kubernetes`` write it.
        workers: Number of local processes; by default one for each core.
        preload: Modules that local workers import when they start.

    Yields:
        A ``distributed.Client``.

    Raises:
        ConfigError: If the number of workers is not acceptable.
        WbcsegError: If the scheduler cannot be reached.
    """
    import dask
    from distributed import Client, LocalCluster

    if workers is not None and workers < 1:
        raise ConfigError(f"There must be at least one worker. Received: {workers}")
    if scheduler != LOCAL:
        with _connect_remote(Client, scheduler) as client:
            yield client
        return
    count = workers or os.cpu_count() or 1
    memory = min(MAX_WORKER_BYTES, int(0.9 * psutil.virtual_memory().total / count))
    settings = {
        "distributed.scheduler.allowed-failures": ALLOWED_FAILURES,
        # A worker that ended starts again; on a busy machine that takes longer than Dask waits by default.
        "distributed.deploy.lost-worker-timeout": "10 minutes",
    }
    with (
        dask.config.set(settings),
        LocalCluster(
            n_workers=count,
            threads_per_worker=1,
            memory_limit=memory,
            dashboard_address=None,
            silence_logs=logging.CRITICAL,
            preload=list(preload),
        ) as cluster,
        Client(cluster) as client,
    ):
        yield client


@contextmanager
def _connect_remote(client_class: Any, scheduler: str) -> Iterator[Any]:
    is_file = Path(scheduler).suffix == ".json" or Path(scheduler).is_file()
    where = {"scheduler_file": scheduler} if is_file else {"address": scheduler}
    if is_file and not Path(scheduler).is_file():
        raise WbcsegError(f"Scheduler file {scheduler} does not exist.", code=ErrorCode.NOT_FOUND)
    try:
        client = client_class(**where, timeout=CONNECT_TIMEOUT)
    except (OSError, ValueError, TimeoutError) as error:
        raise WbcsegError(
            f"Scheduler {scheduler} could not be reached: {error}",
            code=ErrorCode.UNREADABLE,
            hint="Start one with: dask scheduler",
        ) from None
    with client:
        yield client
