"""Batches of composed fields, made without end by processes of their own."""

from __future__ import annotations

import contextlib
import multiprocessing
import queue
import signal
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Protocol

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from wbcseg.detector_training.card import DEFAULT_THRESHOLDS
from wbcseg.detector_training.composing import ComposedField, Composer
from wbcseg.detector_training.detector_targets import compute_detector_targets
from wbcseg.detector_training.library import Library
from wbcseg.detector_training.verifier_samples import ORIENTATIONS, sample_crops
from wbcseg.errors import ErrorCode, TrainingError
from wbcseg.inference.detection import Thresholds
from wbcseg.inference.detection.background import estimate_background, normalise
from wbcseg.inference.detection.candidates import CandidateFinder
from wbcseg.training.jobs.process import lower_priority

Batch = tuple[NDArray[np.float16], NDArray[Any]]
"""Images ``float16[N, H, W, 3]`` and what is to be answered."""

MILD_SHARE: Final = 0.25
MILD_SEVERITY: Final = 0.5
"""Share of training fields that are no more extreme than this; the others are as extreme as can be."""

LARGE_CELLS: Final = (100.0, 260.0)
LARGE_CELL_SHARE: Final = 0.13
"""Diameters and share of fields with cells that the detector network must leave to a coarser level."""

CLUSTER_SHARE: Final = 0.22
CLUSTER_SIZE_SHARES: Final = {2: 0.6, 3: 0.3, 4: 0.1}
MAX_CLUSTER_OVERLAP: Final = 0.36
MAX_CLUSTER_SHIFT: Final = 0.3
"""Share of fields with a cluster of touching cells, shares of its numbers of cells, their overlap, and how far it is
from the middle. Without them, cells that overlap by more than a sixth have no peaks of their own."""

VERIFIER_CANDIDATE_HEAT: Final = 0.06
"""Candidates for the verifier's training have a lower heat than those that it is asked about later."""

QUEUED_BATCHES: Final = 12
POLL_SECONDS: Final = 5.0


class BatchSource(Protocol):
    """Makes batches; it is sent to other processes."""

    def iterate(self, seed: int) -> Iterator[Batch]:
        """Yield batches without end."""


@dataclass(frozen=True)
class DetectorBatches:
    """Batches for the detector network.

    Attributes:
        library: Folder of the library.
        batch_size: Fields per batch.
        side: Side of the fields in pixels.
    """

    library: Path
    batch_size: int
    side: int = 192

    def iterate(self, seed: int) -> Iterator[Batch]:
        """Yield normalised fields and :func:`compute_detector_targets` of them."""
        library = Library.load("train", self.library)
        usual = _compose(library, seed, self.side)
        large = Composer(library, seed + 500, side=self.side, diameters=LARGE_CELLS)
        rng = np.random.default_rng(seed + 1000)
        shown_again: list[ComposedField] = []
        while True:
            images, targets = [], []
            for index in range(self.batch_size):
                # Composing takes longer than learning: every field is shown in four orientations.
                if index % 4 and len(shown_again) > 6 * self.batch_size:
                    field = shown_again.pop(int(rng.integers(len(shown_again))))
                else:
                    field = large.compose() if rng.random() < LARGE_CELL_SHARE else next(usual)
                    shown_again += [field.transpose(), field.rotate(), field.transpose().rotate()]
                background = estimate_background(field.image) * _draw_gain(rng)
                images.append(normalise(field.image, background).astype(np.float16))
                targets.append(compute_detector_targets(field))
            yield np.stack(images), np.stack(targets)


@dataclass(frozen=True)
class VerifierBatches:
    """Batches for the verifier.

    Attributes:
        library: Folder of the library.
        batch_size: Crops per batch.
        detector: Exported detector network, whose candidates the verifier learns to tell apart.
        crop_side: Side of the crops in pixels.
    """

    library: Path
    batch_size: int
    detector: Path
    crop_side: int = 64

    def iterate(self, seed: int) -> Iterator[Batch]:
        """Yield crops and answers, see :func:`sample_crops`."""
        library = Library.load("train", self.library)
        finder = load_candidate_finder(self.detector)
        side, usual_cells, large_cells = get_field_geometry(self.crop_side)
        usual = _compose(library, seed, side, usual_cells)
        large = Composer(library, seed + 77, side=side, diameters=large_cells)
        rng = np.random.default_rng(seed + 9)
        crops: list[NDArray[np.float16]] = []
        answers: list[NDArray[np.float32]] = []
        while True:
            field = large.compose() if rng.random() < 0.12 else next(usual)
            gain = _draw_gain(rng)
            for crop, answer in zip(*sample_crops(rng, field, finder, self.crop_side), strict=True):
                if answer[1] or answer[6]:
                    crops.append((crop * gain).astype(np.float16))
                    answers.append(answer)
            if len(crops) < 12 * self.batch_size:
                continue
            # Half of what was collected, so that the crops of one field are not one batch.
            order = rng.permutation(len(crops))
            for start in range(0, 6 * self.batch_size, self.batch_size):
                chosen = order[start : start + self.batch_size]
                batch = np.stack([crops[i] for i in chosen]), np.stack([answers[i] for i in chosen])
                yield batch
                # Composing takes longer than learning: every crop is shown in three orientations.
                for orientation in rng.permutation(len(ORIENTATIONS))[:2]:
                    yield ORIENTATIONS[orientation].apply(*batch)
            rest = order[6 * self.batch_size :]
            crops, answers = [crops[i] for i in rest], [answers[i] for i in rest]


