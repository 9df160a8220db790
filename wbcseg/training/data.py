"""Prepare the arrays of a training: split, padding, batches, augmentation."""

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
from wbcseg.errors import DatasetError, LeakError
from wbcseg.labels import Labels
from wbcseg.splitting import thesis
from wbcseg.splitting.cell_groups import find_cell_groups, store_cell_groups
from wbcseg.splitting.splits import Split, build_leak_free_folds, build_thesis_split
from wbcseg.splitting.thesis import ALL_THESIS_BUGS, NO_THESIS_BUGS, ThesisDataset, encode_one_hot, get_original_id
from wbcseg.training.config import UPLOADED_DATASET, TrainingConfig
from wbcseg.transforms.config import get_augmentation
from wbcseg.transforms.padding import pad_labels_to_square, pad_to_square
from wbcseg.transforms.pipeline import augment

MIN_STRATUM_SIZE: Final = 10
"""A smaller stratum is balanced as if it had this many images, so that a single image does not fill an epoch."""

Batch = tuple[NDArray[np.float32], NDArray[np.float32]]


@dataclass(frozen=True, eq=False)
class ArraySplit:
    """One part of a split, padded to the input size.

    Attributes:
        ids: Ids of the images.
        images: ``uint8[N, S, S, 3]``.
        labels: ``uint8[N, S, S]`` of class ids.
        unlabelled: ``bool[N, S, S]``, true where the target is three zeros.
        cell_types: Cell type of every image; ``None`` if unknown.
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
        """Data set and cell type of every image."""
        return [
            (sample_id.partition("/")[0], cell_type)
            for sample_id, cell_type in zip(self.ids, self.cell_types, strict=True)
        ]

    def iter_batches(self, size: int) -> Iterator[Batch]:
        """Yield all images in order, not augmented: ``float32[n, S, S, 3]`` twice, images and targets."""
        for start in range(0, len(self), size):
            window = slice(start, start + size)
            yield (
                self.images[window].astype(np.float32) / 255.0,
                encode_one_hot(self.labels[window], self.unlabelled[window]),
            )


@dataclass(frozen=True, eq=False)
class TrainingData:
    """Training and validation data.

    Attributes:
        train: The training images.
        test: The validation images.
        split: The split, checked.
    """

    train: ArraySplit
    test: ArraySplit
    split: Split


def load_data(config: TrainingConfig, dataset: Dataset, extra: Dataset | None = None) -> TrainingData:
    """Prepare and split a data set according to the settings of a training.

    Args:
        config: The settings.
        dataset: The data set.
        extra: Further training images, which are not part of the split.

    Raises:
        DatasetError: If the data set has too few images with masks.
        SplitError: If it cannot be split.
        LeakError: If a test image is among the further training images.
    """
    usable = [sample for sample in dataset if sample.mask is not None]
    if len(usable) < 4:
        raise DatasetError(
            f"A training needs at least 4 images with an expert mask; data set {dataset.name} has {len(usable)}."
        )
    if config.split == "thesis":
        prepared = thesis.build_thesis_dataset(
            usable, ALL_THESIS_BUGS if config.thesis_bugs else NO_THESIS_BUGS, flipped_copies=config.flipped_copies
        )
        split = build_thesis_split(prepared, dataset.name, usable)
        split.check()
        cell_types = {sample.id: sample.cell_type for sample in usable}
        array_splits = [_slice_thesis_data(prepared, part, cell_types) for part in (prepared.train, prepared.test)]
    else:
        cells = find_cell_groups(usable)
        if config.dataset != UPLOADED_DATASET:
            store_cell_groups(dataset, cells)
        folds = build_leak_free_folds(dataset.name, usable, folds=config.folds, seed=config.split_seed, cells=cells)
        split = folds[config.fold]
        if config.unused_fraction:
            split = split.drop(round(config.unused_fraction * len(usable)))
        if config.split == "leaky":
            split = split.add_leaking_copies()
        elif config.flipped_copies:
            split = split.add_flipped_copies()
        split.check()
        by_id = {
            sample.id: sample for sample in (thesis.add_flipped_copies(usable) if config.flipped_copies else usable)
        }
        detail_scale, two_stage = get_augmentation(config.augmentation).oversampling, config.two_stage
        train, test = ([by_id[sample_id] for sample_id in ids] for ids in (split.train, split.test))
        if extra is not None:
            train += _select_extra(extra, test)
        array_splits = [
            _pad_samples(samples, config.input_size * scale, enlarge=two_stage)
            for samples, scale in ((train, detail_scale), (test, 1))
        ]
    return TrainingData(train=array_splits[0], test=array_splits[1], split=split)


def iter_training_batches(train_split: ArraySplit, config: TrainingConfig, epoch: int) -> Iterator[Batch]:
    """Yield the batches of an epoch: every image once (or balanced by stratum), shuffled and augmented.

    The same settings and epoch give the same batches, so a resumed training gets the same as an uninterrupted one.

    Args:
        train_split: The training images.
        config: The settings.
        epoch: Number of the epoch, from 0.
    """
    rng = np.random.default_rng([config.seed, epoch])
    order = rng.permutation(select_balanced_indices(train_split.strata, config.class_balance, rng))
    augmentation_spec = get_augmentation(config.augmentation)
    if epoch >= config.epochs - config.clean_epochs:
        augmentation_spec = augmentation_spec.make_clean(config.cell_fraction)
    for start in range(0, len(order), config.batch_size):
        batch_indices = order[start : start + config.batch_size]
        images, labels = augment(
            train_split.images[batch_indices], train_split.labels[batch_indices], augmentation_spec, rng
        )
        unlabelled = train_split.unlabelled[batch_indices]
        yield (
            images,
            encode_one_hot(
                labels, unlabelled if unlabelled.shape == labels.shape else np.zeros(labels.shape, dtype=bool)
            ),
        )


def prefetch(batches: Iterator[Batch]) -> Generator[Batch]:
    """Yield the same batches; while one is used, the next is prepared in another thread."""
    with ThreadPoolExecutor(1, thread_name_prefix="batches") as pool:
        pending = pool.submit(next, batches, None)
        while (batch := pending.result()) is not None:
            pending = pool.submit(next, batches, None)
            yield batch


def select_balanced_indices(strata: Sequence[Hashable], balance: float, rng: np.random.Generator) -> NDArray[np.int64]:
    """Select the images of an epoch, rare strata more often.

    Args:
        strata: Stratum of every image, see :attr:`ArraySplit.strata`.
        balance: 0 for every image once, 1 for every stratum equally often.
        rng: Random generator.

    Returns:
        As many indices as there are images, in no particular order.
    """
    if not balance:
        return np.arange(len(strata))
    counts = Counter(strata)
    weights = np.array([max(MIN_STRATUM_SIZE, counts[stratum]) ** -balance for stratum in strata])
    # Systematic sampling: evenly spaced marks on a line on which every image has the length of its weight. So an image
    # is selected as often as its weight says, rounded up or down.
    shuffled = rng.permutation(len(weights))
    cumulative = np.cumsum(weights[shuffled])
    marks = (np.arange(len(weights)) + rng.random()) * cumulative[-1] / len(weights)
    positions = np.searchsorted(cumulative, marks, side="right").clip(max=len(weights) - 1)
    indices: NDArray[np.int64] = shuffled[positions]
    return indices


def count_steps_per_epoch(image_count: int, batch_size: int) -> int:
    """Return the number of batches per epoch."""
    return -(-image_count // batch_size)


def _slice_thesis_data(prepared: ThesisDataset, part: range, type_by_id: Mapping[str, str | None]) -> ArraySplit:
    window, ids = slice(part.start, part.stop), prepared.get_ids(part)
    cell_types = tuple(type_by_id[get_original_id(sample_id)] for sample_id in ids)
    return ArraySplit(ids, prepared.images[window], prepared.labels[window], prepared.unlabelled[window], cell_types)


def _select_extra(extra: Dataset, test: Sequence[Sample]) -> list[Sample]:
    """Return the further training images; none of them may be a test image."""
    samples = [sample for sample in extra if sample.mask is not None]
    test_images = {sample.image.tobytes() for sample in test}
    leaked = next((sample.id for sample in samples if sample.image.tobytes() in test_images), None)
    if leaked is not None:
        raise LeakError(f"Additional training image {leaked} is also a test image.")
    return samples


def _pad_samples(samples: Sequence[Sample], input_size: int, *, enlarge: bool) -> ArraySplit:
    labels = np.stack(
        [pad_labels_to_square(s.mask, input_size, enlarge=enlarge) for s in samples if s.mask is not None]
    )
    return ArraySplit(
        ids=tuple(s.id for s in samples),
        images=np.stack([pad_to_square(s.image, input_size, enlarge=enlarge)[0] for s in samples]),
        labels=labels,
        unlabelled=np.zeros(labels.shape, dtype=bool),
        cell_types=tuple(s.cell_type for s in samples),
    )
