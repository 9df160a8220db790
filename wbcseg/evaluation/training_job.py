"""The whole job of a training process: wait in the queue, train, export and evaluate the model."""

from __future__ import annotations

import sys
from collections.abc import Callable

from wbcseg.datasets import Dataset, check_dataset, open_dataset, open_zip
from wbcseg.datasets.base import anonymise
from wbcseg.datasets.validation import list_mask_warnings
from wbcseg.errors import ErrorCode, ModelError, RunError, TrainingError, WbcsegError
from wbcseg.evaluation.entries.own_runs import score_run
from wbcseg.evaluation.fine_tuning import compare_with_start
from wbcseg.inference import Catalog, Segmenter
from wbcseg.io.mask_meaning import as_correction
from wbcseg.metrics import FOREGROUND_REGIONS
from wbcseg.models.card import WEIGHTS_FILE
from wbcseg.models.weights import Weights, read_weights
from wbcseg.training import Run, TrainingConfig
from wbcseg.training.checkpoint import drop_checkpoints
from wbcseg.training.config import UPLOADED_DATASET
from wbcseg.training.jobs.queue import training_slot
from wbcseg.training.jobs.stop_signal import TimeLimit, mark_stopped, print_to_stderr
from wbcseg.training.runs.progress import Progress, write_progress
from wbcseg.training.runs.scores import describe_early_stop
from wbcseg.training.tf_env import import_tensorflow

ProgressCallback = Callable[[Progress], None]
MessageCallback = Callable[[str], None]
FetchCallback = Callable[[int, int, str], None]

OUT_OF_MEMORY_MESSAGE = (
    "There was not enough memory. Close other programs and resume, or start again with fewer base filters or a smaller "
    "batch size."
)


def run_job(
    run: Run,
    config: TrainingConfig,
    *,
    should_stop: Callable[[], bool],
    on_progress: ProgressCallback,
    on_message: MessageCallback = lambda _: None,
    on_fetch: FetchCallback | None = None,
    threads: int | None = None,
) -> bool:
    """Wait in the queue, train to the end, export the model and write its card.

    Args:
        run: The run.
        config: Its settings.
        should_stop: Asked after every batch, and while waiting.
        on_progress: Called with the progress after every batch and every epoch.
        on_message: Called with sentences about what happens, for a log or a terminal.
        on_fetch: Called for every downloaded file: number done, total, name.
        threads: Number of processor threads to use.

    Returns:
        Whether the training finished; ``False`` if it was stopped.

    Raises:
        WbcsegError: If it cannot continue; the run is marked as failed, with the reason.
    """
    try:
        # Before waiting: by then, the process that sends the images may be gone.
        upload = _read_upload(run) if config.dataset == UPLOADED_DATASET else None
        with training_slot(
            run, should_stop=should_stop, on_waiting=lambda: on_message("Queued: another training is running.")
        ) as has_slot:
            time_limit = TimeLimit(run, should_stop)
            finished = has_slot and _train_and_export(
                run, config, upload, time_limit.should_stop, on_progress, on_message, on_fetch, threads
            )
        if not finished:
            mark_stopped(run, time_limit.reason)
        return finished
    except WbcsegError as error:
        _mark_failed(run, str(error))
        raise
    except MemoryError:
        _mark_failed(run, OUT_OF_MEMORY_MESSAGE)
        raise TrainingError(OUT_OF_MEMORY_MESSAGE) from None
    except BrokenPipeError:
        # The reader of standard output is gone.
        mark_stopped(run)
        raise
    except OSError as error:
        reason = (
            f"Run folder {run.folder} cannot be written: {error.strerror or error}. The last checkpoint is valid. Free "
            "disk space and resume."
        )
        _mark_failed(run, reason)
        raise RunError(reason) from None
    except Exception as error:
        _mark_failed(run, f"Internal error ({type(error).__name__}: {error}); see log.txt.")
        raise


