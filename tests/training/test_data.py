"""What a training learns from."""

from __future__ import annotations

from pathlib import Path

from builders import write_pairs

from wbcseg.datasets import open_dataset
from wbcseg.preparation.published import is_twin, twin
from wbcseg.training import TrainingConfig
from wbcseg.training.data import load_data
from wbcseg.training.estimate import pictures_of


def test_copies_are_made_of_training_pictures_only_and_some_are_left_out(tmp_path: Path) -> None:
    folder = write_pairs(tmp_path / "cells", 10, (48, 48), seed=3)
    config = TrainingConfig(dataset=str(folder), canvas=48, twins=True, left_out=0.2)
    data = load_data(config, open_dataset(str(folder)))
    originals, copies = data.train.ids[:6], data.train.ids[6:]
    assert len(data.train) == 12
    assert len(data.test) == 2
    assert copies == tuple(f"{one}+twin" for one in originals)
    assert not any(is_twin(one) for one in data.test.ids)
    assert (data.train.images[6] == twin(data.train.images[0])).all()
    assert (data.train.labels[6] == twin(data.train.labels[0])).all()
    assert data.split.train == data.train.ids
    assert data.split.twins_across() == []
    assert pictures_of(config) == (len(data.train), len(data.test))


def test_a_leak_on_purpose_changes_nothing_but_which_pictures_are_copied(tmp_path: Path) -> None:
    folder = write_pairs(tmp_path / "cells", 10, (48, 48), seed=3)
    config = TrainingConfig(dataset=str(folder), canvas=48, twins=True)
    fair, leaking = (load_data(config.replace(split=s), open_dataset(str(folder))) for s in ("leak-free", "leaking"))
    assert fair.test.ids == leaking.test.ids
    assert len(fair.train) == len(leaking.train) == 16
    assert fair.train.ids[:8] == leaking.train.ids[:8]
    assert not set(leaking.train.ids) & set(leaking.test.ids)
    assert sorted(leaking.split.twins_across()) == sorted((f"{one}+twin", one) for one in leaking.test.ids)
    place = leaking.train.ids.index(f"{leaking.test.ids[0]}+twin")
    assert (leaking.train.images[place] == twin(leaking.test.images[0])).all()
    assert pictures_of(config.replace(split="leaking")) == (16, 2)