def get_field_geometry(crop_side: int) -> tuple[int, tuple[float, float], tuple[float, float]]:
    """Return the side of the fields that the verifier's crops come from, and diameters of usual and large cells."""
    if crop_side > 64:
        return 320, (24.0, 240.0), (150.0, 480.0)
    return 256, (22.0, 190.0), (150.0, 420.0)


def load_candidate_finder(detector: Path) -> CandidateFinder:
    """Return a finder of all candidates that the verifier should learn from."""
    thresholds = Thresholds(**{**vars(DEFAULT_THRESHOLDS), "candidate_heat": VERIFIER_CANDIDATE_HEAT})
    return CandidateFinder(detector.read_bytes(), thresholds, threads=1)


@contextlib.contextmanager
def run_in_processes(source: BatchSource, seeds: list[int]) -> Iterator[Iterator[Batch]]:
    """Yield an iterator of batches that processes of their own make; without seeds, this process makes them.

    Args:
        source: Makes the batches.
        seeds: Seed of each process.
    """
    if not seeds:
        yield source.iterate(0)
        return
    context = multiprocessing.get_context("spawn")
    batches: Any = context.Queue(QUEUED_BATCHES)
    workers = [context.Process(target=_fill_queue, args=(batches, source, seed), daemon=True) for seed in seeds]
    for worker in workers:
        worker.start()
    try:
        yield _read_queue(batches, workers)
    finally:
        for worker in workers:
            worker.terminate()
        for worker in workers:
            worker.join()
        batches.cancel_join_thread()
        batches.close()


def _fill_queue(batches: Any, source: BatchSource, seed: int) -> None:
    """Put batches into a queue without end; Ctrl-C is for the process that trains."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    lower_priority()
    for batch in source.iterate(seed):
        batches.put(batch)


def _read_queue(batches: Any, workers: list[Any]) -> Iterator[Batch]:
    while True:
        try:
            yield batches.get(timeout=POLL_SECONDS)
        except queue.Empty:
            if not all(worker.is_alive() for worker in workers):
                raise TrainingError(
                    "A process that composes fields has ended.",
                    code=ErrorCode.INTERNAL,
                    hint="Its error is above. If there is none, memory may have run out: use fewer with --composers.",
                ) from None


def _compose(
    library: Library, seed: int, side: int, diameters: tuple[float, float] | None = None
) -> Iterator[ComposedField]:
    """Yield fields of mixed severity."""
    options = {"side": side} if diameters is None else {"side": side, "diameters": diameters}
    extreme = Composer(library, seed, **options)
    mild = Composer(library, seed + 250, severity=MILD_SEVERITY, **options)
    rng = np.random.default_rng(seed + 2000)
    while True:
        composer = mild if rng.random() < MILD_SHARE else extreme
        yield _compose_cluster(rng, composer) if rng.random() < CLUSTER_SHARE else composer.compose()


def _compose_cluster(rng: Generator, composer: Composer) -> ComposedField:
    """Compose a field with touching cells: mostly pairs, overlapping by anything up to the maximum."""
    count = int(rng.choice(list(CLUSTER_SIZE_SHARES), p=list(CLUSTER_SIZE_SHARES.values())))
    overlap = float(rng.uniform(0, MAX_CLUSTER_OVERLAP))
    return composer.compose_touching(count, overlap, exact_only=False, max_shift=MAX_CLUSTER_SHIFT)


def _draw_gain(rng: Generator) -> NDArray[np.float32]:
    """Return small changes of the estimated background, ``float32[3]``."""
    return np.exp(rng.normal(0, 0.04) + rng.normal(0, 0.02, 3)).astype(np.float32)
