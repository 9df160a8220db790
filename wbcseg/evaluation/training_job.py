"""What the process of a training does, from its place in line to the finished model."""

from __future__ import annotations

import sys
from collections.abc import Callable

from wbcseg.datasets import Dataset, check_dataset, open_dataset, open_zip
from wbcseg.datasets.base import anonymise
from wbcseg.errors import RunError, TrainingError, WbcsegError
from wbcseg.training import Run, TrainingConfig
from wbcseg.training.jobs.manager import UPLOADED_DATASET
from wbcseg.training.jobs.queue import training_slot
from wbcseg.training.jobs.stop_signal import mark_stopped, print_to_stderr
from wbcseg.training.runs.progress import Progress, write_progress
from wbcseg.training.tf_env import import_tensorflow

ProgressCallback = Callable[[Progress], None]

OUT_OF_MEMORY_MESSAGE = (
    "The memory was not enough. Close other programs and go on, or start anew with a smaller width or batch size."
)


def run_job(
    run: Run,
    config: TrainingConfig,
    *,
    should_stop: Callable[[], bool],
    on_progress: ProgressCallback,
    on_fetch: Callable[[int, int, str], None] | None = None,
    threads: int | None = None,
) -> bool:
    """Wait for the run's turn, train it to its end, export its model and write its card.

    Args:
        run: The run.
        config: Its settings.
        should_stop: Asked after every batch, and while it waits.
        on_progress: Told where it is.
        on_fetch: Told of every fetched file: done, total, name.
        threads: Processor threads to compute with.

    Returns:
        Whether it came to its end.

    Raises:
        WbcsegError: If it cannot go on; the run is marked as failed, with the reason.
    """
    try:
        # Before the wait: by then whoever sent the pictures may be gone.
        upload = _read_upload(run) if config.dataset == UPLOADED_DATASET else None
        with training_slot(
            run, should_stop=should_stop, on_waiting=lambda: print("Waiting for another training.", flush=True)
        ) as has_slot:
            finished = has_slot and _train_and_export(run, config, upload, should_stop, on_progress, on_fetch, threads)
        if not finished:
            mark_stopped(run)
        return finished
    except WbcsegError as error:
        _mark_failed(run, str(error))
        raise
    except MemoryError:
        _mark_failed(run, OUT_OF_MEMORY_MESSAGE)
        raise TrainingError(OUT_OF_MEMORY_MESSAGE) from None
    except BrokenPipeError:
        # Whoever read what is printed has gone.
        mark_stopped(run)
        raise
    except OSError as error:
        reason = (
            f"Run folder {run.folder} cannot be written: {error.strerror or error}. The last checkpoint is valid. Make "
            "room on the disk and go on."
        )
        _mark_failed(run, reason)
        raise RunError(reason) from None
    except Exception as error:
        _mark_failed(run, f"The program has a fault ({type(error).__name__}: {error}); log.txt may say more.")
        raise


def _train_and_export(
    run: Run,
    config: TrainingConfig,
    upload: bytes | None,
    should_stop: Callable[[], bool],
    on_progress: ProgressCallback,
    on_fetch: Callable[[int, int, str], None] | None,
    threads: int | None,
) -> bool:
    epochs_done = len(run.load_metrics())
    run.set_state("running", epoch=epochs_done, epochs=config.epochs)
    write_progress(run, Progress("preparing", epochs_done, config.epochs))
    dataset = _load_dataset(config, upload, on_fetch)
    check_dataset(dataset)
    import_tensorflow(threads)
    from wbcseg.evaluation import write_model_card
    from wbcseg.training import loop
    from wbcseg.training.data import load_data
    from wbcseg.training.export import export_model

    data = load_data(config, dataset)
    print(f"{len(data.train)} pictures to train, {len(data.test)} held out ({config.split})", flush=True)
    if should_stop() or not loop.train(run, data, on_progress=on_progress, should_stop=should_stop):
        return False
    write_progress(run, Progress("finishing", config.epochs, config.epochs))
    card = write_model_card(run, dataset, export_model(run, data.train))
    run.set_state("finished", epoch=config.epochs, epochs=config.epochs)
    regions = card.test_metrics["regions"]
    dice = ", ".join(f"{name} {regions[name]['dice']}" for name in ("nucleus", "cytoplasm", "cell"))
    leakage_note = " (leaky split: most have a flipped copy in training)" if card.is_leaky else ""
    print(f"Finished: Dice on {card.test_metrics['images']} held-out pictures{leakage_note}: {dice}", flush=True)
    return True


def _read_upload(run: Run) -> bytes:
    if sys.stdin is None or sys.stdin.isatty():
        raise RunError(f"Run {run.name} learns from pictures of your own. Give them as a zip on standard input.")
    return sys.stdin.buffer.read()


def _load_dataset(
    config: TrainingConfig, upload: bytes | None, on_fetch: Callable[[int, int, str], None] | None
) -> Dataset:
    if upload is None:
        return open_dataset(config.dataset, download=True, progress=on_fetch)
    return anonymise(open_zip(upload, f"{UPLOADED_DATASET}.zip"))


def _mark_failed(run: Run, reason: str) -> None:
    try:
        run.set_state("failed", **run.load_epoch_counts(), reason=reason)
    except WbcsegError as error:
        print_to_stderr(f"The failure could not be written down: {error}")
