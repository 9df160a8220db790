"""Splits keep cells together, balance cell types and detect changed data."""

from __future__ import annotations

import dataclasses
from collections import Counter

import numpy as np
import pytest
from builders import texture
from expect import raises

from wbcseg.datasets import check_manifest, open_dataset
from wbcseg.datasets.sample import Sample
from wbcseg.errors import ErrorCode, LeakError, ManifestError, SplitError
from wbcseg.labels import CELL_TYPES
from wbcseg.splitting.splits import Split, build_leak_free_folds


def make_samples(count: int, duplicates: int = 0) -> list[Sample]:
    """Return samples of different cells, the first ``doubles`` of which have a second, shifted image."""
    mask = np.zeros((64, 64), np.uint8)
    mask[20:40, 20:40] = 1
    samples = [
        Sample(f"made/{i:03d}", np.ascontiguousarray(texture(i)[:64, :64]), mask, CELL_TYPES[i % 3])
        for i in range(count)
    ]
    shifted_copies = [
        Sample(f"made/{i:03d}b", np.ascontiguousarray(texture(i)[3:67, 2:66]), mask, CELL_TYPES[i % 3])
        for i in range(duplicates)
    ]
    return samples + shifted_copies


LEAK_FREE = Split("leak-free", "made", ("made/1", "made/2"), ("made/3",))


def test_every_image_is_tested_once_and_cells_stay_together() -> None:
    folds = build_leak_free_folds("made", make_samples(30, duplicates=8), folds=5)
    tested = [i for split in folds for i in split.test]
    assert sorted(tested) == sorted(s.id for s in make_samples(30, duplicates=8))
    for split in folds:
        assert not set(split.train) & set(split.test)
        for group in split.groups:
            assert len({member in split.test for member in group}) == 1
        assert split.find_leaking_pairs() == []


def test_cell_types_are_spread_evenly() -> None:
    folds = build_leak_free_folds("made", make_samples(30), folds=5)
    types = {s.id: s.cell_type for s in make_samples(30)}
    for split in folds:
        assert set(Counter(types[i] for i in split.test).values()) == {2}


def test_the_same_seed_gives_the_same_folds_and_another_seed_others() -> None:
    samples = make_samples(20)
    assert build_leak_free_folds("made", samples) == build_leak_free_folds("made", samples)
    assert build_leak_free_folds("made", samples)[0].test != build_leak_free_folds("made", samples, seed=3)[0].test


def test_rare_cell_types_do_not_stop_a_split() -> None:
    samples = [
        dataclasses.replace(s, cell_type="basophil" if i == 0 else "neutrophil") for i, s in enumerate(make_samples(20))
    ]
    assert len(build_leak_free_folds("made", samples)) == 5


def test_too_few_cells_are_rejected() -> None:
    with raises(SplitError, ErrorCode.INVALID_VALUE, match="different cells, 3"):
        build_leak_free_folds("made", make_samples(3, duplicates=3), folds=5)


@pytest.mark.parametrize(
    "change",
    [
        {"train": ("made/1", "made/3")},
        {"train": ("made/1", "made/3+flipped")},
        {"groups": (("made/2", "made/3"),)},
        {"train": ("made/1", "made/2+flipped"), "groups": (("made/2", "made/3"),)},
    ],
    ids=["same image", "flipped copy", "same cell", "flipped copy of the same cell"],
)
def test_a_cell_on_both_sides_is_an_error(change: dict[str, object]) -> None:
    LEAK_FREE.check()
    with raises(LeakError, ErrorCode.DATA_LEAKAGE):
        dataclasses.replace(LEAK_FREE, **change).check()


def test_a_leak_free_test_side_has_no_flipped_copies() -> None:
    with raises(SplitError, ErrorCode.DATA_LEAKAGE, match=r"made/3\+flipped"):
        dataclasses.replace(LEAK_FREE, test=("made/3+flipped",)).check()


def test_an_empty_side_or_a_duplicate_image_is_rejected() -> None:
    with raises(SplitError, ErrorCode.EMPTY, match="training"):
        dataclasses.replace(LEAK_FREE, train=()).check()
    with raises(SplitError, ErrorCode.DUPLICATE, match="made/3"):
        dataclasses.replace(LEAK_FREE, test=("made/3", "made/3")).check()


def test_a_thesis_split_may_have_copies_on_both_sides_and_lists_them() -> None:
    split = Split("thesis", "made", ("made/1", "made/2"), ("made/1+flipped", "made/5"))
    split.check()
    assert split.find_leaking_pairs() == [("made/1", "made/1+flipped")]


def test_a_split_is_written_and_read_unchanged() -> None:
    split = build_leak_free_folds("made", make_samples(12, duplicates=2), folds=3)[1]
    assert Split.from_dict(split.to_dict()) == split
    changed = split.to_dict()
    changed["manifest"]["made/000"] = "0" * 64
    with raises(SplitError, ErrorCode.CHECKSUM_MISMATCH):
        Split.from_dict(changed)
    del changed["groups"]
    with raises(SplitError, ErrorCode.DAMAGED, match="groups"):
        Split.from_dict(changed)


def test_a_split_detects_changed_images() -> None:
    samples = make_samples(12)
    split = build_leak_free_folds("made", samples, folds=3)[0]
    manifest = {s.id: s.compute_digest() for s in samples}
    check_manifest("made", split.manifest, {**manifest, "made/new": "0" * 64})
    with pytest.raises(ManifestError, match="made/004 has another image or mask"):
        check_manifest("made", split.manifest, {**manifest, "made/004": "0" * 64})
    del manifest["made/007"]
    with pytest.raises(ManifestError, match="made/007 is missing"):
        check_manifest("made", split.manifest, manifest)


def test_folds_of_the_real_data(zheng_data: object) -> None:
    samples = list(open_dataset("zheng-1"))
    folds = build_leak_free_folds("zheng-1", samples)
    assert sum(len(split.test) for split in folds) == len(samples)
    sizes = [len(split.test) for split in folds]
    assert max(sizes) - min(sizes) <= 3
    for split in folds:
        split.check()
        assert split.find_leaking_pairs() == []


def test_a_leaky_split_needs_enough_training_images() -> None:
    with raises(SplitError, ErrorCode.TOO_SMALL):
        Split("leak-free", "made", ("made/1",), ("made/2", "made/3")).add_leaking_copies()


def test_dropped_images_are_on_neither_side() -> None:
    whole = Split("leak-free", "made", tuple(f"made/{i}" for i in range(20)), ("made/20", "made/21"))
    reduced = whole.drop(6)
    assert len(reduced.train) == 14
    assert set(reduced.train) < set(whole.train)
    assert reduced.test == whole.test
    assert reduced == whole.drop(6)
    assert dataclasses.replace(whole, seed=3).drop(6).train != reduced.train
    with raises(SplitError, ErrorCode.INVALID_VALUE, match="0 to 19"):
        whole.drop(20)
