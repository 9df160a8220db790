"""Data sets by name."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from expect import raises

from wbcseg import datasets
from wbcseg.datasets import DATASETS, list_datasets, open_dataset
from wbcseg.datasets.base import Dataset, SampleInfo
from wbcseg.errors import DatasetError, ErrorCode


def test_without_data_only_synthetic_cells_and_examples_are_ready(no_data: Path) -> None:
    status_by_name = {status.name: status for status in list_datasets()}
    assert list(status_by_name) == ["zheng-1", "zheng-2", "pbc", "synthetic", "examples"]
    assert [status.ready for status in status_by_name.values()] == [False, False, False, True, True]
    assert "WBCSEG_DATA" in status_by_name["zheng-1"].advice
    assert status_by_name["zheng-1"].count is None
    assert status_by_name["synthetic"].advice == ""


def test_the_synthetic_data_set_opens_without_data(no_data: Path) -> None:
    dataset = open_dataset("synthetic")
    status = DATASETS["synthetic"].get_status()
    assert dataset.name == "synthetic"
    assert (len(dataset), dataset.title) == (status.count, status.title)
    assert dataset.read("synthetic/001").mask is not None


def test_real_data_is_ready_where_it_is(zheng_data: Path) -> None:
    for status in list_datasets()[:2]:
        assert status.ready
        assert status.location == str(zheng_data)
        assert status.count == len(open_dataset(status.name))


def test_zheng_is_the_first_then_the_second(zheng_data: Path) -> None:
    both = open_dataset("zheng")
    assert both.name == "zheng"
    assert both.ids == open_dataset("zheng-1").ids + open_dataset("zheng-2").ids
    assert "Jiangxi Tecom" in both.acknowledgement
    assert "CellaVision" in both.acknowledgement


def test_a_wrong_wbcseg_data_is_a_status_not_a_crash(
    no_data: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("WBCSEG_DATA", str(tmp_path))
    assert [status.ready for status in list_datasets()] == [False, False, False, True, True]
    assert "WBCSEG_DATA is set to" in list_datasets()[0].advice


def test_a_path_is_a_data_set_too(pair_folder: Path) -> None:
    assert open_dataset(str(pair_folder)).name == "my cells"


@pytest.mark.parametrize("name", ["nope", "", "zheng-3", "a\0b", "../nope", "x" * 5000, "~nobody-here/x"])
def test_the_error_of_an_unknown_name_lists_the_known_ones(name: str) -> None:
    with pytest.raises(DatasetError, match="Use one of zheng-1, zheng-2, pbc, zheng, synthetic, examples, or the path"):
        open_dataset(name)


def test_exported_names_exist() -> None:
    assert sorted(datasets.__all__, key=lambda name: (not name.isupper(), name)) is not None
    for name in datasets.__all__:
        assert hasattr(datasets, name)


def test_importing_data_sets_is_cheap() -> None:
    script = (
        "import sys; import wbcseg.datasets; "
        "print([m for m in ('tensorflow', 'streamlit', 'pooch', 'requests', 'scipy') if m in sys.modules])"
    )
    root = Path(__file__).parents[2]
    result = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, cwd=root)
    assert result.stdout.strip() == "[]"


def test_a_data_set_finds_its_samples_by_id() -> None:
    entries = [SampleInfo(f"x/{n}", None, (1, 1), lambda: None) for n in range(3)]  # type: ignore[arg-type,return-value]
    dataset = Dataset("x", "X", entries)
    assert dataset.get_info("x/1") is entries[1]
    assert "x/2" in dataset
    assert "x/3" not in dataset
    with raises(DatasetError, ErrorCode.NOT_FOUND, match="'x/9'.* from x/0 to x/2"):
        dataset.get_info("x/9")
    with raises(DatasetError, ErrorCode.DUPLICATE, match="x/0"):
        Dataset("x", "X", [entries[0], entries[0]])


def test_data_sets_are_joined_by_a_plus(zheng_data: object) -> None:
    joined = open_dataset("zheng-2+synthetic")
    parts = open_dataset("zheng-2"), open_dataset("synthetic")
    assert joined.ids == (*parts[0].ids, *parts[1].ids)
    assert joined.name == "zheng-2+synthetic"
    assert (joined.read("synthetic/003").image == parts[1].read("synthetic/003").image).all()
    with raises(DatasetError, ErrorCode.NOT_FOUND):
        open_dataset("synthetic+nothing")