def _train_and_export(
    run: Run,
    config: TrainingConfig,
    upload: bytes | None,
    should_stop: Callable[[], bool],
    on_progress: ProgressCallback,
    on_message: MessageCallback,
    on_fetch: FetchCallback | None,
    threads: int | None,
) -> bool:
    epochs_done = len(run.load_metrics())
    run.set_state("running", epoch=epochs_done, epochs=config.epochs)
    write_progress(run, Progress("preparing", epochs_done, config.epochs))
    dataset = _load_dataset(config, upload, on_fetch)
    check_dataset(dataset, correction=as_correction(config.mask_correction))
    for warning in list_mask_warnings(dataset):
        on_message(warning)
    import_tensorflow(threads)
    from wbcseg.evaluation import write_model_card
    from wbcseg.training import loop
    from wbcseg.training.data import load_data
    from wbcseg.training.export import export_model

    extra = _load_extra(config, on_fetch)
    if extra is not None:
        check_dataset(extra)
    data = load_data(config, dataset, extra)
    on_message(f"{len(data.train)} images for training, {len(data.test)} for validation ({config.split} split)")
    start_weights = read_start_weights(config.start_from) if config.start_from and not run.load_metrics() else None
    if should_stop() or not loop.train(
        run, data, start_weights=start_weights, on_progress=on_progress, should_stop=should_stop
    ):
        return False
    write_progress(run, Progress("finishing", config.epochs, config.epochs))
    exported = export_model(run, data.train, data.test)
    if exported.note:
        on_message(exported.note)
    card = write_model_card(run, dataset, exported.parameters, notes=(exported.note,) if exported.note else ())
    try:
        score_run(run, Segmenter(run.folder, card), dataset)
    except WbcsegError as error:
        # The model is finished all the same.
        on_message(f"The held-out images could not be scored one by one: {error}")
    rows = run.load_metrics()
    early_stop = describe_early_stop(rows, config)
    run.set_state("finished", epoch=len(rows), epochs=config.epochs, reason=early_stop)
    if not config.keep_checkpoints:
        drop_checkpoints(run.folder)
    if early_stop:
        on_message(early_stop)
    metrics = card.test_metrics
    scores = {name: metrics.regions[name].dice for name in FOREGROUND_REGIONS}
    dice = ", ".join(f"{name} {'not defined' if value is None else f'{value:.3f}'}" for name, value in scores.items())
    leakage_note = " (leaky split: most have a flipped copy in training)" if card.is_leaky else ""
    on_message(f"Finished: Dice on {metrics.images} whole held-out images{leakage_note}: {dice}")
    if config.start_from:
        start, tuned = Catalog().load(config.start_from), Segmenter(run.folder, card)
        on_message(compare_with_start(run, dataset, start, tuned).summary)
    return True


def _read_upload(run: Run) -> bytes:
    if sys.stdin is None or sys.stdin.isatty():
        raise RunError(f"Run {run.name} uses uploaded images. Pass them as a zip on standard input.")
    return sys.stdin.buffer.read()


def _load_dataset(config: TrainingConfig, upload: bytes | None, on_fetch: FetchCallback | None) -> Dataset:
    correction = as_correction(config.mask_correction)
    if upload is None:
        return open_dataset(config.dataset, download=True, progress=on_fetch, correction=correction)
    return anonymise(open_zip(upload, f"{UPLOADED_DATASET}.zip", correction=correction))


def _load_extra(config: TrainingConfig, on_fetch: FetchCallback | None) -> Dataset | None:
    return open_dataset(config.extra_dataset, download=True, progress=on_fetch) if config.extra_dataset else None


def read_start_weights(name: str) -> Weights:
    """Return the trainable weights of a model.

    Args:
        name: Its name in the catalog.

    Raises:
        ModelError: If there is no such model, or it comes without trainable weights.
        WeightsError: If its weights cannot be read.
    """
    entry = Catalog().get(name)
    if not entry.has_weights:
        raise ModelError(
            f"Model {name!r} comes without trainable weights.",
            code=ErrorCode.NOT_FOUND,
            hint="Start from a model that was trained on this computer, or from unet-general.",
        )
    return read_weights(entry.folder / WEIGHTS_FILE)


def _mark_failed(run: Run, reason: str) -> None:
    try:
        run.set_state("failed", reason=reason)
    except WbcsegError as error:
        print_to_stderr(f"The failure could not be recorded: {error}")
