"""Segment the images of sources on the workers of a scheduler, and write the results to a target."""

from __future__ import annotations

import json
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from wbcseg.errors import ErrorCode, WbcsegError
from wbcseg.scale.addresses import SourceImage, list_sources
from wbcseg.scale.chunks import DEFAULT_CHUNK_SIZE, Chunk, plan_chunks
from wbcseg.scale.options import ScaleOptions
from wbcseg.scale.target import SUMMARY_FILE, DoneImage, Entry, Target, count_rows
from wbcseg.scale.worker import process_chunk, set_aside

CHUNKS_PER_WORKER: Final = 2
"""Chunks that wait or run at each worker; all others stay with the client."""

MAX_ATTEMPTS: Final = 3
"""How often a chunk is tried whose results could not be written."""

PATIENCE: Final = 60.0
"""Seconds without any worker after which the run ends with an error."""

ProgressCallback = Callable[["Progress"], None]


@dataclass(frozen=True)
class Progress:
    """How far a run is.

    Attributes:
        done: Images with results, those of earlier runs included.
        total: Images.
        images_per_second: Speed of this run.
        workers: Images that each worker has segmented in this run, by its address.
    """

    done: int
    total: int
    images_per_second: float
    workers: dict[str, int]


@dataclass(frozen=True)
class ScaleSummary:
    """Counts over all results of a target.

    Attributes:
        images: Images with results, those that could not be used included.
        cells: Cells.
        problems: Images that could not be used.
        retries: How often reading a file was repeated.
        chunks: Parts of the tables.
        statuses: Number of cells of each quality status, and of images without a cell or not used.
        types: Number of cells of each type; empty without types.
        skipped: Files of the sources that are no images, or masks without an image.
        reused: Images whose results were there before this run.
        seconds: Duration of this run.
    """

    images: int
    cells: int
    problems: int
    retries: int
    chunks: int
    statuses: dict[str, int]
    types: dict[str, int]
    skipped: int
    reused: int
    seconds: float


def segment_at_scale(
    sources: Sequence[str],
    target_address: str,
    options: ScaleOptions,
    client: Any,
    *,
    chunk_size: int = DEFAULT_CHUNK_SIZE,
    on_progress: ProgressCallback = lambda _: None,
) -> ScaleSummary:
    """Segment all images of sources that have no result yet, and write the results.

    Results do not depend on the number of workers, the size of the chunks or their order. A second call segments only
    images that are missing or have changed; after other options or with another version of the package, all of them.

    Args:
        sources: Addresses of images, folders and zips.
        target_address: Address of the folder of results; see :mod:`wbcseg.scale.target`.
        options: The model and the options.
        client: A ``distributed.Client``; see :func:`wbcseg.scale.connect`.
        chunk_size: Maximum number of images in a chunk.
        on_progress: Called at the start and after every chunk.

    Raises:
        WbcsegError: If a source cannot be listed, the target cannot be written, or the scheduler or all workers are
            lost. What was finished stays.
    """
    start = time.monotonic()
    found = list_sources(sources)
    digest, target = options.compute_digest(), Target(target_address)
    versions = {image.name: image.version for image in found.images}

    def is_current(options_digest: str, image: DoneImage) -> bool:
        return options_digest == digest and versions.get(image.name, image.version) == image.version

    entries = target.tidy(is_current)
    done = {image.name for entry in entries.values() for image in entry.images}
    missing = [image for image in found.images if image.name not in done]
    run = _Run(options, target_address, client, len(found.images), len(found.images) - len(missing), on_progress)
    for entry in run.process(plan_chunks(missing, digest, chunk_size)):
        entries[entry.id] = entry
    summary = ScaleSummary(
        **count_rows(entries.values()),
        skipped=len(found.problems),
        reused=len(found.images) - len(missing),
        seconds=round(time.monotonic() - start, 2),
    )
    target.write(SUMMARY_FILE, json.dumps(vars(summary) | {"options": vars(options)}, indent=1).encode())
    return summary


