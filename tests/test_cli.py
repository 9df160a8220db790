"""The terminal, as a person types it."""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from models import FIRST_CHOICE, SHIPPED, copy_of_shipped

from wbcseg.cards import ModelCard
from wbcseg.cli import main
from wbcseg.datasets.synthetic import draw_sample
from wbcseg.images import encode_png, open_image, open_mask
from wbcseg.prediction.tidying import tidied
from wbcseg.training import Run, TrainingConfig, runs_folder
from wbcseg.training.run import Status


@pytest.fixture(autouse=True)
def _no_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WBCSEG_RUNS", str(tmp_path / "runs"))


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    folder = tmp_path / "pictures"
    folder.mkdir()
    for i, size in enumerate([(120, 120), (100, 116), (300, 280)]):
        (folder / f"cell {i}.png").write_bytes(encode_png(draw_sample(3, i, size=size).image))
    return folder


def test_predict_writes_masks_and_overlays_of_the_pictures_size(pictures: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert main(["predict", str(pictures), "--model", *SHIPPED, "--out", str(out)]) == 0
    for model in SHIPPED:
        for picture in pictures.iterdir():
            size = open_image(picture.read_bytes()).pixels.shape
            data = (out / model / picture.name).read_bytes()
            assert set(np.unique(open_image(data).pixels)) <= {0, 128, 255}
            assert open_mask(data).shape == size[:2]
            overlay = open_image((out / model / f"{picture.stem}.overlay.png").read_bytes()).pixels
            assert overlay.shape == size
    assert len(list(out.rglob("*.*"))) == 3 * 2 * len(SHIPPED)


def test_predict_keeps_going_past_bad_files(pictures: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (pictures / "broken.png").write_bytes((pictures / "cell 0.png").read_bytes()[:500])
    (pictures / "empty.jpg").write_bytes(b"")
    (pictures / "page.tif").write_bytes(b"<html>")
    (pictures / "dot.png").write_bytes(encode_png(np.zeros((1, 1, 3), np.uint8)))
    missing = str(tmp_path / "nowhere.png")
    assert main(["predict", str(pictures), missing, "--out", str(tmp_path / "out")]) == 1
    said = capsys.readouterr()
    for name in ("broken.png", "empty.jpg", "page.tif", "dot.png", "nowhere.png"):
        assert f"{name}: " in said.err
    assert "Traceback" not in said.err
    assert "3 of 8 pictures" in said.out
    assert len(list((tmp_path / "out" / FIRST_CHOICE).glob("cell ?.png"))) == 3


def test_fault_10_names_never_lead_out_of_the_folder_and_nothing_is_overwritten(tmp_path: Path) -> None:
    data = encode_png(draw_sample(3, 0).image)
    paths = [tmp_path / "a" / "cell.png", tmp_path / "b" / "cell.bmp", tmp_path / "b" / "=HYPERLINK(x).png"]
    if os.name != "nt":
        paths += [tmp_path / "b" / "..\\..\\up.png", tmp_path / "b" / "<b>fett</b>.png", tmp_path / "b" / "细胞.png"]
    for path in paths:
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(data)
    before = set(tmp_path.rglob("*"))
    assert main(["predict", *map(str, paths), "--out", str(tmp_path / "out")]) == 0
    written = {p for p in tmp_path.rglob("*") if p.is_file()} - before
    assert all(p.parent == tmp_path / "out" / FIRST_CHOICE for p in written)
    assert len(written) == 2 * len(paths)


def test_predict_measures_outlines_and_reports(pictures: Path, tmp_path: Path) -> None:
    out, report = tmp_path / "out", tmp_path / "reports" / "cells.pdf"
    options = ["--measure", "--micrometres", "0.1", "--report", str(report), "--export", "geojson", "coco"]
    assert main(["predict", str(pictures), "--out", str(out), *options]) == 0
    rows = list(csv.DictReader((out / "figures.csv").read_text(encoding="utf-8-sig").splitlines()))
    masks = {path.stem: path for path in (out / FIRST_CHOICE).glob("*.png") if ".overlay" not in path.name}
    assert {row["picture"] for row in rows} == set(masks)
    for row in rows:
        cell = tidied(open_mask(masks[row["picture"]].read_bytes()))
        assert float(row["cell_area_um2"]) == pytest.approx(0.01 * (cell > 0).sum(), rel=1e-4)
        outline = json.loads((out / FIRST_CHOICE / f"{row['picture']}.geojson").read_text(encoding="utf-8"))
        assert outline["features"][0]["properties"]["measurements"]["cell_area"] > 0
    assert len(json.loads((out / "outlines.coco.json").read_text(encoding="utf-8"))["images"]) == len(masks)
    assert report.read_bytes().startswith(b"%PDF-")


@pytest.mark.parametrize("scale", ["0", "-1", "nan"])
def test_predict_refuses_a_scale_that_is_none(
    pictures: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], scale: str
) -> None:
    assert main(["predict", str(pictures), "--out", str(tmp_path), "--measure", "--micrometres", scale]) == 1
    assert "--micrometres must be more than 0" in capsys.readouterr().err


def test_predict_refuses_an_unknown_model(pictures: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["predict", str(pictures), "--model", "best", "--out", str(tmp_path / "out")]) == 1
    assert "There is no model 'best'" in capsys.readouterr().err


def test_models_tells_all_of_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    copy_of_shipped(tmp_path / "weights", notes=["More epochs did not help.", "Nor did fewer."])
    monkeypatch.setenv("WBCSEG_WEIGHTS", str(tmp_path / "weights"))
    assert main(["models", "unet-16"]) == 0
    out = capsys.readouterr().out
    assert "fold 0 of 5 held out" in out
    assert "  More epochs did not help.\n  Nor did fewer.\n" in out
    assert "learning_rate 0.003" in out
    assert "Not a medical device" in out
    assert main(["models", "nobody"]) == 1
    assert "There is no model 'nobody'" in capsys.readouterr().err
    card = ModelCard.read(tmp_path / "weights" / "unet-16")
    assert card.to_dict()["notes"] == ["More epochs did not help.", "Nor did fewer."]


def test_models_lists_what_can_be_used(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["models", "--json"]) == 0
    listed = json.loads(capsys.readouterr().out)
    assert [entry["name"] for entry in listed] == list(SHIPPED)
    assert all(entry["problem"] is None and entry["heldout"]["pictures"] > 0 for entry in listed)
    assert main(["models"]) == 0
    assert "Dice on" in capsys.readouterr().out


def test_data_says_what_is_here(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("WBCSEG_DATA", raising=False)
    monkeypatch.setenv("WBCSEG_CACHE", str(tmp_path / "cache"))
    assert main(["data"]) == 0
    said = capsys.readouterr().out
    assert "synthetic" in said
    assert "missing" in said


def test_architectures_lists_parameters_as_json() -> None:
    command = [sys.executable, "-m", "wbcseg", "architectures", "--json", "--width", "16"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    listed = {entry["name"]: entry for entry in json.loads(done.stdout)}
    assert set(listed) == {"unet", "segnet", "deconvnet"}
    assert listed["unet"]["output_shape"] == [120, 120, 3]
    assert listed["unet"]["multiply_adds"] > 4e8


def test_errors_are_a_sentence_and_a_code(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["architectures", "--side", "100"]) == 1
    assert capsys.readouterr().err == "Error: Option --side must be a multiple of 24. Received: 100\n"
    with pytest.raises(SystemExit) as stop:
        main(["fly"])
    assert stop.value.code == 2


def test_evaluate_agrees_with_the_card(zheng_data: object, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["evaluate", "unet-16"]) == 0
    assert "DIFFERS" not in capsys.readouterr().out


def a_run(name: str, status: Status, **details: object) -> Run:
    run = Run(runs_folder() / name)
    run.create(TrainingConfig(width=4, epochs=8))
    run.set_state(status, **details)
    return run


def test_runs_are_listed_shown_and_deleted(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    assert main(["runs", "list"]) == 0
    assert "No runs" in capsys.readouterr().out
    run = a_run("first", "failed", reason="The loss became nan.")
    run.write("metrics.json", {"epochs": [{"epoch": 1, "loss": 0.5, "val_dice_cell": 0.75, "seconds": 61.0}]})
    a_run("second", "stopped")
    assert main(["runs", "list"]) == 0
    line = next(line for line in capsys.readouterr().out.splitlines() if line.startswith("first"))
    assert line.split()[1:] == ["failed", "epoch", "1/8", "0:01:01", "held-out", "Dice", "cell", "0.750"]
    assert main(["runs", "list", "--json"]) == 0
    assert {one["name"]: one["situation"] for one in json.loads(capsys.readouterr().out)} == {
        "first": "failed",
        "second": "stopped",
    }
    assert main(["runs", "show", "first"]) == 0
    shown = capsys.readouterr().out
    assert "The loss became nan." in shown
    assert "learning_rate" in shown
    assert main(["runs", "show", "first", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["metrics"][0]["val_dice_cell"] == 0.75

    monkeypatch.setattr("builtins.input", lambda _: "n")
    assert main(["runs", "delete", "first"]) == 1
    assert "Nothing was deleted" in capsys.readouterr().err
    assert main(["runs", "delete", "first", "second", "--yes", "--json"]) == 0
    assert [one["situation"] for one in json.loads(capsys.readouterr().out)] == [None, None]
    assert not run.folder.exists()


def test_runs_that_cannot_be_acted_on_are_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["runs", "show", "nowhere"]) == 1
    assert "There is no run 'nowhere'. Runs here: none." in capsys.readouterr().err
    a_run("idle", "stopped")
    a_run("busy", "running")
    assert main(["runs", "stop", "idle"]) == 1
    assert "nothing to stop" in capsys.readouterr().out
    assert main(["runs", "delete", "busy", "--yes", "--json"]) == 1
    result = json.loads(capsys.readouterr().out)
    assert "being trained" in result[0]["error"]
    assert result[0]["situation"] == "running"
    assert main(["runs", "resume", "busy"]) == 1
    assert "being trained" in capsys.readouterr().out
