"""The arrays of a training: split, copies, balance, batches."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from builders import write_pairs

from wbcseg.datasets import open_dataset
from wbcseg.errors import LeakError
from wbcseg.splitting.thesis import is_flipped_copy, make_flipped_copy
from wbcseg.training import TrainingConfig
from wbcseg.training.cost.estimate import count_samples
from wbcseg.training.data import ArraySplit, Batch, iter_training_batches, load_data, prefetch, select_balanced_indices


def test_only_training_images_are_copied_and_a_fraction_is_unused(tmp_path: Path) -> None:
    folder = write_pairs(tmp_path / "cells", 10, (48, 48), seed=3)
    config = TrainingConfig(dataset=str(folder), input_size=48, flipped_copies=True, unused_fraction=0.2)
    data = load_data(config, open_dataset(str(folder)))
    originals, copies = data.train.ids[:6], data.train.ids[6:]
    assert len(data.train) == 12
    assert len(data.test) == 2
    assert copies == tuple(f"{sample_id}+flipped" for sample_id in originals)
    assert not any(is_flipped_copy(sample_id) for sample_id in data.test.ids)
    assert (data.train.images[6] == make_flipped_copy(data.train.images[0])).all()
    assert (data.train.labels[6] == make_flipped_copy(data.train.labels[0])).all()
    assert data.split.train == data.train.ids
    assert data.split.find_leaking_pairs() == []
    assert count_samples(config) == (len(data.train), len(data.test))


def test_the_leaky_split_differs_only_in_which_images_are_copied(tmp_path: Path) -> None:
    folder = write_pairs(tmp_path / "cells", 10, (48, 48), seed=3)
    config = TrainingConfig(dataset=str(folder), input_size=48, flipped_copies=True)
    leak_free, leaky = (load_data(config.replace(split=s), open_dataset(str(folder))) for s in ("leak-free", "leaky"))
    assert leak_free.test.ids == leaky.test.ids
    assert len(leak_free.train) == len(leaky.train) == 16
    assert leak_free.train.ids[:8] == leaky.train.ids[:8]
    assert not set(leaky.train.ids) & set(leaky.test.ids)
    assert sorted(leaky.split.find_leaking_pairs()) == sorted(
        (f"{sample_id}+flipped", sample_id) for sample_id in leaky.test.ids
    )
    index = leaky.train.ids.index(f"{leaky.test.ids[0]}+flipped")
    assert (leaky.train.images[index] == make_flipped_copy(leaky.test.images[0])).all()
    assert count_samples(config.replace(split="leaky")) == (16, 2)


def test_additional_images_only_train(tmp_path: Path) -> None:
    folder = write_pairs(tmp_path / "cells", 10, (48, 48), seed=3)
    more = write_pairs(tmp_path / "more", 4, (60, 56), seed=4)
    config = TrainingConfig(dataset=str(folder), input_size=48, extra_dataset=str(more))
    without = load_data(config, open_dataset(str(folder)))
    data = load_data(config, open_dataset(str(folder)), open_dataset(str(more)))
    assert data.test.ids == without.test.ids
    assert data.split == without.split
    assert data.train.ids == (*without.train.ids, *open_dataset(str(more)).ids)
    assert count_samples(config) == (len(data.train), len(data.test))


def test_an_additional_image_must_not_be_a_test_image(tmp_path: Path) -> None:
    folder = write_pairs(tmp_path / "cells", 10, (48, 48), seed=3)
    config = TrainingConfig(dataset=str(folder), input_size=48, extra_dataset=str(folder))
    with pytest.raises(LeakError, match="test image"):
        load_data(config, open_dataset(str(folder)), open_dataset(str(folder)))


def test_the_last_epochs_can_be_clean(tmp_path: Path) -> None:
    folder = write_pairs(tmp_path / "cells", 4, (48, 48), seed=3)
    config = TrainingConfig(
        dataset=str(folder), input_size=48, folds=4, augmentation="geometry", epochs=9, warmup_epochs=0, clean_epochs=2
    )
    split_part = load_data(config, open_dataset(str(folder))).train
    pixels = {tuple(sorted(image.ravel().tolist())) for image in split_part.images}
    for epoch in range(9):
        ((images, _),) = iter_training_batches(split_part, config, epoch)
        same = [tuple(sorted(np.rint(image * 255).astype(int).ravel().tolist())) in pixels for image in images]
        assert all(same) == (epoch >= 7)


def test_without_balance_every_image_is_used_once() -> None:
    types = ["neutrophil"] * 5 + [None] * 2
    assert sorted(select_balanced_indices(types, 0.0, np.random.default_rng(1)).tolist()) == list(range(7))


def test_balanced_cell_types_are_used_equally_often() -> None:
    types = ["neutrophil"] * 60 + ["monocyte"] * 20 + ["eosinophil"] * 10
    rng = np.random.default_rng(2)
    for balance, expected in ((1.0, (30, 30, 30)), (0.5, (60**0.5, 20**0.5, 10**0.5))):
        shown = select_balanced_indices(types, balance, rng)
        assert len(shown) == 90
        counts = Counter(types[i] for i in shown)
        wanted = np.array(expected) / sum(expected) * 90
        assert np.abs(np.array([counts[kind] for kind in dict.fromkeys(types)]) - wanted).max() <= 12
        # All images of a type are used equally often, up to one.
        each = Counter(shown.tolist())
        assert len({each[i] for i in range(80, 90)}) <= 2
    means = Counter(types[i] for _ in range(300) for i in select_balanced_indices(types, 1.0, rng))
    assert all(abs(n / 300 - 30) < 0.5 for n in means.values())


def test_a_single_image_of_a_rare_type_does_not_fill_an_epoch() -> None:
    types = ["neutrophil"] * 100 + ["basophil"]
    counts = Counter(select_balanced_indices(types, 1.0, np.random.default_rng(3)).tolist())
    assert counts[100] <= 10


def test_a_stratum_is_a_cell_type_of_one_data_set() -> None:
    images = np.zeros((3, 24, 24, 3), dtype=np.uint8)
    labels = np.zeros((3, 24, 24), dtype=np.uint8)
    ids, types = ("zheng-1/001", "zheng-2/001", "zheng-2/002"), ("neutrophil", "neutrophil", None)
    split_part = ArraySplit(ids, images, labels, labels > 0, types)
    assert split_part.strata == [("zheng-1", "neutrophil"), ("zheng-2", "neutrophil"), ("zheng-2", None)]


def test_the_next_batch_is_prepared_while_one_is_used() -> None:
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


def test_closing_the_batches_ends_their_thread() -> None:
    def batches() -> Iterator[Batch]:
        while True:
            yield np.zeros((1, 2, 2, 3), np.float32), np.zeros((1, 2, 2, 3), np.float32)

    made = prefetch(batches())
    next(made)
    assert any(thread.name.startswith("batches") for thread in threading.enumerate())
    made.close()
    assert not any(thread.name.startswith("batches") for thread in threading.enumerate())


def test_an_error_while_a_batch_is_prepared_is_raised() -> None:
    def batches() -> Iterator[Batch]:
        yield np.zeros((1, 2, 2, 3), np.float32), np.zeros((1, 2, 2, 3), np.float32)
        raise MemoryError("no memory for the second batch")

    made = prefetch(batches())
    next(made)
    with pytest.raises(MemoryError, match="second batch"):
        next(made)
