"""A run of one's own, scored image by image on its held-out images, so that it can be compared like any result."""

from __future__ import annotations

from typing import Final

from wbcseg.datasets import Dataset
from wbcseg.errors import RunError
from wbcseg.evaluation.cross_validation import score_heldout, summarise_training
from wbcseg.evaluation.entries.extras import PixelCounter, average_curves
from wbcseg.evaluation.model_card import describe_config
from wbcseg.evaluation.result_store import decode_tables, write_result
from wbcseg.evaluation.study_result import CrossValidationResult
from wbcseg.inference import Segmenter
from wbcseg.training import Run

HELDOUT_FILE: Final = "heldout.json"
"""File of a run's folder with the scores of its held-out images."""

OWN_STUDY: Final = "own-run"
"""Name of the study that results of single runs have."""


def score_run(run: Run, segmenter: Segmenter, dataset: Dataset) -> CrossValidationResult:
    """Score a finished run on each of its held-out images and store the result in its folder.

    Args:
        run: The run.
        segmenter: Its model.
        dataset: Its data set.

    Raises:
        WbcsegError: If the data set has none of the held-out images, or one of them has changed.
        OSError: If the folder cannot be written.
    """
    counter = PixelCounter()
    images = score_heldout(segmenter, dataset, 0, counter=counter)
    config = run.load_config()
    result = CrossValidationResult(
        study=OWN_STUDY,
        architecture=config.architecture,
        title=run.name,
        parameters=segmenter.card.parameters,
        config=describe_config(config),
        environment=run.load_environment(),
        manifest_digest=segmenter.card.split["manifest_digest"],
        trainings=(summarise_training(run, segmenter, len(images)),),
        images=tuple(images),
        pixels=counter.summarise(),
        crop_cpu_ms=counter.crop_cpu_ms,
        curve=average_curves([run]),
    )
    write_result(run.folder / HELDOUT_FILE, result.to_dict())
    return result


def load_run_result(run: Run) -> CrossValidationResult:
    """Return the scores of a run's held-out images.

    Raises:
        RunError: If it has none, or they cannot be read.
    """
    values = run.read(HELDOUT_FILE)
    try:
        result = CrossValidationResult.from_dict(decode_tables(values))
        if not result.images or any(not isinstance(image.single["dice"], dict) for image in result.images):
            raise ValueError("it has no scores")
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise RunError(f"File {HELDOUT_FILE} of run {run.name} is damaged: {error}", file=HELDOUT_FILE) from None
    return result
