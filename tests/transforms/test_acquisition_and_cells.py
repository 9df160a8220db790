"""Strong augmentation: cell size and shape, red cells, stain, light and camera."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import ndimage

from wbcseg.datasets import open_dataset
from wbcseg.labels import CYTOPLASM, NUCLEUS, Labels
from wbcseg.transforms.acquisition import jitter_acquisition
from wbcseg.transforms.cell import (
    add_granules,
    decondense_chromatin,
    elastic_deform,
    jitter_stain,
    resize_nucleus,
    scale_cytoplasm,
)
from wbcseg.transforms.config import CLEAN_CELL_MARGIN, get_augmentation
from wbcseg.transforms.padding import pad_labels_to_square, pad_to_square
from wbcseg.transforms.pipeline import augment
from wbcseg.transforms.red_cells import add_red_cells

STRONG = get_augmentation("strong")
CELL_FRACTION = 0.6
SIDE = 120


@pytest.fixture(scope="module")
def cells() -> tuple[NDArray[np.uint8], Labels]:
    data = open_dataset("synthetic")
    samples = [data.read(sample_id) for sample_id in data.ids[:24]]
    side = SIDE * STRONG.oversampling
    images = np.stack([pad_to_square(sample.image, side, enlarge=True)[0] for sample in samples])
    masks = [pad_labels_to_square(sample.mask, side, enlarge=True) for sample in samples if sample.mask is not None]
    return images, np.stack(masks)


def measure_extent(mask: Labels) -> int:
    rows, columns = (np.flatnonzero((mask > 0).any(axis=axis)) for axis in (1, 0))
    return 1 + int(max(rows[-1] - rows[0], columns[-1] - columns[0]))


def test_copies_are_smaller_by_the_oversampling_and_repeatable(cells: tuple[NDArray[np.uint8], Labels]) -> None:
    batches = [augment(*cells, STRONG, np.random.default_rng(3)) for _ in range(2)]
    for images, labels in batches:
        assert images.shape == (24, SIDE, SIDE, 3)
        assert images.dtype == np.float32
        assert labels.shape == (24, SIDE, SIDE)
        assert 0 <= images.min() < images.max() <= 1
        assert set(np.unique(labels)) <= {0, 1, 2}
    assert (batches[0][0] == batches[1][0]).all()
    assert (batches[0][1] == batches[1][1]).all()


@pytest.mark.parametrize("fraction", [CELL_FRACTION, 0.75])
def test_clean_copies_are_scaled_as_in_the_second_stage(
    cells: tuple[NDArray[np.uint8], Labels], fraction: float
) -> None:
    augmentation = dataclasses.replace(STRONG.make_clean(fraction), clean_fraction=1.0)
    images, masks = augment(*cells, augmentation, np.random.default_rng(4))
    small = 0
    for image, mask, before, mask_before in zip(images, masks, *cells, strict=True):
        # A larger cell may have its mirror image beside it.
        if measure_extent(mask_before) < (fraction - CLEAN_CELL_MARGIN) * len(mask_before):
            assert fraction - CLEAN_CELL_MARGIN - 0.03 < measure_extent(mask) / SIDE < fraction + 0.03
            small += 1
        # Stain and light are unchanged. At a large scale, too little plasma is left to compare.
        for kind in np.unique(mask) if fraction == CELL_FRACTION else (CYTOPLASM.id, NUCLEUS.id):
            assert np.median(image[mask == kind], axis=0) * 255 == pytest.approx(
                np.median(before[mask_before == kind], axis=0), abs=6
            )
    assert small >= 3


def test_in_clean_epochs_half_of_the_copies_are_clean(cells: tuple[NDArray[np.uint8], Labels]) -> None:
    assert STRONG.clean_fraction == 0
    rng, is_close = np.random.default_rng(4), []
    for _ in range(8):
        images, masks = augment(*cells, STRONG.make_clean(CELL_FRACTION), rng)
        for image, mask, before, mask_before in zip(images, masks, *cells, strict=True):
            nucleus = mask == NUCLEUS.id
            ratios_after = np.median(image[nucleus], axis=0) * 255 if nucleus.any() else np.zeros(3)
            is_close.append(np.abs(ratios_after - np.median(before[mask_before == NUCLEUS.id], axis=0)).max() < 6)
    assert np.mean(is_close) == pytest.approx(0.5, abs=0.1)


def test_cell_sizes_vary_and_a_few_copies_are_empty(cells: tuple[NDArray[np.uint8], Labels]) -> None:
    rng = np.random.default_rng(5)
    masks = np.concatenate([augment(*cells, STRONG, rng)[1] for _ in range(8)])
    empty = ~(masks > 0).any(axis=(1, 2))
    assert 0 < empty.mean() < 0.12
    # The centre of a copy belongs to its cell, however it is rotated and shifted.
    assert (masks[~empty][:, 48:72, 48:72] > 0).any(axis=(1, 2)).mean() > 0.97
    fractions = np.array([measure_extent(mask) / SIDE for mask in masks[~empty]])
    assert fractions.min() < 0.45
    assert fractions.max() > 0.85


def test_red_cells_do_not_change_the_visible_white_cell() -> None:
    sample = open_dataset("synthetic").read("synthetic/008")
    assert sample.mask is not None
    image = sample.image.astype(np.float32) / 255
    changed, lost_fractions = [], []
    for seed in range(40):
        augmented, mask = add_red_cells(image, sample.mask, np.random.default_rng(seed), diameter=60)
        assert augmented.dtype == np.float32
        assert mask.dtype == np.uint8
        # Red cells may hide cytoplasm, but never the nucleus.
        assert set(np.unique(sample.mask[mask != sample.mask])) <= {CYTOPLASM.id}
        assert not mask[mask != sample.mask].any()
        inner = ndimage.binary_erosion(mask > 0, iterations=3)
        assert np.abs(augmented[inner] - image[inner]).max() < 0.03
        assert (augmented <= image + 1e-6)[mask == sample.mask].mean() > 0.97
        changed.append(float((np.abs(augmented - image).max(axis=-1) > 0.05)[sample.mask == 0].mean()))
        lost_fractions.append(float((mask != sample.mask).sum() / (sample.mask == CYTOPLASM.id).sum()))
    assert 0.1 < np.mean(changed) < 0.9
    assert 0.05 < np.mean(np.array(lost_fractions) > 0) < 0.6
    assert max(lost_fractions) < 0.6


def test_elastic_deformation_moves_image_and_mask_alike() -> None:
    sample = open_dataset("synthetic").read("synthetic/008")
    assert sample.mask is not None
    marked = np.repeat((sample.mask * 100)[..., None], 3, axis=-1)
    moved = 0
    for seed in range(20):
        varied, mask = elastic_deform(marked, sample.mask, 0.16, np.random.default_rng(seed))
        assert varied.shape == marked.shape
        assert mask.dtype == varied.dtype == np.uint8
        assert (np.rint(varied[..., 0] / 100) == mask).mean() > 0.97
        assert 0.7 < (mask > 0).sum() / (sample.mask > 0).sum() < 1.4
        moved += bool((mask != sample.mask).any())
    assert 5 <= moved <= 15


def compute_nucleus_fraction(labels: Labels) -> float:
    """Return the nucleus' fraction of the cell's area."""
    return float((labels == NUCLEUS.id).sum() / (labels > 0).sum())


@pytest.mark.parametrize("number", [3, 4, 8])
def test_the_rim_is_scaled_within_the_same_outline(number: int) -> None:
    sample = open_dataset("synthetic").read(f"synthetic/{number:03}")
    assert sample.mask is not None
    marked = np.repeat((sample.mask * 100)[..., None], 3, axis=-1)
    ratios = []
    for rim_factor in (0.1, 0.5, 1.0, 1.4):
        varied, mask = scale_cytoplasm(marked, sample.mask, rim_factor)
        assert varied.shape == marked.shape
        assert mask.dtype == varied.dtype == np.uint8
        # The image follows its mask, and the cell stays where it is.
        assert (np.rint(varied[..., 0] / 100) == mask).mean() > 0.97
        cell, before = mask > 0, sample.mask > 0
        assert 2 * (cell & before).sum() / (cell.sum() + before.sum()) > 0.97
        ratios.append(compute_nucleus_fraction(mask))
    assert ratios == sorted(ratios, reverse=True)
    assert ratios[0] > 0.6
    assert ratios[2] == pytest.approx(compute_nucleus_fraction(sample.mask), abs=0.05)


def test_the_rim_of_a_round_cell_is_scaled_exactly() -> None:
    distance = np.hypot(*(np.mgrid[:120, :120] - 59.5))
    mask = (distance < 40).astype(np.uint8) + (distance < 20).astype(np.uint8)
    _, thin = scale_cytoplasm(np.zeros((120, 120, 3), np.uint8), mask, 0.1)
    assert np.sqrt((thin == NUCLEUS.id).sum() / np.pi) == pytest.approx(38, abs=0.7)
    assert np.sqrt((thin > 0).sum() / np.pi) == pytest.approx(40, abs=0.7)


def test_without_a_nucleus_nothing_changes() -> None:
    varied, mask = np.full((40, 40, 3), 200, np.uint8), np.zeros((40, 40), np.uint8)
    grey, same_mask = scale_cytoplasm(varied, mask, 0.1)
    assert (grey == varied).all()
    assert not same_mask.any()
    mask[10:30, 10:30] = CYTOPLASM.id
    assert (scale_cytoplasm(varied, mask, 0.1)[1] == mask).all()


def test_nuclei_grow_more_often_than_they_shrink() -> None:
    sample = open_dataset("synthetic").read("synthetic/008")
    assert sample.mask is not None
    ratios_after = [
        compute_nucleus_fraction(resize_nucleus(sample.image, sample.mask, np.random.default_rng(seed))[1])
        for seed in range(30)
    ]
    larger = np.mean(np.array(ratios_after) > compute_nucleus_fraction(sample.mask))
    assert 0.5 < larger < 0.9
    assert max(ratios_after) > 0.8
    assert min(ratios_after) < compute_nucleus_fraction(sample.mask)


def test_decondensed_chromatin_is_paler_only_within_the_nucleus() -> None:
    sample = open_dataset("synthetic").read("synthetic/008")
    assert sample.mask is not None
    image = sample.image.astype(np.float32) / 255
    nucleus = sample.mask == NUCLEUS.id
    plasma = np.median(image[sample.mask == 0], axis=0)
    for seed in range(10):
        decondensed = decondense_chromatin(image, sample.mask, np.random.default_rng(seed))
        assert decondensed.dtype == np.float32
        paler = (decondensed - image).mean(axis=-1)
        assert paler.min() > -0.01
        assert np.abs(paler[~ndimage.binary_dilation(nucleus, iterations=4)]).max() < 0.01
        inner = ndimage.binary_erosion(nucleus, iterations=2)
        assert paler[inner].max() > 0.01
        assert paler[inner].std() > 0.2 * paler[inner].mean()
        assert (decondensed[inner] < plasma).all(axis=-1).mean() > 0.95
    empty = np.zeros_like(sample.mask)
    np.testing.assert_allclose(decondense_chromatin(image, empty, np.random.default_rng(1)), image, atol=0.005)


def test_stain_varies_separately_in_nucleus_and_cytoplasm() -> None:
    sample = open_dataset("synthetic").read("synthetic/008")
    assert sample.mask is not None
    image = sample.image.astype(np.float32) / 255
    ratios = []
    for seed in range(40):
        varied = jitter_stain(image, sample.mask, 0.7, np.random.default_rng(seed))
        assert varied.dtype == np.float32
        assert 0 <= varied.min() <= varied.max() <= 1
        outside = ~ndimage.binary_dilation(sample.mask > 0, iterations=5)
        np.testing.assert_allclose(varied[outside], image[outside], atol=0.01)
        if (varied != image).any():
            nucleus, cytoplasm = (
                np.log((varied[sample.mask == kind] + 0.01) / (image[sample.mask == kind] + 0.01)).mean()
                for kind in (NUCLEUS.id, CYTOPLASM.id)
            )
            ratios.append((nucleus, cytoplasm))
    assert 10 <= len(ratios) <= 30
    assert abs(np.corrcoef(np.array(ratios).T)[0, 1]) < 0.6


def test_granules_lie_in_the_cytoplasm_and_darken_it() -> None:
    sample = open_dataset("synthetic").read("synthetic/008")
    assert sample.mask is not None
    image = sample.image.astype(np.float32) / 255
    for seed in range(10):
        filled = add_granules(image, sample.mask, np.random.default_rng(seed))
        assert filled.dtype == np.float32
        assert (filled <= image + 1e-6).all()
        darker = (image - filled).mean(axis=-1)
        near_cytoplasm = ndimage.binary_dilation(sample.mask == CYTOPLASM.id, iterations=3)
        assert darker[~near_cytoplasm].max() < 0.01
        assert darker[sample.mask == CYTOPLASM.id].mean() > 0.02
        assert darker[sample.mask == CYTOPLASM.id].std() > 0.01


def test_acquisition_varies_colour_within_the_valid_range() -> None:
    image = open_dataset("synthetic").read("synthetic/003").image.astype(np.float32) / 255
    batch = np.repeat(image[None], 40, axis=0)
    varied = jitter_acquisition(batch, np.random.default_rng(1))
    assert varied.shape == batch.shape
    assert varied.dtype == np.float32
    assert varied.min() >= 0
    assert varied.max() <= 1
    means = varied.mean(axis=(1, 2))
    assert (means.std(axis=0) > 0.05).all()
    # It is still the same image: bright stays brighter than dark.
    grey, greys = image.mean(axis=-1).ravel(), varied.mean(axis=-1).reshape(40, -1)
    assert min(np.corrcoef(grey, varied_grey)[0, 1] for varied_grey in greys) > 0.5


def test_an_image_without_a_mask_is_accepted() -> None:
    image = open_dataset("synthetic").read("synthetic/003").image
    side = SIDE * STRONG.oversampling
    placed = pad_to_square(image, side, enlarge=True)[0][None]
    images, labels = augment(placed, np.zeros((1, side, side), np.uint8), STRONG, np.random.default_rng(0))
    assert images.shape == (1, SIDE, SIDE, 3)
    assert not labels.any()
