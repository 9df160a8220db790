"""Figures from a model's masks against those from the experts'."""

from __future__ import annotations

from pathlib import Path

import pytest

from wbcseg.cli import main
from wbcseg.datasets import open_dataset
from wbcseg.evaluation.feature_agreement import COMPARED_FEATURES, FEATURE_AGREEMENT_FOLDER, compute_feature_pairs
from wbcseg.evaluation.heldout import list_heldout_ids
from wbcseg.evaluation.result_store import read_result
from wbcseg.features import extract_features
from wbcseg.inference import Catalog
from wbcseg.inference.postprocess import keep_main_cell

COMMITTED = sorted(FEATURE_AGREEMENT_FOLDER.glob("*.json"))


def test_a_sample_of_pairs_is_that_of_the_core(zheng_data: Path) -> None:
    segmenter, data = Catalog().load("unet-16"), open_dataset("zheng-1")
    found = compute_feature_pairs(segmenter, data)
    assert set(found.ids) <= set(list_heldout_ids(segmenter, data))
    assert tuple(found.feature_values) == COMPARED_FEATURES
    number = len(found.ids) // 2
    sample = data.read(found.ids[number])
    assert sample.mask is not None
    expert = extract_features(sample.image, keep_main_cell(sample.mask))
    computed = extract_features(sample.image, keep_main_cell(segmenter.predict(sample.image).labels))
    assert expert is not None
    assert computed is not None
    for name in ("nucleus_to_cell", "cell_area", "nucleus_lobes"):
        assert found.feature_values[name][number] == (expert.values[name], computed.values[name])


def test_the_bar_for_the_ratio_is_met(zheng_data: Path) -> None:
    found = compute_feature_pairs(Catalog().load("unet-16"), open_dataset("zheng-1"))
    assert found.compute_agreement("nucleus_to_cell").mean_absolute_error <= 0.02


def test_the_command_writes_what_it_prints(
    zheng_data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["evaluate", "unet-16", "--agreement", "--out", str(tmp_path)]) == 0
    printed = capsys.readouterr().out
    paths = sorted(tmp_path.glob("*.json"))
    assert [path.name for path in paths] == ["unet-16-careful.json", "unet-16.json"]
    for path, how in zip(paths, ("careful", "one look"), strict=True):
        result = read_result(path)
        assert result["careful"] == (how == "careful")
        assert f"unet-16, {how}: {len(result['ids'])} held-out pictures" in printed
        assert f"{result['agreement']['nucleus_to_cell']['mean_absolute_error']:.4g}"[:6] in printed
        assert len(result["pairs"]["cell_area"]) == len(result["ids"])


def test_every_look_of_a_measured_model_was_measured() -> None:
    names = {path.stem for path in COMMITTED}
    assert names
    assert all(f"{name.removesuffix('-careful')}{end}" in names for name in names for end in ("", "-careful"))


@pytest.mark.parametrize("path", COMMITTED, ids=lambda path: path.stem)
def test_committed_agreement_is_that_of_the_shipped_model(path: Path, zheng_data: Path) -> None:
    result = read_result(path)
    segmenter, data = Catalog().load(result["model"]), open_dataset("zheng-1")
    for number in range(0, len(result["ids"]), 9):
        if result["ids"][number] not in data:
            continue
        sample = data.read(result["ids"][number])
        computed = extract_features(
            sample.image, keep_main_cell(segmenter.predict(sample.image, tta=result["careful"]).labels)
        )
        assert computed is not None
        assert computed.values["nucleus_to_cell"] == pytest.approx(
            result["pairs"]["nucleus_to_cell"][number][1], abs=0.005
        )
