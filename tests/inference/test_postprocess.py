"""Nothing but the main cell of a crop."""

from __future__ import annotations

import numpy as np
from builders import draw_cell

from wbcseg.inference.postprocess import keep_main_cell
from wbcseg.labels import fast_argmax

LABELS = draw_cell(100, 120)[1]


def test_a_clean_cell_stays_as_it_is() -> None:
    before = LABELS.copy()
    assert (keep_main_cell(LABELS) == LABELS).all()
    assert (before == LABELS).all()


def test_neighbours_become_background() -> None:
    labels = LABELS.copy()
    labels[80:, 90:] = 1
    labels[90:, 100:] = 2
    assert (keep_main_cell(labels) == LABELS).all()


def test_the_cell_in_the_middle_counts_even_where_a_neighbour_is_larger() -> None:
    labels = np.zeros((100, 100), np.uint8)
    labels[40:65, 40:65] = 2
    labels[:, :18] = 1
    assert set(np.argwhere(keep_main_cell(labels))[:, 1]) == set(range(40, 65))


def test_holes_become_cytoplasm_and_specks_of_nucleus_too() -> None:
    labels = LABELS.copy()
    cytoplasm = np.argwhere(LABELS == 1)
    nucleus = np.argwhere(LABELS == 2)
    middle = tuple(nucleus[len(nucleus) // 2])
    labels[middle] = 0
    speck = tuple(cytoplasm[30])
    labels[speck] = 2
    result = keep_main_cell(labels)
    assert result[middle] == 1
    assert result[speck] == 1
    assert (result != LABELS).sum() == 1


def test_where_nothing_was_found_nothing_changes() -> None:
    assert not keep_main_cell(np.zeros((20, 30), np.uint8)).any()


def test_two_lobes_of_a_nucleus_stay() -> None:
    labels = np.ones((60, 60), np.uint8)
    labels[10:30, 10:30] = 2
    labels[35:50, 35:50] = 2
    assert (keep_main_cell(labels) == labels).all()


def test_likeliest_is_argmax() -> None:
    probabilities = np.random.default_rng(0).integers(0, 4, (60, 70, 3)).astype(np.float32) / 3
    assert np.array_equal(fast_argmax(probabilities), probabilities.argmax(axis=-1))
    assert fast_argmax(probabilities).dtype == np.uint8
