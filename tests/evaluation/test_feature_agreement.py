"""Cell measurements from a model's masks against those from the experts' masks."""

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


def test_pairs_are_the_measurements_of_both_masks(zheng_data: Path) -> None:
    segmenter, dataset = Catalog().load("unet-16"), open_dataset("zheng-1")
    pairs = compute_feature_pairs(segmenter, dataset)
    assert set(pairs.ids) <= set(list_heldout_ids(segmenter, dataset))
    assert tuple(pairs.feature_values) == COMPARED_FEATURES
    index = len(pairs.ids) // 2
    sample = dataset.read(pairs.ids[index])
    assert sample.mask is not None
    expert = extract_features(sample.image, keep_main_cell(sample.mask))
    computed = extract_features(sample.image, keep_main_cell(segmenter.predict(sample.image).labels))
    assert expert is not None
    assert computed is not None
    for name in ("nucleus_to_cell", "cell_area", "nucleus_lobes"):
        assert pairs.feature_values[name][index] == (expert.values[name], computed.values[name])


def test_the_nuclear_fraction_has_a_mean_error_of_at_most_0_02(zheng_data: Path) -> None:
    pairs = compute_feature_pairs(Catalog().load("unet-16"), open_dataset("zheng-1"))
    assert pairs.compute_agreement("nucleus_to_cell").mean_absolute_error <= 0.02


def test_the_command_writes_what_it_prints(
    zheng_data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["agreement", "unet-16", "--out", str(tmp_path)]) == 0
    printed = capsys.readouterr().out
    assert [path.name for path in sorted(tmp_path.glob("*.json"))] == ["unet-16-tta.json", "unet-16.json"]
    for name, mode in (("unet-16", "single pass"), ("unet-16-tta", "test-time averaging")):
        result = read_result(tmp_path / f"{name}.json")
        assert result["tta"] == name.endswith("-tta")
        assert f"unet-16, {mode}: {len(result['ids'])} held-out images" in printed
        assert f"{result['agreement']['nucleus_to_cell']['mean_absolute_error']:.4g}"[:6] in printed
        assert len(result["pairs"]["cell_area"]) == len(result["ids"])


def test_both_prediction_modes_of_a_model_are_committed() -> None:
    names = {path.stem for path in COMMITTED}
    assert names
    assert all(f"{name.removesuffix('-tta')}{suffix}" in names for name in names for suffix in ("", "-tta"))


@pytest.mark.parametrize("path", COMMITTED, ids=lambda path: path.stem)
def test_committed_pairs_are_those_of_the_shipped_model(path: Path, zheng_data: Path) -> None:
    result = read_result(path)
    segmenter, dataset = Catalog().load(result["model"]), open_dataset("zheng-1")
    for index in range(0, len(result["ids"]), 9):
        if result["ids"][index] not in dataset:
            continue
        sample = dataset.read(result["ids"][index])
        labels = segmenter.predict(sample.image, tta=result["tta"]).labels
        computed = extract_features(sample.image, keep_main_cell(labels))
        assert computed is not None
        stored = result["pairs"]["nucleus_to_cell"][index][1]
        assert computed.values["nucleus_to_cell"] == pytest.approx(stored, abs=0.005)
