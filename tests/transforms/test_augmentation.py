"""Copies vary, masks move with their images, and the same seed gives the same copies."""

from __future__ import annotations

import numpy as np
import pytest
from builders import draw_cell

from wbcseg.errors import ConfigError
from wbcseg.transforms.config import AUGMENTATIONS, get_augmentation
from wbcseg.transforms.pipeline import augment

IMAGE, LABELS = draw_cell(120, 120)


@pytest.mark.parametrize("name", AUGMENTATIONS)
def test_shapes_types_and_ranges(name: str) -> None:
    how = get_augmentation(name)
    images, labels = augment([IMAGE] * 5, [LABELS] * 5, how, np.random.default_rng(1))
    side = 120 // how.oversampling
    assert images.shape == (5, side, side, 3)
    assert images.dtype == np.float32
    assert 0 <= images.min() <= images.max() <= 1
    assert labels.shape == (5, side, side)
    assert labels.dtype == np.uint8
    assert set(np.unique(labels)) <= {0, 1, 2}


def test_the_same_seed_gives_the_same_copies() -> None:
    twice = [
        augment([IMAGE] * 3, [LABELS] * 3, get_augmentation("mild"), np.random.default_rng([2, 7])) for _ in range(2)
    ]
    assert np.array_equal(twice[0][0], twice[1][0])
    assert np.array_equal(twice[0][1], twice[1][1])
    other, _ = augment([IMAGE] * 3, [LABELS] * 3, get_augmentation("mild"), np.random.default_rng([2, 8]))
    assert not np.array_equal(other, twice[0][0])


def test_none_changes_nothing() -> None:
    images, labels = augment([IMAGE], [LABELS], get_augmentation("none"), np.random.default_rng(1))
    assert np.array_equal(np.rint(images[0] * 255).astype(np.uint8), IMAGE)
    assert np.array_equal(labels[0], LABELS)


def test_clean_copies_are_the_image_in_its_eight_orientations() -> None:
    how = get_augmentation("geometry").make_clean(0.6)
    images, labels = augment([IMAGE] * 80, [LABELS] * 80, how, np.random.default_rng(1))
    orientations = {
        np.ascontiguousarray(np.rot90(side, turns)).tobytes(): np.rot90(mask, turns)
        for side, mask in ((IMAGE, LABELS), (IMAGE[:, ::-1], LABELS[:, ::-1]))
        for turns in range(4)
    }
    seen = [np.rint(image * 255).astype(np.uint8).tobytes() for image in images]
    assert set(seen) == set(orientations)
    assert all((orientations[image] == mask).all() for image, mask in zip(seen, labels, strict=True))
    assert get_augmentation("mild").make_clean(0.6).gain == get_augmentation("mild").gain


def test_masks_move_with_their_images() -> None:
    """If an image equals its mask, the moved image equals the moved mask, except for interpolated edges."""
    yy, xx = np.mgrid[:120, :120]
    labels = (((yy - 50) ** 2 + (xx - 66) ** 2 < 900).astype(np.uint8)) * 2
    image = np.repeat(labels[..., None] * 100, 3, axis=-1).astype(np.uint8)
    images, moved = augment([image] * 20, [labels] * 20, get_augmentation("geometry"), np.random.default_rng(3))
    for image, mask in zip(images, moved, strict=True):
        assert ((image[..., 0] > 0.39) == (mask == 2)).mean() > 0.985
    areas = (moved == 2).sum(axis=(1, 2)) / (labels == 2).sum()
    assert 0.6 < areas.min() < 0.95
    assert 1.1 < areas.max() < 1.6


def test_the_error_of_an_unknown_name_lists_the_known_ones() -> None:
    with pytest.raises(ConfigError, match="none, geometry, mild"):
        get_augmentation("wild")
