"""Augmentations of the background around a cell."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from wbcseg.datasets.synthetic import draw_sample
from wbcseg.labels import BACKGROUND, CYTOPLASM, NUCLEUS, Labels
from wbcseg.transforms.background import CHANGES, vary_background


@pytest.fixture(scope="module")
def cell() -> tuple[NDArray[np.float32], Labels]:
    """A synthetic cell."""
    sample = draw_sample(1, 8)
    assert sample.mask is not None
    return sample.image.astype(np.float32) / np.float32(255.0), sample.mask


@pytest.mark.parametrize("name", CHANGES)
def test_each_change_is_repeatable_and_within_the_valid_range(
    name: str, cell: tuple[NDArray[np.float32], Labels]
) -> None:
    image, mask = cell
    changed, again = (CHANGES[name](image, mask, np.random.default_rng(5)) for _ in range(2))
    assert changed.dtype == np.float32
    assert changed.shape == image.shape
    assert (changed == again).all()
    assert not (changed == image).all()
    assert changed.min() >= 0
    assert changed.max() <= 1


@pytest.mark.parametrize("name", ["blurred red cells", "stain precipitate", "textured background"])
def test_what_lies_on_the_background_hardly_changes_the_nucleus(
    name: str, cell: tuple[NDArray[np.float32], Labels]
) -> None:
    image, mask = cell
    change = np.mean(
        [np.abs(CHANGES[name](image, mask, np.random.default_rng(seed)) - image).mean(-1) for seed in range(8)], axis=0
    )
    assert change[mask == NUCLEUS.id].mean() < 0.5 * change[mask == BACKGROUND.id].mean()


def test_pale_cytoplasm_is_nearer_to_the_background(cell: tuple[NDArray[np.float32], Labels]) -> None:
    image, mask = cell
    changed = CHANGES["pale cytoplasm"](image, mask, np.random.default_rng(1))
    background = np.median(image[mask == BACKGROUND.id], axis=0)
    before, after = (np.abs(np.median(i[mask == CYTOPLASM.id], axis=0) - background).sum() for i in (image, changed))
    assert after < 0.85 * before


def test_changes_are_combined(cell: tuple[NDArray[np.float32], Labels]) -> None:
    image, mask = cell
    copies = [vary_background(image, mask, np.random.default_rng(seed)) for seed in range(6)]
    assert len({copy.tobytes() for copy in copies}) == 6
    assert all(copy.dtype == np.float32 and 0 <= copy.min() <= copy.max() <= 1 for copy in copies)


def test_an_image_of_any_shape_and_without_a_cell_is_accepted(cell: tuple[NDArray[np.float32], Labels]) -> None:
    image, mask = cell[0][5:-12], cell[1][5:-12]
    for name, change in CHANGES.items():
        assert change(image, mask, np.random.default_rng(2)).shape == image.shape, name
    assert vary_background(image, np.zeros_like(mask), np.random.default_rng(2)).shape == image.shape
