"""Copies as any laboratory may show them: the cell's size, red cells, stain, light and camera."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from wbcseg.classes import Labels
from wbcseg.datasets import open_dataset
from wbcseg.preparation.augmentation import augment, augmentation
from wbcseg.preparation.canvas import image_on_canvas, labels_on_canvas
from wbcseg.preparation.photographs import photographed
from wbcseg.preparation.red_cells import with_red_cells

HOW = augmentation("laboratories")
SIDE = 120


@pytest.fixture(scope="module")
def pictures() -> tuple[NDArray[np.uint8], Labels]:
    data = open_dataset("synthetic")
    samples = [data.read(sample_id) for sample_id in data.ids[:24]]
    side = SIDE * HOW.detail
    images = np.stack([image_on_canvas(sample.image, side, enlarge=True)[0] for sample in samples])
    masks = [labels_on_canvas(sample.mask, side, enlarge=True) for sample in samples if sample.mask is not None]
    return images, np.stack(masks)


def extent(mask: Labels) -> int:
    rows, columns = (np.flatnonzero((mask > 0).any(axis=axis)) for axis in (1, 0))
    return 1 + int(max(rows[-1] - rows[0], columns[-1] - columns[0]))


def test_copies_are_smaller_by_the_detail_and_repeatable(pictures: tuple[NDArray[np.uint8], Labels]) -> None:
    batches = [augment(*pictures, HOW, np.random.default_rng(3)) for _ in range(2)]
    for images, labels in batches:
        assert images.shape == (24, SIDE, SIDE, 3)
        assert images.dtype == np.float32
        assert labels.shape == (24, SIDE, SIDE)
        assert 0 <= images.min() < images.max() <= 1
        assert set(np.unique(labels)) <= {0, 1, 2}
    assert (batches[0][0] == batches[1][0]).all()
    assert (batches[0][1] == batches[1][1]).all()


def test_cells_are_of_many_sizes_and_a_few_copies_are_empty(pictures: tuple[NDArray[np.uint8], Labels]) -> None:
    rng = np.random.default_rng(5)
    masks = np.concatenate([augment(*pictures, HOW, rng)[1] for _ in range(8)])
    empty = ~(masks > 0).any(axis=(1, 2))
    assert 0 < empty.mean() < 0.12
    # The middle of a copy belongs to its own cell, however it is turned and shifted.
    assert (masks[~empty][:, 48:72, 48:72] > 0).any(axis=(1, 2)).mean() > 0.97
    shares = np.array([extent(mask) / SIDE for mask in masks[~empty]])
    assert shares.min() < 0.45
    assert shares.max() > 0.85


def test_red_cells_leave_the_white_one_as_it_is() -> None:
    sample = open_dataset("synthetic").read("synthetic/008")
    assert sample.mask is not None
    image = sample.image.astype(np.float32) / 255
    changed = []
    for seed in range(20):
        drawn = with_red_cells(image, sample.mask, np.random.default_rng(seed), size=60)
        assert drawn.dtype == np.float32
        assert (drawn <= image + 1e-6).all()
        from scipy import ndimage

        inner = ndimage.binary_erosion(sample.mask > 0, iterations=3)
        assert np.abs(drawn[inner] - image[inner]).max() < 0.03
        changed.append(float((np.abs(drawn - image).max(axis=-1) > 0.05)[sample.mask == 0].mean()))
    assert 0.1 < np.mean(changed) < 0.9


def test_photographs_differ_in_colour_and_stay_in_range() -> None:
    image = open_dataset("synthetic").read("synthetic/003").image.astype(np.float32) / 255
    batch = np.repeat(image[None], 40, axis=0)
    taken = photographed(batch, np.random.default_rng(1))
    assert taken.shape == batch.shape
    assert taken.dtype == np.float32
    assert taken.min() >= 0
    assert taken.max() <= 1
    means = taken.mean(axis=(1, 2))
    assert (means.std(axis=0) > 0.05).all()
    # It is still the same picture: bright stays brighter than dark.
    grey, greys = image.mean(axis=-1).ravel(), taken.mean(axis=-1).reshape(40, -1)
    assert min(np.corrcoef(grey, one)[0, 1] for one in greys) > 0.5


def test_an_unmarked_picture_is_taken_as_it_lies() -> None:
    image = open_dataset("synthetic").read("synthetic/003").image
    side = SIDE * HOW.detail
    placed = image_on_canvas(image, side, enlarge=True)[0][None]
    images, labels = augment(placed, np.zeros((1, side, side), np.uint8), HOW, np.random.default_rng(0))
    assert images.shape == (1, SIDE, SIDE, 3)
    assert not labels.any()