class _Run:
    """Hands chunks to the workers, never more than each of them can soon begin."""

    def __init__(
        self,
        options: ScaleOptions,
        target_address: str,
        client: Any,
        total: int,
        reused: int,
        on_progress: ProgressCallback,
    ) -> None:
        self._options, self._target_address, self._client = options, target_address, client
        self._total, self._reused, self._on_progress = total, reused, on_progress
        self._start = time.monotonic()
        self._workers: dict[str, int] = {}
        self._active: dict[Any, tuple[Chunk, int]] = {}
        self._suspects: deque[Chunk] = deque()
        self._is_alone = False

    def process(self, chunks: Sequence[Chunk]) -> list[Entry]:
        """Return the entries of all chunks, some of which may have been halved."""
        from distributed import CancelledError, wait

        waiting = deque((chunk, 1) for chunk in chunks)
        entries: list[Entry] = []
        self._report()
        while waiting or self._active or self._suspects:
            capacity = CHUNKS_PER_WORKER * self._count_workers()
            while waiting and len(self._active) < capacity:
                self._submit(*waiting.popleft())
            self._is_alone = not self._active
            if self._is_alone:
                self._submit(self._suspects.popleft(), 1)
            try:
                finished = wait(list(self._active), return_when="FIRST_COMPLETED").done
            except (CancelledError, OSError, TimeoutError, ValueError) as error:
                raise _explain_loss(error) from None
            for future in finished:
                chunk, attempt = self._active.pop(future)
                waiting.extend(self._collect(future, chunk, attempt, entries))
            self._report()
        return entries

    def _submit(self, chunk: Chunk, attempt: int) -> None:
        future = self._client.submit(process_and_name, chunk, self._options, self._target_address, pure=False)
        self._active[future] = (chunk, attempt)

    def _collect(self, future: Any, chunk: Chunk, attempt: int, entries: list[Entry]) -> list[tuple[Chunk, int]]:
        """Keep the entry of a finished chunk, or return what to try instead."""
        from distributed import CancelledError, KilledWorker

        try:
            worker, entry = future.result()
        except KilledWorker:
            if len(chunk.images) > 1:
                return [(half, 1) for half in chunk.halve()]
            if self._is_alone:
                entries.append(self._set_aside(chunk.images[0], chunk.options_digest))
            else:
                # It may only have waited at a process that another image ended: it is tried on its own, at the end.
                self._suspects.append(chunk)
        except CancelledError as error:
            raise _explain_loss(error) from None
        except WbcsegError:
            if attempt == MAX_ATTEMPTS:
                raise
            return [(chunk, attempt + 1)]
        else:
            self._workers[worker] = self._workers.get(worker, 0) + len(entry.images)
            entries.append(entry)
        return []

    def _set_aside(self, image: SourceImage, digest: str) -> Entry:
        return set_aside(image, digest, self._options, Target(self._target_address))

    def _count_workers(self) -> int:
        """Return the number of workers, waiting for one if there is none."""
        end = time.monotonic() + PATIENCE
        while True:
            try:
                count = len(self._client.scheduler_info(n_workers=-1).get("workers", ()))
            except (OSError, TimeoutError, ValueError) as error:
                raise _explain_loss(error) from None
            if count:
                return count
            if time.monotonic() > end:
                raise WbcsegError(
                    f"The scheduler has had no worker for {PATIENCE:.0f} seconds.",
                    code=ErrorCode.NOT_FOUND,
                    hint="Start some (dask worker ADDRESS), and run the same command again: it goes on from there.",
                )
            time.sleep(0.2)

    def _report(self) -> None:
        finished = sum(self._workers.values())
        elapsed = max(time.monotonic() - self._start, 1e-9)
        self._on_progress(Progress(self._reused + finished, self._total, finished / elapsed, dict(self._workers)))


def process_and_name(chunk: Chunk, options: ScaleOptions, target_address: str) -> tuple[str, Entry]:
    """Process a chunk on a worker and return the worker's address, too."""
    from distributed import get_worker

    return get_worker().address, process_chunk(chunk, options, target_address)


def _explain_loss(error: BaseException) -> WbcsegError:
    return WbcsegError(
        f"The scheduler was lost: {error}",
        code=ErrorCode.UNREADABLE,
        hint="What was finished stays. Start the scheduler, and run the same command again: it goes on from there.",
    )
