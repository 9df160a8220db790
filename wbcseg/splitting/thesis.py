"""The thesis' data preparation, exactly and step by step; every bug of its notebooks can be switched off.

Source: the text of the thesis (hdl.handle.net/10609/90265, chapters 3.1 and 3.3) and its notebooks, which differ.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from wbcseg.datasets.sample import Sample
from wbcseg.errors import DatasetError, ErrorCode
from wbcseg.labels import CLASSES, Labels

IMAGE_SIDE: Final = 120
MIN_SAMPLES: Final = 15
"""Minimum number of images for this preparation."""

SHUFFLE_SEED: Final = 2
TEST_FRACTION: Final = 30 / 448
FLIPPED_COPY_SUFFIX: Final = "+flipped"
"""Suffix of the id of an image's flipped and rotated copy."""


@dataclass(frozen=True)
class ThesisBugs:
    """Bugs of the notebooks, which the text does not mention.

    Attributes:
        one_hot_off_by_one: The one-hot loop stops one short along each axis: the last image (before shuffling) and the
            last row and column of every image have a target of three zeros.
        drop_boundary_image: The image between training and test part (shuffled index 417 of 448) is in neither.
        copies_before_split: Flipped copies are made before the split, so that an image and its copy can be on
            different sides.
    """

    one_hot_off_by_one: bool = True
    drop_boundary_image: bool = True
    copies_before_split: bool = True


ALL_THESIS_BUGS: Final = ThesisBugs()
NO_THESIS_BUGS: Final = ThesisBugs(one_hot_off_by_one=False, drop_boundary_image=False, copies_before_split=False)


@dataclass(frozen=True, eq=False)
class ThesisDataset:
    """The arrays that the thesis' networks are trained on, already shuffled.

    Attributes:
        ids: Ids in shuffled order; those of flipped copies end in ``+flipped``.
        images: ``uint8[N, 120, 120, 3]``; network inputs are these divided by 255.
        labels: ``uint8[N, 120, 120]`` of class ids.
        unlabelled: ``bool[N, 120, 120]``, true where the target is three zeros.
        train: Indices of the training part.
        test: Indices of the test part.
        dropped: Indices in neither.
    """

    ids: tuple[str, ...]
    images: NDArray[np.uint8]
    labels: Labels
    unlabelled: NDArray[np.bool_]
    train: range
    test: range
    dropped: range

    def get_ids(self, indices: Sequence[int]) -> tuple[str, ...]:
        """Return the ids at the given indices."""
        return tuple(self.ids[index] for index in indices)


def select_samples(samples: Iterable[Sample]) -> list[Sample]:
    """Return the samples of 120×120 pixels that have a mask: 224 of the 300 of Dataset 1."""
    return [sample for sample in samples if sample.size == (IMAGE_SIDE, IMAGE_SIDE) and sample.mask is not None]


def make_flipped_copy(array: NDArray[np.generic]) -> NDArray[np.generic]:
    """Return ``[H, W, …]`` rotated 90° to the left and then flipped left to right."""
    return np.fliplr(np.rot90(array))


def check_sample_count(count: int) -> None:
    """Check that there are enough images for the thesis' preparation.

    Args:
        count: Number of images of 120×120 pixels with a mask.

    Raises:
        DatasetError: If fewer than 15.
    """
    if count < MIN_SAMPLES:
        raise DatasetError(
            f"The thesis' preparation needs at least {MIN_SAMPLES} images of {IMAGE_SIDE}×{IMAGE_SIDE} pixels with a "
            f"mask. This data set has {count}.",
            code=ErrorCode.TOO_SMALL,
            hint="Choose Zheng Dataset 1, or a leak-free split, which takes any size.",
        )


def is_flipped_copy(sample_id: str) -> bool:
    """Return whether an id is that of a flipped copy."""
    return sample_id.endswith(FLIPPED_COPY_SUFFIX)


