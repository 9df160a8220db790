"""The thesis' preparation, step by step and exactly, with every quirk of its notebooks as a named switch.

Source: the text of the thesis (hdl.handle.net/10609/90265, chapters 3.1 and 3.3) and its notebooks, which differ.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from wbcseg.datasets.sample import Sample
from wbcseg.errors import DatasetError
from wbcseg.labels import CLASSES, Labels

IMAGE_SIDE: Final = 120
MIN_SAMPLES: Final = 15
"""Fewest pictures that can be prepared so."""

SHUFFLE_SEED: Final = 2
TEST_FRACTION: Final = 30 / 448
FLIPPED_COPY_SUFFIX: Final = "+twin"
"""What follows the id of a picture in the id of its flipped and turned copy."""


@dataclass(frozen=True)
class ThesisBugs:
    """What the notebooks did and the text does not say.

    Attributes:
        one_hot_off_by_one: The one-hot loop stops one short along each axis: the last picture (before shuffling), and the last
            row and column of every picture, have a target of three zeros.
        drop_boundary_image: The picture between training and test part (shuffled index 417 of 448) is in neither.
        copies_before_split: Flipped copies are made before the split, so a picture and its twin may be on both sides.
    """

    one_hot_off_by_one: bool = True
    drop_boundary_image: bool = True
    copies_before_split: bool = True


ALL_THESIS_BUGS: Final = ThesisBugs()
NO_THESIS_BUGS: Final = ThesisBugs(one_hot_off_by_one=False, drop_boundary_image=False, copies_before_split=False)


@dataclass(frozen=True, eq=False)
class ThesisDataset:
    """The arrays that the thesis' networks learn from, already shuffled.

    Attributes:
        ids: Ids in shuffled order; twins end in ``+twin``.
        images: ``uint8[N, 120, 120, 3]``. The networks see them divided by 255.
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

    @property
    def targets(self) -> NDArray[np.float32]:
        """The one-hot targets, ``float32[N, 120, 120, 3]``."""
        return encode_one_hot(self.labels, self.unlabelled)

    def get_ids(self, part: Sequence[int]) -> tuple[str, ...]:
        """Return the ids at the given indices."""
        return tuple(self.ids[i] for i in part)


def select_samples(samples: Iterable[Sample]) -> list[Sample]:
    """Return the samples of 120×120 pixels that have a mask: 224 of the 300 of Dataset 1."""
    return [s for s in samples if s.size == (IMAGE_SIDE, IMAGE_SIDE) and s.mask is not None]


def make_flipped_copy(array: NDArray[np.generic]) -> NDArray[np.generic]:
    """Return ``[H, W, …]`` turned 90° to the left and then mirrored left to right."""
    return np.fliplr(np.rot90(array))


def check_sample_count(count: int) -> None:
    """Check that the published preparation has pictures to work on.

    Args:
        count: How many pictures of 120×120 pixels with a mask there are.

    Raises:
        DatasetError: If fewer than 15.
    """
    if count < MIN_SAMPLES:
        raise DatasetError(
            f"The published preparation takes pictures of {IMAGE_SIDE}×{IMAGE_SIDE} pixels with a mask, at least {MIN_SAMPLES} of them. "
            f"This data set has {count}. Choose Zheng Dataset 1, or a leak-free split, which takes any size."
        )


def is_flipped_copy(sample_id: str) -> bool:
    """Return whether an id is that of a flipped copy."""
    return sample_id.endswith(FLIPPED_COPY_SUFFIX)


def get_original_id(sample_id: str) -> str:
    """Return the id of the photographed picture: the id itself, or that of the picture that a twin was made from."""
    return sample_id.removesuffix(FLIPPED_COPY_SUFFIX)


def add_flipped_copies(samples: Sequence[Sample]) -> list[Sample]:
    """Return the samples followed by all their twins: sample ``i + n`` is the twin of sample ``i``."""
    twins = [
        Sample(
            s.id + FLIPPED_COPY_SUFFIX,
            np.ascontiguousarray(make_flipped_copy(s.image)).astype(np.uint8, copy=False),
            None if s.mask is None else np.ascontiguousarray(make_flipped_copy(s.mask)).astype(np.uint8, copy=False),
            s.cell_type,
            s.source,
        )
        for s in samples
    ]
    return [*samples, *twins]


def encode_one_hot(labels: Labels, blank: NDArray[np.bool_]) -> NDArray[np.float32]:
    """Return one channel a class, and three zeros where ``blank``.

    Args:
        labels: ``uint8[…]`` of class ids.
        blank: ``bool[…]`` of the same shape.

    Returns:
        ``float32[…, 3]``.
    """
    targets = np.eye(len(CLASSES), dtype=np.float32)[labels]
    targets[blank] = 0
    return targets


def compute_shuffle_order(count: int) -> NDArray[np.int64]:
    """Return the order in which the notebooks put ``count`` pictures: NumPy's legacy shuffle with seed 2."""
    return np.random.RandomState(SHUFFLE_SEED).permutation(count)


def build_thesis_dataset(
    samples: Iterable[Sample], quirks: ThesisBugs = ALL_THESIS_BUGS, *, twins: bool = True
) -> ThesisDataset:
    """Carry out the published preparation.

    Args:
        samples: The data set, in the order of its file names.
        quirks: Which of the notebooks' quirks to repeat. Without ``twins_before_split`` the twins of the training
            part are added after the split.
        twins: Whether to make flipped copies at all; the thesis' annex does without.

    Returns:
        448 pictures with twins (224 without) for the 224 pictures of Dataset 1: 417 to train, 30 to test, 1 dropped.

    Raises:
        DatasetError: If fewer than 15 pictures of 120×120 pixels with a mask are there.
    """
    chosen = select_samples(samples)
    check_sample_count(len(chosen))
    early = add_flipped_copies(chosen) if twins and quirks.copies_before_split else chosen
    order = compute_shuffle_order(len(early))
    blank = np.zeros((len(early), IMAGE_SIDE, IMAGE_SIDE), dtype=bool)
    if quirks.one_hot_off_by_one:
        blank[-1] = True
        blank[:, -1, :] = True
        blank[:, :, -1] = True
    shuffled = [early[i] for i in order]
    blank = blank[order]

    tests = max(1, round(len(early) * TEST_FRACTION))
    dropped = 1 if quirks.drop_boundary_image else 0
    trains = len(early) - tests - dropped
    if twins and not quirks.copies_before_split:
        late = add_flipped_copies(shuffled[:trains])[trains:]
        shuffled = shuffled[:trains] + late + shuffled[trains:]
        extra = np.zeros((trains, IMAGE_SIDE, IMAGE_SIDE), dtype=bool)
        blank = np.concatenate([blank[:trains], extra, blank[trains:]])
        trains += len(late)
    return ThesisDataset(
        ids=tuple(s.id for s in shuffled),
        images=np.stack([s.image for s in shuffled]),
        labels=np.stack([s.mask for s in shuffled if s.mask is not None]),
        unlabelled=blank,
        train=range(trains),
        dropped=range(trains, trains + dropped),
        test=range(trains + dropped, len(shuffled)),
    )
