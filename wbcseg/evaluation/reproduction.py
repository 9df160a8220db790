"""The thesis' experiments once more: its networks, recipe and test pictures, scored as its notebooks scored them.

A result is a small JSON file: settings, machine, one row an epoch, and the scores of every test picture. Those that
came with the program are in the folder ``results/reproduction`` beside this module.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from wbcseg.architectures import ARCHITECTURES, describe
from wbcseg.cards import MODEL
from wbcseg.classes import CYTOPLASM, NUCLEUS
from wbcseg.datasets.dataset import DataSet
from wbcseg.errors import DatasetError
from wbcseg.metrics import accuracy_per_class, confusion_counts, dice, mean_and_standard_error
from wbcseg.prediction.runtime import Network
from wbcseg.preparation.published import NO_QUIRKS, PUBLISHED, PublishedSet, one_hot, original_id, prepare
from wbcseg.thesis import published_result
from wbcseg.training import PRESETS, Run, TrainingConfig

FOLDER: Final = Path(__file__).with_name("results") / "reproduction"
CLASSES: Final = (CYTOPLASM, NUCLEUS)
DIGITS: Final = 6

Predict = Callable[[NDArray[np.float32]], NDArray[np.float32]]


@dataclass(frozen=True)
class Experiment:
    """One of the thesis' trainings.

    Attributes:
        name: Short name, also of its result.
        config: Its settings.
        annex: Whether it is of the annex, which trains without flipped copies.
    """

    name: str
    config: TrainingConfig
    annex: bool = False

    @property
    def title(self) -> str:
        """What tables call it."""
        return f"{describe(self.config.architecture).title}, width {self.config.width}"


def _annex(architecture: str) -> Experiment:
    # At full width the annex takes as long as the tables: for the two slower networks a quarter of it must do.
    width = PRESETS["published"].width if architecture == "unet" else 16
    config = PRESETS["published"].replace(architecture=architecture, twins=False, width=width)
    return Experiment(f"{architecture}-without-copies", config, annex=True)


EXPERIMENTS: Final[dict[str, Experiment]] = {
    one.name: one
    for one in (
        *(Experiment(name, PRESETS["published"].replace(architecture=name)) for name in ARCHITECTURES),
        *(_annex(name) for name in ARCHITECTURES),
    )
}
"""Tables 1 to 3 first, then the annex."""


def score_pictures_as_published(predict: Predict, prepared: PublishedSet) -> list[dict[str, Any]]:
    """Score the test pictures the way the notebooks did: each class's probability rounded, against its one-hot target.

    Where rounding leaves a pixel without a class or the target has none (a quirk), it is nobody's.

    Args:
        predict: From ``float32[H, W, 3]`` in 0 to 1 to probabilities ``float32[H, W, 3]``.
        prepared: The published arrays.

    Returns:
        One row a test picture, in test order: ``id``, ``copy_in_training``, ``accuracy`` (of the three rounded numbers
        a pixel), and by class ``dice`` and ``class_accuracy`` (the published "Jaccard"); ``None`` where undefined.
    """
    trained = {original_id(one) for one in prepared.ids_of(prepared.train)}
    rows = []
    for index in prepared.test:
        target = one_hot(prepared.labels[index], prepared.blank[index]) > 0.5
        found = predict(prepared.images[index].astype(np.float32) / 255.0) > 0.5
        row: dict[str, Any] = {
            "id": prepared.ids[index],
            "copy_in_training": original_id(prepared.ids[index]) in trained,
            "accuracy": round(float((target == found).mean()), DIGITS),
            "dice": {},
            "class_accuracy": {},
        }
        for kind in CLASSES:
            pair = (target[:, :, kind.id].view(np.uint8), found[:, :, kind.id].view(np.uint8))
            counts = confusion_counts(*pair, classes=2)
            row["dice"][kind.name] = _number(dice(counts)[1])
            row["class_accuracy"][kind.name] = _number(accuracy_per_class(counts)[1])
        rows.append(row)
    return rows


def result_of(experiment: Experiment, run: Run, dataset: DataSet) -> dict[str, Any]:
    """Make the result of an experiment whose run is finished.

    Args:
        experiment: The experiment.
        run: Its run.
        dataset: The data set that it was trained on.

    Raises:
        WbcsegError: If the run has no model, or the data is not what it was.
    """
    config = run.config()
    samples = [sample for sample in dataset if sample.mask is not None]
    prepared = prepare(samples, PUBLISHED if config.quirks else NO_QUIRKS, twins=config.twins)
    if prepared.ids_of(prepared.test) != run.split().test:
        raise DatasetError(
            f"The test pictures of run {run.name} are not those of data set {dataset.name} as it is here."
        )
    history = run.metrics()
    network = Network((run.folder / MODEL).read_bytes(), name=run.name)
    return {
        "experiment": experiment.name,
        "config": config.to_dict(),
        "environment": run.read("environment.json"),
        "seconds": round(sum(row["seconds"] for row in history), 1),
        "history": [{name: round(value, DIGITS) for name, value in row.items()} for row in history],
        "pictures": score_pictures_as_published(network, prepared),
    }


def read_results(folder: Path = FOLDER) -> dict[str, dict[str, Any]]:
    """Return the results of a folder by experiment, in the order of :data:`EXPERIMENTS`."""
    paths = {name: folder / f"{name}.json" for name in EXPERIMENTS}
    return {name: json.loads(path.read_text(encoding="utf-8")) for name, path in paths.items() if path.exists()}


@dataclass(frozen=True)
class Line:
    """A line of a table: what was published beside what came out here.

    Attributes:
        experiment: The experiment.
        figure: What is measured.
        published: As printed, or ``None`` where the thesis has no such figure.
        last: Here, after the last epoch, as the thesis reports.
        best: Here, in the epoch with the best accuracy on the test pictures, or ``None`` where it is not known.
        error: Standard error of ``last`` over the test pictures (σ/√n, as in the thesis), or ``None``.
    """

    experiment: str
    figure: str
    published: float | None
    last: float
    best: float | None = None
    error: float | None = None


def lines(result: dict[str, Any]) -> list[Line]:
    """Return the lines of an experiment in the thesis' Tables 1 (accuracy), 2 (loss), 3 (scores) and its times.

    Of the annex the thesis prints accuracy and loss only.
    """
    experiment = EXPERIMENTS[result["experiment"]]
    history, pictures = result["history"], result["pictures"]
    last, best = history[-1], max(history, key=lambda row: row["val_binary_accuracy"])
    printed = _printed(experiment)
    table = [
        Line(experiment.name, title, printed.get(name), last[column], best[column])
        for title, name, column in (
            ("accuracy, training", "accuracy", "binary_accuracy"),
            ("accuracy, test", "val_accuracy", "val_binary_accuracy"),
            ("loss, training", "loss", "loss"),
            ("loss, test", "val_loss", "val_loss"),
        )
    ]
    for figure, title in (("class_accuracy", '"Jaccard" as published'), ("dice", "Dice")):
        for kind in CLASSES:
            mean, error, _ = mean_and_standard_error(_values(pictures, figure, kind.name), ddof=0)
            of_best = best.get(f"val_dice_{kind.name}") if figure == "dice" else None
            name = f"{figure}, {kind.name}"
            table.append(Line(experiment.name, f"{title}, {kind.name}", printed.get(name), mean, of_best, error))
    return [*table, Line(experiment.name, "seconds", printed.get("seconds"), result["seconds"])]


def _printed(experiment: Experiment) -> dict[str, float]:
    """Return what the thesis printed of an experiment, by figure."""
    thesis = published_result(experiment.config.architecture)
    if experiment.annex:
        return dict(thesis.annex)
    figures = {
        "accuracy": thesis.accuracy[-1],
        "val_accuracy": thesis.test_accuracy,
        "loss": thesis.loss[-1],
        "val_loss": thesis.test_loss,
        "seconds": thesis.seconds,
    }
    for kind in CLASSES:
        figures[f"class_accuracy, {kind.name}"] = float(np.mean(thesis.jaccard_as_published[kind.name]))
        figures[f"dice, {kind.name}"] = float(np.mean(thesis.dice[kind.name]))
    return figures


def _values(pictures: Sequence[dict[str, Any]], figure: str, kind: str) -> list[float]:
    return [float("nan") if row[figure][kind] is None else float(row[figure][kind]) for row in pictures]


def _number(value: float) -> float | None:
    return None if np.isnan(value) else round(float(value), DIGITS)
