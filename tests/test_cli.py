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
from builders import zipped
from models import FIRST_CHOICE, SHIPPED, copy_of_shipped
from PIL import Image

from wbcseg.cli import main, translate_old_names
from wbcseg.datasets.sources import FolderSource
from wbcseg.datasets.synthetic import draw_sample
from wbcseg.errors import ImageError
from wbcseg.inference import Segmenter
from wbcseg.inference.postprocess import keep_main_cell
from wbcseg.io import encode_png, open_image, open_mask
from wbcseg.labels import to_grey
from wbcseg.models.card import ModelCard
from wbcseg.paths import get_runs_folder
from wbcseg.pipeline import collect_inputs
from wbcseg.training import Run, TrainingConfig
from wbcseg.training.runs.state import StoredStatus
from wbcseg.training.settings import SETTINGS


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


def test_segment_writes_masks_and_overlays_of_the_pictures_size(pictures: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert main(["segment", str(pictures), "--model", *SHIPPED, "--out", str(out)]) == 0
    for model in SHIPPED:
        for picture in pictures.iterdir():
            size = open_image(picture.read_bytes()).pixels.shape
            data = (out / model / picture.name).read_bytes()
            assert set(np.unique(open_image(data).pixels)) <= {0, 128, 255}
            assert open_mask(data).shape == size[:2]
            overlay = open_image((out / model / f"{picture.stem}.overlay.png").read_bytes()).pixels
            assert overlay.shape == size
    assert len(list(out.rglob("*.*"))) == 3 * 2 * len(SHIPPED)


def test_segment_keeps_going_past_bad_files(pictures: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (pictures / "broken.png").write_bytes((pictures / "cell 0.png").read_bytes()[:500])
    (pictures / "empty.jpg").write_bytes(b"")
    (pictures / "page.tif").write_bytes(b"<html>")
    (pictures / "dot.png").write_bytes(encode_png(np.zeros((1, 1, 3), np.uint8)))
    missing = str(tmp_path / "nowhere.png")
    assert main(["segment", str(pictures), missing, "--out", str(tmp_path / "out")]) == 1
    said = capsys.readouterr()
    for name in ("broken.png", "empty.jpg", "page.tif", "dot.png", "nowhere.png"):
        assert f"{name}: " in said.err
    assert "Traceback" not in said.err
    assert "3 of 8 images" in said.out
    assert len(list((tmp_path / "out" / FIRST_CHOICE).glob("cell ?.png"))) == 3


def test_segment_writes_only_into_its_folder_and_overwrites_nothing(tmp_path: Path) -> None:
    data = encode_png(draw_sample(3, 0).image)
    paths = [tmp_path / "a" / "cell.png", tmp_path / "b" / "cell.bmp", tmp_path / "b" / "=HYPERLINK(x).png"]
    if os.name != "nt":
        paths += [tmp_path / "b" / "..\\..\\up.png", tmp_path / "b" / "<b>fett</b>.png", tmp_path / "b" / "细胞.png"]
    for path in paths:
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(data)
    before = set(tmp_path.rglob("*"))
    assert main(["segment", *map(str, paths), "--out", str(tmp_path / "out")]) == 0
    written = {p for p in tmp_path.rglob("*") if p.is_file()} - before
    assert all(p.parent == tmp_path / "out" / FIRST_CHOICE for p in written)
    assert len(written) == 2 * len(paths)


def test_segment_measures_outlines_and_reports(pictures: Path, tmp_path: Path) -> None:
    out, report = tmp_path / "out", tmp_path / "reports" / "cells.pdf"
    options = ["--measurements", "--pixel-size", "0.1", "--report", str(report), "--export", "geojson", "coco"]
    assert main(["segment", str(pictures), "--out", str(out), *options]) == 0
    rows = list(csv.DictReader((out / "cells.csv").read_text(encoding="utf-8-sig").splitlines()))
    masks = {path.stem: path for path in (out / FIRST_CHOICE).glob("*.png") if ".overlay" not in path.name}
    assert {row["image"] for row in rows} == {f"{stem}.png" for stem in masks}
    assert [row["image_index"] for row in rows] == ["1", "2", "3"]
    for row in rows:
        stem = Path(row["image"]).stem
        assert row["mask_file"] == f"{FIRST_CHOICE}/{stem}.png"
        cell = keep_main_cell(open_mask((out / row["mask_file"]).read_bytes()))
        assert float(row["cell_area_um2"]) == pytest.approx(0.01 * (cell > 0).sum(), rel=1e-4)
        outline = json.loads((out / FIRST_CHOICE / f"{stem}.geojson").read_text(encoding="utf-8"))
        assert outline["features"][0]["properties"]["measurements"]["cell_area_um2"] == pytest.approx(
            float(row["cell_area_um2"]), rel=1e-4
        )
    document = json.loads((out / "outlines.coco.json").read_text(encoding="utf-8"))
    assert [image["file_name"] for image in document["images"]] == [row["image"] for row in rows]
    assert report.read_bytes().startswith(b"%PDF-")


def pair(folder: Path, name: str, number: int) -> None:
    """Write a drawn cell and its exact mask beside it."""
    sample = draw_sample(3, number, size=(120, 120))
    assert sample.mask is not None
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{name}.png").write_bytes(encode_png(sample.image))
    (folder / f"{name}_mask.png").write_bytes(encode_png(to_grey(sample.mask)))


def figures(out: Path) -> list[dict[str, str]]:
    return list(csv.DictReader((out / "cells.csv").read_text(encoding="utf-8-sig").splitlines()))


def test_segment_scores_against_masks_that_lie_beside_the_pictures(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pair(tmp_path / "in", "a", 0)
    pair(tmp_path / "in" / "deeper", "a", 1)
    out = tmp_path / "in" / "out"
    for _ in range(2):  # The second time, what the first has written lies there too.
        assert main(["segment", str(tmp_path / "in"), "--out", str(out), "--measurements"]) == 0
        rows = figures(out)
        assert [row["image"] for row in rows] == ["a.png", "deeper/a.png"]
        assert [row["mask_file"] for row in rows] == [f"{FIRST_CHOICE}/a.png", f"{FIRST_CHOICE}/a-2.png"]
        dice = [float(row["dice_nucleus"]) for row in rows]
        assert min(dice) > 0.5
        told = capsys.readouterr().out
        assert "2 of 2 images" in told
        assert f"mean Dice nucleus {sum(dice) / 2:.3f}" in told
        assert "(2 cells with a mask)" in told


def test_segment_replaces_no_overlay_by_a_mask(tmp_path: Path) -> None:
    for folder, name in (("1", "a.overlay.png"), ("2", "a.png")):
        (tmp_path / "in" / folder).mkdir(parents=True)
        (tmp_path / "in" / folder / name).write_bytes(encode_png(draw_sample(3, int(folder), size=(60, 60)).image))
    out = tmp_path / "out"
    assert main(["segment", str(tmp_path / "in"), "--out", str(out), "--measurements"]) == 0
    files = [row["mask_file"] for row in figures(out)]
    assert files == [f"{FIRST_CHOICE}/a.overlay.png", f"{FIRST_CHOICE}/a-2.png"]
    assert len(list((out / FIRST_CHOICE).iterdir())) == 4
    for file in files:
        assert set(np.unique(np.asarray(Image.open(out / file)))) <= {0, 128, 255}


def test_segment_uses_a_picture_whose_mask_is_gone(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    pair(tmp_path, "a", 0)

    def read(path: Path) -> bytes:
        if path.name == "a_mask.png":
            raise ImageError("The file cannot be read: Permission denied")
        return path.read_bytes()

    monkeypatch.setattr("wbcseg.pipeline.inputs._read_file", read)
    masks = [path for path in tmp_path.iterdir() if "mask" in path.name]
    files = [str(path) for path in tmp_path.iterdir()]
    assert [path.name for path in masks] == ["a_mask.png"]
    assert main(["segment", *files, "--out", str(tmp_path / "out"), "--measurements"]) == 1
    assert "Mask a_mask.png could not be read. The file cannot be read" in capsys.readouterr().err
    (row,) = figures(tmp_path / "out")
    assert float(row["cell_area_px2"]) > 0


def test_segment_into_the_folder_of_the_pictures_does_not_take_results_for_pictures(
    pictures: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for _ in range(2):
        assert main(["segment", str(pictures), "--out", str(pictures)]) == 0
        assert "3 of 3 images" in capsys.readouterr().out


def test_segment_names_masks_that_it_cannot_use(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pair(tmp_path / "in", "a", 0)
    pair(tmp_path / "in", "b", 1)
    (tmp_path / "in" / "a_mask.png").write_bytes(encode_png(np.full((120, 120), 77, np.uint8)))
    (tmp_path / "in" / "b.png").unlink()
    out = tmp_path / "out"
    assert main(["segment", str(tmp_path / "in"), "--out", str(out), "--measurements"]) == 1
    said = capsys.readouterr()
    assert "a.png: Mask a_mask.png could not be read. It holds the value 77" in said.err
    assert "b_mask.png: Mask b_mask.png was not used" in said.err
    first, second = figures(out)
    assert "It holds the value 77" in first["note"]
    assert (second["image"], second["status"]) == ("b_mask.png", "not_used")


def test_segment_takes_zips_and_several_folders(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for number, kind in enumerate(("images", "masks")):
        pair(tmp_path / "made", "a", 0)
        (tmp_path / kind).mkdir()
        name = ("a.png", "a_mask.png")[number]
        (tmp_path / kind / "a.png").write_bytes((tmp_path / "made" / name).read_bytes())
    pack = tmp_path / "cells.zip"
    pack.write_bytes(zipped({"z.png": (tmp_path / "made" / "a.png").read_bytes()}))
    out = tmp_path / "out"
    paths = [str(tmp_path / "images"), str(tmp_path / "masks"), str(pack)]
    assert main(["segment", *paths, "--out", str(out), "--measurements"]) == 0
    scored = {Path(row["image"]).name: bool(row["dice_cell"]) for row in figures(out)}
    assert scored == {"a.png": True, "z.png": False}
    (tmp_path / "broken.zip").write_bytes(b"PK\x03\x04")
    assert main(["segment", str(tmp_path / "broken.zip"), str(tmp_path / "no.zip"), "--out", str(out)]) == 1
    said = capsys.readouterr().err
    assert "is not a zip, or is damaged" in said
    assert "no.zip: Reading the file failed: No such file" in said


def test_segment_chooses_the_page_of_a_stack(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    frames = [Image.fromarray(draw_sample(3, n, size=size).image) for n, size in enumerate([(120, 120), (100, 110)])]
    stack = tmp_path / "stack.tif"
    frames[0].save(stack, save_all=True, append_images=frames[1:])
    shapes = {1: (120, 120), 2: (100, 110)}
    for page, shape in shapes.items():
        chosen = ["--page", str(page)] if page > 1 else []
        assert main(["segment", str(stack), "--out", str(tmp_path / "out"), *chosen]) == 0
        assert f"stack.tif: Page {page} of 2 is used." in capsys.readouterr().err
        assert open_mask((tmp_path / "out" / FIRST_CHOICE / "stack.png").read_bytes()).shape == shape
    assert main(["segment", str(stack), "--out", str(tmp_path / "out"), "--page", "3"]) == 1
    assert "Page 3 was requested, but the file has 2." in capsys.readouterr().err
    assert main(["segment", str(stack), "--out", str(tmp_path / "out"), "--page", "0"]) == 1
    assert "--page must be at least 1" in capsys.readouterr().err


def test_segment_reads_one_picture_at_a_time(pictures: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    events: list[str] = []
    read, predict = FolderSource.read, Segmenter.predict
    monkeypatch.setattr(FolderSource, "read", lambda source, name: (events.append(name), read(source, name))[1])
    monkeypatch.setattr(Segmenter, "predict", lambda *a, **k: (events.append("look"), predict(*a, **k))[1])
    assert main(["segment", str(pictures), "--out", str(tmp_path / "out"), "--measurements"]) == 0
    assert events == ["cell 0.png", "look", "cell 1.png", "look", "cell 2.png", "look"]


def test_paths_are_read_once_and_by_their_own_names(pictures: Path, tmp_path: Path) -> None:
    first = pictures / "cell 0.png"
    names = [item.name for item in collect_inputs([pictures, first, first])]
    assert names == ["cell 0.png", "cell 1.png", "cell 2.png"]
    (pictures / "out" / "unet-16").mkdir(parents=True)
    (pictures / "out" / "unet-16" / "cell 0.png").write_bytes(first.read_bytes())
    assert len(collect_inputs([pictures])) == 4
    assert len(collect_inputs([pictures], [pictures / "out"])) == 3
    # A folder that is named is meant, also where results lie.
    assert len(collect_inputs([pictures / "out"], [pictures / "out"])) == 1
    (pictures / ".hidden.png").write_bytes(first.read_bytes())
    assert len(collect_inputs([pictures], [pictures / "out"])) == 3
    assert [item.name for item in collect_inputs([pictures / ".hidden.png"])] == ["hidden.png"]
    elsewhere = tmp_path / "masks" / "a.png"
    elsewhere.parent.mkdir()
    elsewhere.write_bytes(first.read_bytes())
    assert [(item.name, item.problem) for item in collect_inputs([elsewhere.parent])] == [("a.png", None)]
    assert next(item.name for item in collect_inputs([first, elsewhere])) == "pictures/cell 0.png"


def test_segment_with_two_models_writes_a_coco_file_each(pictures: Path, tmp_path: Path) -> None:
    out, two = tmp_path / "out", SHIPPED[:2]
    assert (
        main(["segment", str(pictures), "--model", *two, "--out", str(out), "--export", "coco", "--measurements"]) == 0
    )
    for model in two:
        document = json.loads((out / f"outlines-{model}.coco.json").read_text(encoding="utf-8"))
        assert [image["file_name"] for image in document["images"]] == ["cell 0.png", "cell 1.png", "cell 2.png"]
    assert [row["image_index"] for row in figures(out)] == ["1", "1", "2", "2", "3", "3"]


@pytest.mark.parametrize("scale", ["0", "-1", "nan", "inf"])
def test_segment_refuses_a_scale_that_is_none(
    pictures: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], scale: str
) -> None:
    assert main(["segment", str(pictures), "--out", str(tmp_path), "--measurements", "--pixel-size", scale]) == 1
    assert "--pixel-size must be more than 0" in capsys.readouterr().err


def test_segment_refuses_what_makes_no_sense_before_it_looks_at_pictures(
    pictures: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    for option, value, said in (("--opacity", "3", "from 0 to 1"), ("--report", str(tmp_path), "must name a file")):
        assert main(["segment", str(pictures), "--out", str(out), option, value]) == 1
        assert said in capsys.readouterr().err
    assert not out.exists()


def test_segment_names_an_empty_folder_and_zips_that_are_not_opened(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "many"
    folder.mkdir()
    kept = tmp_path / "out" / "cells.csv"
    kept.parent.mkdir()
    kept.write_text("of before")
    assert main(["segment", str(folder), "--out", str(tmp_path / "out"), "--measurements"]) == 1
    assert str(folder) in capsys.readouterr().err
    assert kept.read_text() == "of before"
    (folder / "a.png").write_bytes(encode_png(draw_sample(9, 0).image))
    (folder / "more.zip").write_bytes(b"PK")
    (folder / "._more.zip").write_bytes(b"left by a system")
    assert main(["segment", str(folder), "--out", str(tmp_path / "out")]) == 1
    told = capsys.readouterr()
    assert "more.zip: Zips within a folder are not opened." in told.err
    assert "._more" not in told.err
    assert "1 of 2 images segmented" in told.out
    # One that is named by itself is opened, and one among the results is none of the pictures.
    (folder / "more.zip").write_bytes(zipped({"b.png": encode_png(draw_sample(9, 1).image)}))
    assert [(one.name, one.problem) for one in collect_inputs([folder, folder / "more.zip"])] == [
        ("a.png", None),
        ("more/b.png", None),
    ]
    assert not any(one.problem for one in collect_inputs([tmp_path], [folder]))


def test_segment_says_on_a_terminal_how_far_it_is(
    pictures: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["segment", str(pictures), "--out", str(tmp_path / "out")]) == 0
    assert "of 3 images" not in capsys.readouterr().err
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    assert main(["segment", str(pictures), "--out", str(tmp_path / "out")]) == 0
    written = capsys.readouterr().err
    assert [f"{place} of 3 images" in written for place in (1, 2, 3)] == [True] * 3
    # At the end the line is empty.
    assert written.endswith("\r\033[K")


def test_segment_refuses_an_unknown_model(pictures: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["segment", str(pictures), "--model", "best", "--out", str(tmp_path / "out")]) == 1
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
    assert all(entry["problem"] is None and entry["test_metrics"]["images"] > 0 for entry in listed)
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
    command = [sys.executable, "-m", "wbcseg", "architectures", "--json", "--base-filters", "16"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    listed = {entry["name"]: entry for entry in json.loads(done.stdout)}
    assert set(listed) == {"unet", "segnet", "deconvnet"}
    assert listed["unet"]["output_shape"] == [120, 120, 3]
    assert listed["unet"]["multiply_adds"] > 4e8


def test_errors_are_a_sentence_and_a_code(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["architectures", "--input-size", "100"]) == 1
    assert capsys.readouterr().err == "Error: Option --input-size must be a multiple of 24. Received: 100\n"
    with pytest.raises(SystemExit) as stop:
        main(["fly"])
    assert stop.value.code == 2


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (["evaluate", "--cv", "5", "--dataset", "zheng-2"], ["cross-validate", "--folds", "5", "--dataset", "zheng-2"]),
        (["evaluate", "--cv=5", "--leaking"], ["cross-validate", "--folds=5", "--leaky"]),
        (["evaluate", "--splits", "3", "--width", "8"], ["cross-validate", "--splits", "3", "--base-filters", "8"]),
        (["evaluate", "--laboratories", "--out", "a"], ["cross-site", "--out", "a"]),
        (["evaluate", "unet-16", "--robustness"], ["robustness", "unet-16"]),
        (["evaluate", "--agreement"], ["agreement"]),
        (["evaluate", "--report"], ["cross-validate", "--report"]),
        (["evaluate", "unet-16", "--json"], ["evaluate", "unet-16", "--json"]),
    ],
)
def test_evaluate_takes_the_options_of_version_0_1(old: list[str], new: list[str]) -> None:
    assert translate_old_names(old) == new


def test_evaluate_agrees_with_the_card(zheng_data: object, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["evaluate", "unet-16"]) == 0
    assert "DIFFERS" not in capsys.readouterr().out


def a_run(name: str, status: StoredStatus, **details: object) -> Run:
    run = Run(get_runs_folder() / name)
    run.create(TrainingConfig(base_filters=4, epochs=8))
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
    assert line.split()[1:] == ["failed", "epoch", "1/8", "0:01:01", "validation", "Dice", "cell", "0.750"]
    assert main(["runs", "list", "--json"]) == 0
    assert {one["name"]: one["status"] for one in json.loads(capsys.readouterr().out)} == {
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
    assert [one["status"] for one in json.loads(capsys.readouterr().out)] == [None, None]
    assert not run.folder.exists()


def test_runs_that_an_action_fails_for_are_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["runs", "show", "nowhere"]) == 1
    assert "'nowhere'" in capsys.readouterr().err
    a_run("idle", "stopped")
    a_run("busy", "running")
    assert main(["runs", "stop", "idle"]) == 1
    assert "idle" in capsys.readouterr().out
    assert main(["runs", "delete", "busy", "--yes", "--json"]) == 1
    result = json.loads(capsys.readouterr().out)
    assert "busy" in result[0]["error"]
    assert result[0]["status"] == "running"
    assert main(["runs", "resume", "busy"]) == 1
    assert "busy" in capsys.readouterr().out


def test_train_help_explains_every_setting(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["train", "--help"])
    text = " ".join(capsys.readouterr().out.split())
    for name, spec in SETTINGS.items():
        assert f"--{name.replace('_', '-')}" in text
        assert " ".join(spec.plain_help.split()) in text
    assert "`" not in text


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (["--preset", "published", "--twins"], ["--preset", "thesis", "--flipped-copies"]),
        (["--split=leaking", "--no-twins"], ["--split=leaky", "--no-flipped-copies"]),
        (["--augmentation", "laboratories", "--width=8"], ["--augmentation", "strong", "--base-filters=8"]),
        (["--name", "published"], ["--name", "published"]),
    ],
)
def test_train_takes_options_and_values_of_version_0_1(old: list[str], new: list[str]) -> None:
    assert translate_old_names(["train", *old]) == ["train", *new]
