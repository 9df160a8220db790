"""From a description of a training to the arrays that it learns from."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from wbcseg.classes import Labels
from wbcseg.datasets.dataset import DataSet
from wbcseg.datasets.sample import Sample
from wbcseg.errors import DatasetError
from wbcseg.preparation import published
from wbcseg.preparation.augmentation import augment, augmentation
from wbcseg.preparation.canvas import image_on_canvas, labels_on_canvas
from wbcseg.preparation.published import NO_QUIRKS, PUBLISHED, PublishedSet, one_hot
from wbcseg.preparation.splits import Split, leak_free_folds, published_split
from wbcseg.training.config import TrainingConfig

Batch = tuple[NDArray[np.float32], NDArray[np.float32]]


@dataclass(frozen=True, eq=False)
class Side:
    """One side of a split, on the canvas.

    Attributes:
        ids: Ids in order.
        images: ``uint8[N, S, S, 3]``.
        labels: ``uint8[N, S, S]`` of class ids.
        blank: ``bool[N, S, S]``, true where the target is three zeros.
    """

    ids: tuple[str, ...]
    images: NDArray[np.uint8]
    labels: Labels
    blank: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.ids)

    def batches(self, size: int) -> Iterator[Batch]:
        """Yield all pictures in order, as they are: ``float32[n, S, S, 3]`` twice, picture and target."""
        for start in range(0, len(self), size):
            part = slice(start, start + size)
            yield self.images[part].astype(np.float32) / 255.0, one_hot(self.labels[part], self.blank[part])


@dataclass(frozen=True, eq=False)
class TrainingData:
    """What a training learns from and is tested on.

    Attributes:
        train: The training side.
        test: The held-out side.
        split: The split, checked.
    """

    train: Side
    test: Side
    split: Split


def load_data(config: TrainingConfig, dataset: DataSet) -> TrainingData:
    """Prepare and split a data set as a training's settings say.

    Args:
        config: The settings.
        dataset: The data set that they name.

    Raises:
        DatasetError: If the data set has too few pictures with masks.
        SplitError: If it cannot be split so.
    """
    usable = [sample for sample in dataset if sample.mask is not None]
    if len(usable) < 4:
        raise DatasetError(
            f"A training needs at least 4 pictures with an expert mask; data set {dataset.name} has {len(usable)}."
        )
    if config.split == "published":
        prepared = published.prepare(usable, PUBLISHED if config.quirks else NO_QUIRKS, twins=config.twins)
        split = published_split(prepared, dataset.name, usable)
        split.check()
        sides = [_part(prepared, part) for part in (prepared.train, prepared.test)]
    else:
        folds = leak_free_folds(dataset.name, usable, folds=config.folds, seed=config.split_seed)
        split = folds[config.fold]
        if config.left_out:
            split = split.without(round(config.left_out * len(usable)))
        if config.split == "leaking":
            split = split.leaking()
        elif config.twins:
            split = split.with_copies()
        split.check()
        by_id = {sample.id: sample for sample in (published.with_twins(usable) if config.twins else usable)}
        sides = [_on_canvas([by_id[i] for i in ids], config.canvas) for ids in (split.train, split.test)]
    return TrainingData(train=sides[0], test=sides[1], split=split)


def training_batches(side: Side, config: TrainingConfig, epoch: int) -> Iterator[Batch]:
    """Yield an epoch's batches: every picture once, shuffled and varied.

    The same settings and epoch give the same batches, so a resumed training sees what an uninterrupted one would.

    Args:
        side: The training side.
        config: The settings.
        epoch: Number of the epoch, from 0.
    """
    rng = np.random.default_rng([config.seed, epoch])
    order = rng.permutation(len(side))
    how = augmentation(config.augmentation)
    for start in range(0, len(order), config.batch_size):
        part = order[start : start + config.batch_size]
        images, labels = augment(side.images[part], side.labels[part], how, rng)
        yield images, one_hot(labels, side.blank[part])


def steps_per_epoch(pictures: int, batch_size: int) -> int:
    """Return how many batches an epoch has."""
    return -(-pictures // batch_size)


def _part(prepared: PublishedSet, part: range) -> Side:
    cut = slice(part.start, part.stop)
    return Side(prepared.ids_of(part), prepared.images[cut], prepared.labels[cut], prepared.blank[cut])


def _on_canvas(samples: Sequence[Sample], side: int) -> Side:
    labels = np.stack([labels_on_canvas(s.mask, side) for s in samples if s.mask is not None])
    return Side(
        ids=tuple(s.id for s in samples),
        images=np.stack([image_on_canvas(s.image, side)[0] for s in samples]),
        labels=labels,
        blank=np.zeros(labels.shape, dtype=bool),
    )
