"""What a training learns from."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from builders import write_pairs

from wbcseg.datasets import open_dataset
from wbcseg.splitting.thesis import is_flipped_copy, make_flipped_copy
from wbcseg.training import TrainingConfig
from wbcseg.training.cost.estimate import count_samples
from wbcseg.training.data import ArraySplit, Batch, iter_training_batches, load_data, prefetch, select_balanced_indices


def test_copies_are_made_of_training_pictures_only_and_some_are_left_out(tmp_path: Path) -> None:
    folder = write_pairs(tmp_path / "cells", 10, (48, 48), seed=3)
    config = TrainingConfig(dataset=str(folder), input_size=48, flipped_copies=True, unused_fraction=0.2)
    data = load_data(config, open_dataset(str(folder)))
    originals, copies = data.train.ids[:6], data.train.ids[6:]
    assert len(data.train) == 12
    assert len(data.test) == 2
    assert copies == tuple(f"{one}+flipped" for one in originals)
    assert not any(is_flipped_copy(one) for one in data.test.ids)
    assert (data.train.images[6] == make_flipped_copy(data.train.images[0])).all()
    assert (data.train.labels[6] == make_flipped_copy(data.train.labels[0])).all()
    assert data.split.train == data.train.ids
    assert data.split.find_leaking_pairs() == []
    assert count_samples(config) == (len(data.train), len(data.test))


def test_a_leak_on_purpose_changes_nothing_but_which_pictures_are_copied(tmp_path: Path) -> None:
    folder = write_pairs(tmp_path / "cells", 10, (48, 48), seed=3)
    config = TrainingConfig(dataset=str(folder), input_size=48, flipped_copies=True)
    fair, leaking = (load_data(config.replace(split=s), open_dataset(str(folder))) for s in ("leak-free", "leaky"))
    assert fair.test.ids == leaking.test.ids
    assert len(fair.train) == len(leaking.train) == 16
    assert fair.train.ids[:8] == leaking.train.ids[:8]
    assert not set(leaking.train.ids) & set(leaking.test.ids)
    assert sorted(leaking.split.find_leaking_pairs()) == sorted((f"{one}+flipped", one) for one in leaking.test.ids)
    place = leaking.train.ids.index(f"{leaking.test.ids[0]}+flipped")
    assert (leaking.train.images[place] == make_flipped_copy(leaking.test.images[0])).all()
    assert count_samples(config.replace(split="leaky")) == (16, 2)


def test_the_last_epochs_may_be_sharp(tmp_path: Path) -> None:
    folder = write_pairs(tmp_path / "cells", 4, (48, 48), seed=3)
    config = TrainingConfig(
        dataset=str(folder), input_size=48, folds=4, augmentation="geometry", epochs=9, warmup_epochs=0, clean_epochs=2
    )
    side = load_data(config, open_dataset(str(folder))).train
    pixels = {tuple(sorted(image.ravel().tolist())) for image in side.images}
    for epoch in range(9):
        ((images, _),) = iter_training_batches(side, config, epoch)
        same = [tuple(sorted(np.rint(image * 255).astype(int).ravel().tolist())) in pixels for image in images]
        assert all(same) == (epoch >= 7)


def test_without_balance_every_picture_is_shown_once() -> None:
    types = ["neutrophil"] * 5 + [None] * 2
    assert sorted(select_balanced_indices(types, 0.0, np.random.default_rng(1)).tolist()) == list(range(7))


def test_balanced_every_cell_type_is_shown_as_often() -> None:
    types = ["neutrophil"] * 60 + ["monocyte"] * 20 + ["eosinophil"] * 10
    rng = np.random.default_rng(2)
    for balance, expected in ((1.0, (30, 30, 30)), (0.5, (60**0.5, 20**0.5, 10**0.5))):
        shown = select_balanced_indices(types, balance, rng)
        assert len(shown) == 90
        counts = Counter(types[i] for i in shown)
        wanted = np.array(expected) / sum(expected) * 90
        assert np.abs(np.array([counts[kind] for kind in dict.fromkeys(types)]) - wanted).max() <= 12
        # Every picture of a type is shown as often as the others of it, up to one.
        each = Counter(shown.tolist())
        assert len({each[i] for i in range(80, 90)}) <= 2
    means = Counter(types[i] for _ in range(300) for i in select_balanced_indices(types, 1.0, rng))
    assert all(abs(n / 300 - 30) < 0.5 for n in means.values())


def test_a_single_picture_of_a_rare_type_does_not_fill_an_epoch() -> None:
    types = ["neutrophil"] * 100 + ["basophil"]
    counts = Counter(select_balanced_indices(types, 1.0, np.random.default_rng(3)).tolist())
    assert counts[100] <= 10


def test_a_kind_is_a_cell_type_of_one_laboratory() -> None:
    images = np.zeros((3, 24, 24, 3), dtype=np.uint8)
    labels = np.zeros((3, 24, 24), dtype=np.uint8)
    ids, types = ("zheng-1/001", "zheng-2/001", "zheng-2/002"), ("neutrophil", "neutrophil", None)
    side = ArraySplit(ids, images, labels, labels > 0, types)
    assert side.strata == [("zheng-1", "neutrophil"), ("zheng-2", "neutrophil"), ("zheng-2", None)]


def test_the_next_batch_is_made_while_one_is_used() -> None:
    made = [threading.Event() for _ in range(4)]

    def batches() -> Iterator[Batch]:
        for number, event in enumerate(made):
            event.set()
            yield np.full((1, 2, 2, 3), number, np.float32), np.zeros((1, 2, 2, 3), np.float32)

    for number, (images, _) in enumerate(prefetch(batches())):
        assert images[0, 0, 0, 0] == number
        assert all(event.wait(10) for event in made[: number + 2])
        assert not any(event.is_set() for event in made[number + 2 :])
    assert number == 3


def test_a_training_that_stops_leaves_no_thread_behind() -> None:
    def batches() -> Iterator[Batch]:
        while True:
            yield np.zeros((1, 2, 2, 3), np.float32), np.zeros((1, 2, 2, 3), np.float32)

    made = prefetch(batches())
    next(made)
    assert any(thread.name.startswith("batches") for thread in threading.enumerate())
    made.close()
    assert not any(thread.name.startswith("batches") for thread in threading.enumerate())


def test_what_fails_while_a_batch_is_made_is_told() -> None:
    def batches() -> Iterator[Batch]:
        yield np.zeros((1, 2, 2, 3), np.float32), np.zeros((1, 2, 2, 3), np.float32)
        raise MemoryError("no memory for the second batch")

    made = prefetch(batches())
    next(made)
    with pytest.raises(MemoryError, match="second batch"):
        next(made)