def get_original_id(sample_id: str) -> str:
    """Return the id of the original image: the id itself, or that of the image that was copied."""
    return sample_id.removesuffix(FLIPPED_COPY_SUFFIX)


def add_flipped_copies(samples: Sequence[Sample]) -> list[Sample]:
    """Return the samples followed by their flipped copies: sample ``i + n`` is the copy of sample ``i``."""
    copies = [
        Sample(
            sample.id + FLIPPED_COPY_SUFFIX,
            np.ascontiguousarray(make_flipped_copy(sample.image)).astype(np.uint8, copy=False),
            None
            if sample.mask is None
            else np.ascontiguousarray(make_flipped_copy(sample.mask)).astype(np.uint8, copy=False),
            sample.cell_type,
            sample.source,
        )
        for sample in samples
    ]
    return [*samples, *copies]


def encode_one_hot(labels: Labels, unlabelled: NDArray[np.bool_]) -> NDArray[np.float32]:
    """Return one channel per class, all zeros where ``unlabelled``.

    Args:
        labels: ``uint8[…]`` of class ids.
        unlabelled: ``bool[…]`` of the same shape.

    Returns:
        ``float32[…, 3]``.
    """
    targets = np.eye(len(CLASSES), dtype=np.float32)[labels]
    targets[unlabelled] = 0
    return targets


def compute_shuffle_order(count: int) -> NDArray[np.int64]:
    """Return the order of ``count`` images in the notebooks: NumPy's legacy shuffle with seed 2."""
    return np.random.RandomState(SHUFFLE_SEED).permutation(count)


def build_thesis_dataset(
    samples: Iterable[Sample], bugs: ThesisBugs = ALL_THESIS_BUGS, *, flipped_copies: bool = True
) -> ThesisDataset:
    """Prepare a data set as the thesis did.

    Args:
        samples: The data set, in the order of its file names.
        bugs: The bugs of the notebooks to reproduce. Without ``copies_before_split``, copies of the training part are
            added after the split.
        flipped_copies: Whether to add flipped copies; the thesis' annex does not.

    Returns:
        448 images with copies (224 without) for the 224 images of Dataset 1: 417 for training, 30 for testing,
        1 dropped.

    Raises:
        DatasetError: If there are fewer than 15 images of 120×120 pixels with a mask.
    """
    selected = select_samples(samples)
    check_sample_count(len(selected))
    candidates = add_flipped_copies(selected) if flipped_copies and bugs.copies_before_split else selected
    shuffle_order = compute_shuffle_order(len(candidates))
    unlabelled = np.zeros((len(candidates), IMAGE_SIDE, IMAGE_SIDE), dtype=bool)
    if bugs.one_hot_off_by_one:
        unlabelled[-1] = True
        unlabelled[:, -1, :] = True
        unlabelled[:, :, -1] = True
    shuffled = [candidates[index] for index in shuffle_order]
    unlabelled = unlabelled[shuffle_order]

    test_count = max(1, round(len(candidates) * TEST_FRACTION))
    drop_count = 1 if bugs.drop_boundary_image else 0
    train_count = len(candidates) - test_count - drop_count
    if flipped_copies and not bugs.copies_before_split:
        late_copies = add_flipped_copies(shuffled[:train_count])[train_count:]
        shuffled = shuffled[:train_count] + late_copies + shuffled[train_count:]
        late_unlabelled = np.zeros((train_count, IMAGE_SIDE, IMAGE_SIDE), dtype=bool)
        unlabelled = np.concatenate([unlabelled[:train_count], late_unlabelled, unlabelled[train_count:]])
        train_count += len(late_copies)
    return ThesisDataset(
        ids=tuple(sample.id for sample in shuffled),
        images=np.stack([sample.image for sample in shuffled]),
        labels=np.stack([sample.mask for sample in shuffled if sample.mask is not None]),
        unlabelled=unlabelled,
        train=range(train_count),
        dropped=range(train_count, train_count + drop_count),
        test=range(train_count + drop_count, len(shuffled)),
    )
