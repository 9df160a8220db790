"""The thesis' preparation, checked against the counts and the order that the notebooks printed."""

from __future__ import annotations

import numpy as np
import pytest

from wbcseg.datasets import open_dataset
from wbcseg.datasets.sample import Sample
from wbcseg.errors import DatasetError
from wbcseg.splitting import thesis
from wbcseg.splitting.splits import build_thesis_split
from wbcseg.splitting.thesis import (
    ALL_THESIS_BUGS,
    NO_THESIS_BUGS,
    build_thesis_dataset,
    compute_shuffle_order,
    encode_one_hot,
    get_original_id,
)


def sample(number: int, side: int = 120) -> Sample:
    rng = np.random.default_rng(number)
    mask = np.zeros((side, side), np.uint8)
    mask[20:60, 30:90] = 1
    mask[30:50, 40:60] = 2
    return Sample(f"made/{number:03d}", rng.integers(0, 256, (side, side, 3), dtype=np.uint8), mask)


def test_the_order_is_that_of_the_notebooks() -> None:
    order = compute_shuffle_order(448)
    test, train = set(order[418:].tolist()), set(order[:417].tolist())
    in_training = [i for i in test if (i + 224) % 448 in train]
    in_test = [i for i in test if (i + 224) % 448 in test]
    assert (len(in_training), len(in_test)) == (24, 6)
    assert order[417] not in train | test


def test_counts_on_the_real_data(zheng_data: object) -> None:
    samples = list(open_dataset("zheng-1"))
    assert len(thesis.select_samples(samples)) == 224
    prepared = build_thesis_dataset(samples)
    assert len(prepared.ids) == 448
    assert (len(prepared.train), len(prepared.dropped), len(prepared.test)) == (417, 1, 30)
    assert prepared.images.shape == (448, 120, 120, 3)

    split = build_thesis_split(prepared, "zheng-1", samples)
    split.check()
    tests_with_twin = {test for _, test in split.find_leaking_pairs()}
    assert len(tests_with_twin) >= 24


def test_a_flipped_copy_is_rotated_left_and_then_flipped() -> None:
    assert thesis.make_flipped_copy(np.array([[1, 2], [3, 4]])).tolist() == [[4, 2], [3, 1]]
    colours = np.arange(12).reshape(2, 2, 3)
    assert thesis.make_flipped_copy(colours)[0, 0].tolist() == colours[1, 1].tolist()


def test_flipped_copies_follow_the_images_and_have_their_own_ids() -> None:
    both = thesis.add_flipped_copies([sample(1), sample(2)])
    assert [s.id for s in both] == ["made/001", "made/002", "made/001+flipped", "made/002+flipped"]
    assert np.array_equal(both[2].image, thesis.make_flipped_copy(both[0].image))
    assert get_original_id("made/001+flipped") == "made/001"


def test_the_one_hot_bug_leaves_zeros_in_the_last_image_row_and_column() -> None:
    samples = [sample(i) for i in range(20)]
    prepared = build_thesis_dataset(samples)
    targets = encode_one_hot(prepared.labels, prepared.unlabelled)
    assert (targets[:, 119, :] == 0).all()
    assert (targets[:, :, 119] == 0).all()
    last = int(np.flatnonzero(compute_shuffle_order(40) == 39)[0])
    assert (targets[last] == 0).all()
    others = np.delete(targets, last, axis=0)[:, :119, :119]
    assert (others.sum(axis=-1) == 1).all()


def test_without_bugs_nothing_is_dropped_and_no_copy_leaks() -> None:
    samples = [sample(i) for i in range(30)]
    prepared = build_thesis_dataset(samples, NO_THESIS_BUGS)
    assert len(prepared.dropped) == 0
    assert (encode_one_hot(prepared.labels, prepared.unlabelled).sum(axis=-1) == 1).all()
    trained = {get_original_id(prepared.ids[i]) for i in prepared.train}
    tested = {get_original_id(prepared.ids[i]) for i in prepared.test}
    assert not trained & tested
    assert len(prepared.train) == 2 * len(trained)


def test_without_flipped_copies_every_image_is_there_once() -> None:
    prepared = build_thesis_dataset([sample(i) for i in range(30)], ALL_THESIS_BUGS, flipped_copies=False)
    assert len(prepared.ids) == len({get_original_id(i) for i in prepared.ids}) == 30


def test_other_sizes_are_skipped_and_too_few_images_are_rejected() -> None:
    with pytest.raises(DatasetError, match="This data set has 3"):
        build_thesis_dataset([*(sample(i) for i in range(3)), *(sample(i, 96) for i in range(3, 40))])
