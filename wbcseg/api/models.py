"""List, load, evaluate and train models."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from wbcseg.errors import ErrorCode
from wbcseg.inference import Catalog, ModelEntry, Segmenter
from wbcseg.models.card_records import HeldoutMetrics

if TYPE_CHECKING:
    from wbcseg.training import Run
    from wbcseg.training.runs.progress import Progress

DEFAULT_MODEL: Final = "unet-general"
"""The model for images of unknown origin."""


def list_models() -> tuple[ModelEntry, ...]:
    """Return the models that can be used: the shipped ones first, then those trained on this computer.

    Example:
        >>> import wbcseg
        >>> "unet-general" in [entry.name for entry in wbcseg.list_models()]
        True
    """
    return Catalog().usable


def load_model(name: str = DEFAULT_MODEL) -> Segmenter:
    """Load a model, to use it for many images.

    Args:
        name: Name of a model; see :func:`list_models`.

    Raises:
        ModelError: If there is no such model, or it cannot be used.

    Example:
        >>> import wbcseg
        >>> model = wbcseg.load_model("unet-general")
        >>> model.card.architecture
        'unet'
    """
    return Catalog().load(name)


def evaluate(model: str | Segmenter = DEFAULT_MODEL, dataset: str | None = None) -> HeldoutMetrics:
    """Score a model on its held-out images. Downloads the data set if needed.

    Args:
        model: Name of a model, or a loaded one.
        dataset: Name of a data set that has held-out images of the model; by default the one that it was trained on.

    Returns:
        Number of images, accuracy, and scores by region: ``background``, ``cytoplasm``, ``nucleus`` and ``cell``.

    Raises:
        DatasetError: If the data set has none of the held-out images, or they have changed.

    Example:
        >>> import wbcseg
        >>> scores = wbcseg.evaluate("unet-general", "synthetic")  # doctest: +SKIP
        >>> scores.regions["nucleus"].dice > 0.9  # doctest: +SKIP
        True
    """
    from wbcseg.evaluation import evaluate_heldout, open_training_dataset, summarise_scores

    segmenter = load_model(model) if isinstance(model, str) else model
    return summarise_scores(evaluate_heldout(segmenter, open_training_dataset(segmenter.card, dataset or "")))


def train(
    *,
    preset: str = "compact",
    name: str | None = None,
    on_progress: Callable[[Progress], None] = lambda _: None,
    force: bool = False,
    **settings: Any,
) -> Run:
    """Train a network and wait until it is exported as a model. Needs the extra ``train`` (TensorFlow).

    The training is a run like those of the command ``wbcseg train`` and of the web app, and is listed there. When it
    has finished, ``load_model(run.name)`` loads the model. Ctrl-C stops the run; ``wbcseg train --resume`` continues
    it.

    Args:
        preset: Settings to start from, a name in :data:`wbcseg.training.PRESETS`.
        name: Name of the run; by default network, base filters, data set and a number.
        on_progress: Called after every batch and every epoch, with :class:`wbcseg.training.runs.progress.Progress`;
            its ``epoch_metrics`` are set at the end of an epoch.
        force: Whether to start although the memory may not be enough by the estimate.
        **settings: Settings that differ from the preset, such as ``architecture``, ``dataset``, ``epochs``; see
            :class:`wbcseg.training.TrainingConfig`.

    Returns:
        The finished run.

    Raises:
        ConfigError: If a setting is unknown or out of range.
        RunError: If the name is not allowed or taken, or the disk is nearly full.
        NotEnoughMemoryError: If the memory is not enough.
        TrainingError: If the training fails or is stopped.

    Example:
        >>> import wbcseg
        >>> run = wbcseg.train(architecture="segnet", dataset="zheng-1", epochs=40)  # doctest: +SKIP
        >>> wbcseg.segment("cell.png", run.name)  # doctest: +SKIP
    """
    from wbcseg.errors import TrainingError
    from wbcseg.evaluation.training_job import run_job
    from wbcseg.paths import get_runs_folder
    from wbcseg.training import PRESETS, Run
    from wbcseg.training.jobs.checks import check_start
    from wbcseg.training.jobs.stop_signal import stop_signal
    from wbcseg.training.runs.names import suggest_run_name

    config = PRESETS[preset].replace(**settings)
    check_start(config, get_runs_folder(), name=name, force=force)
    run = Run(get_runs_folder() / (name or suggest_run_name(config, get_runs_folder())))
    run.create(config)
    with stop_signal(run) as should_stop:
        finished = run_job(run, config, should_stop=should_stop, on_progress=on_progress)
    if not finished:
        raise TrainingError(
            f"Run {run.name} was stopped.",
            code=ErrorCode.CANCELLED,
            hint=f"To continue it: wbcseg train --resume {run.name}",
        )
    return run
