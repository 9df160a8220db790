"""Which images show the same cell is remembered, and gives the folds that a training makes."""

import numpy as np
import pytest

from wbcseg.datasets import open_dataset
from wbcseg.splitting.cell_groups import CellGroups, find_cell_groups, load_cell_groups, store_cell_groups
from wbcseg.splitting.splits import build_leak_free_folds


@pytest.fixture(autouse=True)
def _cache(tmp_path, monkeypatch):
    monkeypatch.setenv("WBCSEG_CACHE", str(tmp_path / "cache"))


def test_what_is_remembered_gives_the_same_folds():
    dataset = open_dataset("synthetic")
    assert load_cell_groups(dataset) is None
    store_cell_groups(dataset, find_cell_groups(list(dataset)))
    cells = load_cell_groups(dataset)
    folds = cells.assign_folds(4, 7)
    for split in build_leak_free_folds("synthetic", list(dataset), folds=4, seed=7):
        assert [cells.ids[i] for i in np.flatnonzero(folds == split.fold)] == list(split.test)


def test_cells_with_several_images_stay_together_and_rare_types_are_spread():
    groups = CellGroups(
        tuple(f"x/{i}" for i in range(12)), (0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9), ("a",) * 10 + ("b", "b")
    )
    folds = groups.assign_folds(3, 2)
    assert len(set(folds[:3])) == 1
    assert groups.list_groups()[0] == ("x/0", "x/1", "x/2")
    assert set(folds) == {0, 1, 2}


@pytest.mark.parametrize("text", ["", "[]", '{"groups": [1], "cell_types": ["a"]}', '{"groups": "x"}'])
def test_a_damaged_record_is_not_used(tmp_path, text):
    dataset = open_dataset("synthetic")
    store_cell_groups(dataset, CellGroups(dataset.ids, tuple(range(60)), ("a",) * 60))
    (path,) = (tmp_path / "cache").rglob("*.json")
    path.write_text(text)
    assert load_cell_groups(dataset) is None
