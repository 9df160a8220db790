"""Process many images, one after the other, in a background thread that takes turns with others."""

from __future__ import annotations

import contextlib
import threading
import time
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from statistics import fmean
from typing import Final, Literal

from wbcseg.datasets.uploads import InputImage
from wbcseg.errors import ErrorCode, Problem
from wbcseg.pipeline.analyze import PipelineConfig, analyze_image
from wbcseg.pipeline.image_result import ImageResult, LastImageCache, rename_result
from wbcseg.pipeline.merge import merge_results
from wbcseg.results import ImageReport
from wbcseg.turns import WorkCancelledError, pause, take_turns

BatchState = Literal["waiting", "running", "paused", "cancelled", "done"]

_CANCELLED_MESSAGE: Final = "The batch was cancelled before this image was processed."

MIN_DURATIONS: Final = 2
MAX_DURATIONS: Final = 20
"""Least and greatest number of images by whose durations the time left is estimated."""

NOT_PROCESSED: Final = Problem(_CANCELLED_MESSAGE, reason=_CANCELLED_MESSAGE, code=ErrorCode.CANCELLED)


@dataclass(frozen=True)
class Progress:
    """The progress of a batch.

    Attributes:
        state: Its state.
        done: Number of images processed.
        total: Number of images.
        seconds_left: About how long the rest takes, from the last images; ``None`` if not known.
    """

    state: BatchState
    done: int
    total: int
    seconds_left: float | None = None

    @property
    def is_active(self) -> bool:
        """Whether it will continue by itself."""
        return self.state in ("waiting", "running", "paused")


class Batch:
    """Images that are segmented and measured in a background thread.

    Args:
        input_images: The images.
        pipeline_config: The models and options.
        previous: A batch with the same models and options, whose results are reused.
        idle_timeout: Seconds after the last :meth:`record_heartbeat` at which the work pauses; ``None`` for never.

    Attributes:
        input_images: The images.
        image_cache: Keeps the last image read.
    """

    def __init__(
        self,
        input_images: Sequence[InputImage],
        pipeline_config: PipelineConfig,
        *,
        previous: Batch | None = None,
        idle_timeout: float | None = None,
    ) -> None:
        self.input_images = tuple(input_images)
        self._pipeline_config, self._idle_timeout = pipeline_config, idle_timeout
        self._lock = threading.Lock()
        self._results: list[ImageResult] = []
        self._durations: deque[float] = deque(maxlen=MAX_DURATIONS)
        self._state: BatchState = "waiting"
        self._has_result = threading.Event()
        self._thread: threading.Thread | None = None
        self._last_heartbeat = time.monotonic()
        previous_results = previous.get_results() if previous else []
        self._reusable_results = {result.input_image.key: result for result in previous_results if not result.problem}
        self.image_cache: LastImageCache = previous.image_cache if previous else LastImageCache()

    def start(self) -> None:
        """Start, or continue with the rest after :meth:`cancel`. Does nothing if it is running or done."""
        with self._lock:
            self._last_heartbeat = time.monotonic()
            if len(self._results) == len(self.input_images):
                self._state = "done"
                return
            if self._state in ("waiting", "running") and self._thread is not None and self._thread.is_alive():
                return
            # A cancelled thread that is still busy must finish first.
            previous_thread, self._state = self._thread, "waiting"
            self._thread = threading.Thread(target=self._run, args=(previous_thread,), name="batch", daemon=True)
            self._thread.start()

    def record_heartbeat(self) -> None:
        """Record that someone is watching. A paused batch continues."""
        with self._lock:
            self._last_heartbeat = time.monotonic()
            is_paused = self._state == "paused"
        if is_paused:
            self.start()

    def cancel(self) -> None:
        """Stop at once, within an image, too. The results so far are kept."""
        with self._lock:
            if self._state != "done":
                self._state = "cancelled"

    def join(self, timeout: float | None = None) -> None:
        """Wait until the thread ends."""
        thread = self._thread
        if thread is not None:
            thread.join(timeout)

    def wait_for_result(self, timeout: float) -> None:
        """Wait for the first result, at most so many seconds."""
        self._has_result.wait(timeout)

    @property
    def progress(self) -> Progress:
        """How far the batch is."""
        with self._lock:
            done, total = len(self._results), len(self.input_images)
            state = "done" if done == total else self._state
            if state != "running" or len(self._durations) < MIN_DURATIONS:
                return Progress(state, done, total)
            return Progress(state, done, total, (total - done) * fmean(self._durations))

    def get_results(self) -> list[ImageResult]:
        """Return the results so far, in the order of the images."""
        with self._lock:
            return list(self._results)

    def replace_results(self, results: Sequence[ImageResult]) -> None:
        """Put corrected results in the places of those for the same images."""
        by_source = {(result.input_image.key, result.name): result for result in results}
        with self._lock:
            self._results = [by_source.get((old.input_image.key, old.name), old) for old in self._results]

    def get_reports(self) -> list[ImageReport]:
        """Return a report on every image, including those that could not be used or were not reached."""
        results = self.get_results()
        unprocessed = [
            ImageReport(input_image.name, None, problem=input_image.problem or NOT_PROCESSED)
            for input_image in self.input_images[len(results) :]
        ]
        return [*(merge_results([result]) for result in results), *unprocessed]

    @contextmanager
    def cache_last_image(self) -> Iterator[None]:
        """Keep the last image read, so that a field of view is not read once for each of its cells."""
        with self.image_cache.keep():
            yield

    def _run(self, previous_thread: threading.Thread | None) -> None:
        if previous_thread is not None:
            previous_thread.join()
        with contextlib.suppress(WorkCancelledError), take_turns(self._should_continue):
            with self._lock:
                if self._state == "waiting":
                    self._state = "running"
            now = time.monotonic()
            while self._should_continue():
                with self._lock:
                    index = len(self._results)
                    if index == len(self.input_images):
                        self._state = "done"
                        return
                input_image = self.input_images[index]
                reusable = self._reusable_results.get(input_image.key)
                result = (
                    analyze_image(input_image, self._pipeline_config, self.image_cache)
                    if reusable is None
                    else rename_result(reusable, input_image)
                )
                with self._lock:
                    self._results.append(result)
                    self._has_result.set()
                    # With the time in which others had their turn.
                    last_end, now = now, time.monotonic()
                    if reusable is None:
                        self._durations.append(now - last_end)
                pause()

    def _should_continue(self) -> bool:
        """Return whether to continue; pause if no one has been watching for long."""
        with self._lock:
            if self._state == "cancelled":
                return False
            if self._idle_timeout is not None and time.monotonic() - self._last_heartbeat > self._idle_timeout:
                self._state = "paused"
                return False
            return threading.current_thread() is self._thread
