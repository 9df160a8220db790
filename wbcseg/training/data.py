"""From a description of a training to the arrays that it learns from."""

from __future__ import annotations

from collections import Counter
from collections.abc import Generator, Hashable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from wbcseg.datasets.base import Dataset
from wbcseg.datasets.sample import Sample
from wbcseg.errors import DatasetError
from wbcseg.labels import Labels
from wbcseg.splitting import thesis
from wbcseg.splitting.splits import Split, build_leak_free_folds, build_thesis_split
from wbcseg.splitting.thesis import ALL_THESIS_BUGS, NO_THESIS_BUGS, ThesisDataset, encode_one_hot, get_original_id
from wbcseg.training.config import TrainingConfig
from wbcseg.transforms.config import get_augmentation
from wbcseg.transforms.padding import pad_labels_to_square, pad_to_square
from wbcseg.transforms.pipeline import augment

MIN_STRATUM_SIZE: Final = 10
"""A kind of fewer pictures is balanced as if it had so many: a single picture must not fill an epoch."""

Batch = tuple[NDArray[np.float32], NDArray[np.float32]]


@dataclass(frozen=True, eq=False)
class ArraySplit:
    """One side of a split, on the canvas.

    Attributes:
        ids: Ids in order.
        images: ``uint8[N, S, S, 3]``.
        labels: ``uint8[N, S, S]`` of class ids.
        unlabelled: ``bool[N, S, S]``, true where the target is three zeros.
        cell_types: Cell type of every picture, ``None`` where it is not known.
    """

    ids: tuple[str, ...]
    images: NDArray[np.uint8]
    labels: Labels
    unlabelled: NDArray[np.bool_]
    cell_types: tuple[str | None, ...]

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def strata(self) -> list[tuple[str, str | None]]:
        """Laboratory (the data set that a picture is of) and cell type of every picture."""
        return [(one.partition("/")[0], cell_type) for one, cell_type in zip(self.ids, self.cell_types, strict=True)]

    def iter_batches(self, size: int) -> Iterator[Batch]:
        """Yield all pictures in order, as they are: ``float32[n, S, S, 3]`` twice, picture and target."""
        for start in range(0, len(self), size):
            part = slice(start, start + size)
            yield self.images[part].astype(np.float32) / 255.0, encode_one_hot(self.labels[part], self.unlabelled[part])


@dataclass(frozen=True, eq=False)
class TrainingData:
    """What a training learns from and is tested on.

    Attributes:
        train: The training side.
        test: The held-out side.
        split: The split, checked.
    """

    train: ArraySplit
    test: ArraySplit
    split: Split


def load_data(config: TrainingConfig, dataset: Dataset) -> TrainingData:
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
        prepared = thesis.build_thesis_dataset(
            usable, ALL_THESIS_BUGS if config.thesis_bugs else NO_THESIS_BUGS, twins=config.flipped_copies
        )
        split = build_thesis_split(prepared, dataset.name, usable)
        split.check()
        types = {sample.id: sample.cell_type for sample in usable}
        sides = [_slice_thesis_data(prepared, part, types) for part in (prepared.train, prepared.test)]
    else:
        folds = build_leak_free_folds(dataset.name, usable, folds=config.folds, seed=config.split_seed)
        split = folds[config.fold]
        if config.unused_fraction:
            split = split.drop(round(config.unused_fraction * len(usable)))
        if config.split == "leaking":
            split = split.add_leaking_copies()
        elif config.flipped_copies:
            split = split.add_flipped_copies()
        split.check()
        by_id = {sample.id: sample for sample in (thesis.add_flipped_copies(usable) if config.flipped_copies else usable)}
        detail, framed = get_augmentation(config.augmentation).oversampling, config.two_stage
        sides = [
            _pad_samples([by_id[i] for i in ids], config.input_size * times, enlarge=framed)
            for ids, times in ((split.train, detail), (split.test, 1))
        ]
    return TrainingData(train=sides[0], test=sides[1], split=split)


def iter_training_batches(side: ArraySplit, config: TrainingConfig, epoch: int) -> Iterator[Batch]:
    """Yield an epoch's batches: every picture once (or by the balance of kinds), shuffled and varied.

    The same settings and epoch give the same batches, so a resumed training sees what an uninterrupted one would.

    Args:
        side: The training side.
        config: The settings.
        epoch: Number of the epoch, from 0.
    """
    rng = np.random.default_rng([config.seed, epoch])
    order = rng.permutation(select_balanced_indices(side.strata, config.class_balance, rng))
    how = get_augmentation(config.augmentation)
    if epoch >= config.epochs - config.clean_epochs:
        how = how.make_clean(config.cell_fraction)
    for start in range(0, len(order), config.batch_size):
        part = order[start : start + config.batch_size]
        images, labels = augment(side.images[part], side.labels[part], how, rng)
        blank = side.unlabelled[part]
        yield (
            images,
            encode_one_hot(labels, blank if blank.shape == labels.shape else np.zeros(labels.shape, dtype=bool)),
        )


def prefetch(batches: Iterator[Batch]) -> Generator[Batch]:
    """Yield the same batches; while one is being used, the next is made in another thread."""
    with ThreadPoolExecutor(1, thread_name_prefix="batches") as pool:
        coming = pool.submit(next, batches, None)
        while (batch := coming.result()) is not None:
            coming = pool.submit(next, batches, None)
            yield batch


def select_balanced_indices(kinds: Sequence[Hashable], balance: float, rng: np.random.Generator) -> NDArray[np.int64]:
    """Choose which pictures an epoch shows, rare kinds more often.

    Args:
        kinds: Kind of every picture, see :attr:`ArraySplit.kinds`.
        balance: 0 for every picture once, 1 for every kind equally often.
        rng: Chooses what does not come out even.

    Returns:
        Indices of as many pictures as there are, in no particular order.
    """
    if not balance:
        return np.arange(len(kinds))
    counts = Counter(kinds)
    weights = np.array([max(MIN_STRATUM_SIZE, counts[kind]) ** -balance for kind in kinds])
    # Evenly spaced marks on a line on which every picture has its weight's length: each is met as often as it should
    # be, rounded up or down.
    shuffled = rng.permutation(len(weights))
    ends = np.cumsum(weights[shuffled])
    marks = (np.arange(len(weights)) + rng.random()) * ends[-1] / len(weights)
    places = np.searchsorted(ends, marks, side="right").clip(max=len(weights) - 1)
    chosen: NDArray[np.int64] = shuffled[places]
    return chosen


def count_steps_per_epoch(pictures: int, batch_size: int) -> int:
    """Return how many batches an epoch has."""
    return -(-pictures // batch_size)


def _slice_thesis_data(prepared: ThesisDataset, part: range, types: Mapping[str, str | None]) -> ArraySplit:
    cut, ids = slice(part.start, part.stop), prepared.get_ids(part)
    kinds = tuple(types[get_original_id(one)] for one in ids)
    return ArraySplit(ids, prepared.images[cut], prepared.labels[cut], prepared.unlabelled[cut], kinds)


def _pad_samples(samples: Sequence[Sample], side: int, *, enlarge: bool) -> ArraySplit:
    labels = np.stack([pad_labels_to_square(s.mask, side, enlarge=enlarge) for s in samples if s.mask is not None])
    return ArraySplit(
        ids=tuple(s.id for s in samples),
        images=np.stack([pad_to_square(s.image, side, enlarge=enlarge)[0] for s in samples]),
        labels=labels,
        unlabelled=np.zeros(labels.shape, dtype=bool),
        cell_types=tuple(s.cell_type for s in samples),
    )
