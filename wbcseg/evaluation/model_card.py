"""The card of a newly trained model."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from wbcseg import __version__
from wbcseg.datasets.base import Dataset
from wbcseg.evaluation.heldout import evaluate_heldout, summarise_scores
from wbcseg.inference import Segmenter
from wbcseg.labels import CLASS_NAMES
from wbcseg.models import get_spec
from wbcseg.models.card import DEFAULT_CELL_FRACTION, MODEL_FILE, NOTICE, WEIGHTS_FILE, ModelCard
from wbcseg.models.card_records import TrainingRecord
from wbcseg.models.file_record import FileRecord
from wbcseg.training import TrainingConfig
from wbcseg.training.runs.folder import Run
from wbcseg.transforms.config import get_augmentation


def write_model_card(run: Run, dataset: Dataset, n_parameters: int, *, notes: tuple[str, ...] = ()) -> ModelCard:
    """Score a run's exported model on its held-out images and write its card.

    Args:
        run: A run with an exported model.
        dataset: The data set it was trained on.
        n_parameters: Number of parameters of the network.
        notes: What users should know about the model.

    Returns:
        The card, which is now in the run's folder: from here on, the run is a model.

    Raises:
        WbcsegError: If the model or the data cannot be used.
    """
    config = run.load_config()
    rows = run.load_metrics()
    variant = (
        "general (multi-site)"
        if get_augmentation(config.augmentation).cell_fraction
        else f"{config.base_filters} base filters"
    )
    draft = ModelCard(
        title=f"{get_spec(config.architecture).title}, {variant}",
        architecture=config.architecture,
        base_filters=config.base_filters,
        parameters=n_parameters,
        input_size=config.input_size,
        classes=CLASS_NAMES,
        config=describe_config(config),
        split=run.load_split().to_dict(),
        test_metrics=summarise_scores([]),
        training=TrainingRecord(
            epochs=len(rows),
            seconds=round(sum(row["seconds"] for row in rows), 1),
            environment=run.load_environment(),
        ),
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        files={
            "model": FileRecord.from_path(run.folder / MODEL_FILE),
            "weights": FileRecord.from_path(run.folder / WEIGHTS_FILE),
        },
        acknowledgement=dataset.acknowledgement,
        notice=NOTICE,
        wbcseg_version=__version__,
        notes=notes,
        cell_fraction=config.cell_fraction if config.two_stage else DEFAULT_CELL_FRACTION,
    )
    heldout = summarise_scores(evaluate_heldout(Segmenter(run.folder, draft), dataset))
    card = dataclasses.replace(draft, test_metrics=heldout)
    card.write(run.folder)
    return card


def describe_config(config: TrainingConfig) -> dict[str, Any]:
    """Return the settings of a run without the path of a user's own folder, which is private."""
    return config.to_dict() | {name: Path(getattr(config, name)).name for name in ("dataset", "extra_dataset")}
