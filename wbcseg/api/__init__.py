"""The Python API: segment images, list and load models, evaluate and train.

Everything here is also available as ``wbcseg.NAME``, which imports this package when it is first used.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from wbcseg.api.inputs import ArrayInput, ImageSource, build_input
from wbcseg.api.result import Cell, Quality, Result
from wbcseg.datasets.uploads import InputImage
from wbcseg.errors import ErrorCode, WbcsegError
from wbcseg.inference import Catalog, ModelEntry, Segmenter
from wbcseg.pipeline import LastImageCache, PipelineConfig, analyze, analyze_pixels, collect_inputs
from wbcseg.quality import load_quality_model

if TYPE_CHECKING:
    from wbcseg.training import Run

__all__ = [
    "Cell",
    "ImageSource",
    "Quality",
    "Result",
    "evaluate",
    "list_models",
    "load_model",
    "segment",
    "segment_input",
    "segment_many",
    "train",
]

DEFAULT_MODEL: Final = "unet-general"
"""The model for images of unknown origin."""


def segment(
    image: ImageSource,
    model: str | Segmenter = DEFAULT_MODEL,
    *,
    tta: bool = False,
    mask: ImageSource | None = None,
    page: int = 0,
) -> Result:
    """Segment the white blood cells in an image.

    An image of at most 480×480 pixels counts as a crop of one cell, a larger one as a field of view.

    Args:
        image: Path, content of a file (PNG, JPEG, BMP or TIFF), or pixels: ``uint8[H, W, 3]`` RGB or ``uint8[H, W]``.
        model: Name of a model (see :func:`list_models`), or a loaded one.
        tta: Whether to use test-time averaging: slightly more accurate, 8 times slower.
        mask: Expert mask to compare with: a file, or class ids ``uint8[H, W]``.
        page: Page of a TIFF file with several, from 0.

    Returns:
        The result.

    Raises:
        ImageError: If the image cannot be read.
        MaskError: If the mask cannot be read.
        ModelError: If there is no such model.

    Example:
        >>> import wbcseg
        >>> from wbcseg.datasets import open_dataset
        >>> image = open_dataset("synthetic").read("synthetic/001").image
        >>> result = wbcseg.segment(image)
        >>> result.labels.shape == image.shape[:2]
        True
        >>> [cell] = result.cells
        >>> cell.quality.status in ("ok", "review", "out_of_range")
        True
        >>> 0 < cell.features["nucleus_to_cell"] < 1
        True
    """
    segmenter = load_model(model) if isinstance(model, str) else model
    return segment_input(build_input(image, mask), segmenter, tta=tta, page=page)


def segment_many(
    images: str | os.PathLike[str] | Iterable[ImageSource],
    model: str | Segmenter = DEFAULT_MODEL,
    *,
    tta: bool = False,
    page: int = 0,
    on_error: Callable[[str, WbcsegError], None] | None = None,
) -> Iterator[Result]:
    """Segment many images, one after the other.

    Args:
        images: A folder (with sub-folders) or zip, whose masks are paired with images by name; or images, as in
            :func:`segment`. One image at a time is in memory.
        model: Name of a model, or a loaded one.
        tta: Whether to use test-time averaging.
        page: Page of TIFF files with several, from 0.
        on_error: Called with the name of an image that failed and the error; without it, the error is raised.

    Yields:
        A result for each image that could be segmented.

    Example:
        >>> import numpy as np
        >>> import wbcseg
        >>> blank = np.full((60, 60, 3), 230, np.uint8)
        >>> failed = []
        >>> results = wbcseg.segment_many(
        ...     [blank, b"not an image"], on_error=lambda name, error: failed.append((name, str(error.code)))
        ... )
        >>> [len(result.cells) for result in results], failed
        ([0], [('image 2', 'unsupported_format')])
    """
    segmenter = load_model(model) if isinstance(model, str) else model
    if isinstance(images, str | os.PathLike):
        inputs: Iterable[InputImage] = collect_inputs([Path(images)])
    else:
        inputs = (build_input(image, None, f"image {number}") for number, image in enumerate(images, start=1))
    for input_image in inputs:
        try:
            yield segment_input(input_image, segmenter, tta=tta, page=page)
        except WbcsegError as error:
            if on_error is None:
                raise
            on_error(input_image.name, error)


def segment_input(
    input_image: InputImage,
    segmenter: Segmenter,
    *,
    tta: bool = False,
    page: int = 0,
    cache: LastImageCache | None = None,
) -> Result:
    """Segment an input image of the pipeline, as the command ``segment`` does.

    Args:
        input_image: The image and its mask.
        segmenter: The model.
        tta: Whether to use test-time averaging.
        page: Page of a TIFF file with several, from 0.
        cache: Keeps the last image read.

    Raises:
        WbcsegError: If it cannot be read or segmented.
    """
    config = PipelineConfig(
        segmenter,
        load_quality_model(segmenter.card),
        tta=tta,
        page=page,
        training_digests=segmenter.card.training_digests,
    )
    cache = cache or LastImageCache()
    if isinstance(input_image, ArrayInput):
        return Result(analyze_pixels(input_image, input_image.pixels, input_image.mask_labels, config, cache))
    return Result(analyze(input_image, config, cache))


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


def evaluate(model: str | Segmenter = DEFAULT_MODEL, dataset: str | None = None) -> dict[str, Any]:
    """Score a model on its held-out images. Downloads the data set if needed.

    Args:
        model: Name of a model, or a loaded one.
        dataset: Name of a data set that has held-out images of the model; by default the one that it was trained on.

    Returns:
        ``images``, ``accuracy`` and ``regions``: for ``background``, ``cytoplasm``, ``nucleus`` and ``cell`` a mapping
        with ``dice``, ``dice_se``, ``jaccard``, ``jaccard_se`` and ``n``.

    Raises:
        DatasetError: If the data set has none of the held-out images, or they have changed.

    Example:
        >>> import wbcseg
        >>> scores = wbcseg.evaluate("unet-general", "synthetic")  # doctest: +SKIP
        >>> scores["regions"]["nucleus"]["dice"] > 0.9  # doctest: +SKIP
        True
    """
    from wbcseg.datasets import open_dataset
    from wbcseg.evaluation import evaluate_heldout, summarise_scores

    segmenter = load_model(model) if isinstance(model, str) else model
    return summarise_scores(evaluate_heldout(segmenter, open_dataset(dataset or segmenter.card.dataset, download=True)))


def train(*, preset: str = "compact", name: str | None = None, **settings: Any) -> Run:
    """Train a network and wait until it is exported as a model. Needs the extra ``train`` (TensorFlow).

    The training is a run like those of the command ``wbcseg train`` and of the web app, and is listed there. When it
    has finished, ``load_model(run.name)`` loads the model. Ctrl-C stops the run; ``wbcseg train --resume`` continues
    it.

    Args:
        preset: Settings to start from, a name in :data:`wbcseg.training.PRESETS`.
        name: Name of the run; by default network, base filters, data set and a number.
        **settings: Settings that differ from the preset, such as ``architecture``, ``dataset``, ``epochs``; see
            :class:`wbcseg.training.TrainingConfig`.

    Returns:
        The finished run.

    Raises:
        ConfigError: If a setting is unknown or out of range.
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
    from wbcseg.training.jobs.stop_signal import stop_signal
    from wbcseg.training.runs.folder import suggest_run_name

    config = PRESETS[preset].replace(**settings)
    run = Run(get_runs_folder() / (name or suggest_run_name(config, get_runs_folder())))
    run.create(config)
    with stop_signal(run) as should_stop:
        finished = run_job(run, config, should_stop=should_stop, on_progress=lambda _: None)
    if not finished:
        raise TrainingError(
            f"Run {run.name} was stopped.",
            code=ErrorCode.CANCELLED,
            hint=f"To continue it: wbcseg train --resume {run.name}",
        )
    return run
