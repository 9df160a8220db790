"""The command ``wbcseg segment``: what it reads, writes and reports."""

from __future__ import annotations

import csv
import json
import os
from pathlib import Path

import numpy as np
import pytest
from builders import zipped
from command_line import get_error, read_cells, write_pair
from models import FIRST_CHOICE, SHIPPED
from PIL import Image
from pypdf import PdfReader
from spreadsheets import read_records

from wbcseg.cli import main
from wbcseg.datasets.sources import FolderSource
from wbcseg.datasets.synthetic import draw_sample
from wbcseg.errors import ErrorCode, ImageError, MaskError
from wbcseg.inference import Segmenter
from wbcseg.inference.postprocess import keep_main_cell
from wbcseg.io import encode_png, open_image, open_mask
from wbcseg.pipeline import collect_inputs
from wbcseg.quality import EMPTY_FIELD_REASON


def test_every_model_writes_a_mask_and_an_overlay_of_the_images_size(images: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert main(["segment", str(images), "--model", *SHIPPED, "--out", str(out)]) == 0
    for model in SHIPPED:
        for image in images.iterdir():
            shape = open_image(image.read_bytes()).pixels.shape
            data = (out / model / image.name).read_bytes()
            assert set(np.unique(open_image(data).pixels)) <= {0, 128, 255}
            assert open_mask(data).shape == shape[:2]
            overlay = open_image((out / model / f"{image.stem}.overlay.png").read_bytes()).pixels
            assert overlay.shape == shape
    assert len(list(out.rglob("*.*"))) == 3 * 2 * len(SHIPPED)


def test_files_that_cannot_be_read_are_named_and_the_others_segmented(
    images: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (images / "broken.png").write_bytes((images / "cell 0.png").read_bytes()[:500])
    (images / "empty.jpg").write_bytes(b"")
    (images / "page.tif").write_bytes(b"<html>")
    (images / "dot.png").write_bytes(encode_png(np.zeros((1, 1, 3), np.uint8)))
    missing = str(tmp_path / "nowhere.png")
    assert main(["segment", str(images), missing, "--out", str(tmp_path / "out")]) == 1
    printed = capsys.readouterr()
    for name in ("broken.png", "empty.jpg", "page.tif", "dot.png", "nowhere.png"):
        assert f"{name}: " in printed.err
    assert "Traceback" not in printed.err
    assert "3 of 8 images" in printed.out
    assert len(list((tmp_path / "out" / FIRST_CHOICE).glob("cell ?.png"))) == 3


def test_field_without_a_cell_is_to_be_reviewed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "plain.png").write_bytes(encode_png(np.full((500, 600, 3), 225, np.uint8)))
    out = tmp_path / "out"
    assert main(["segment", str(tmp_path / "plain.png"), "--out", str(out), "--measurements"]) == 0
    assert f"No white cell found by {FIRST_CHOICE}; review plain.png" in capsys.readouterr().out
    (row,) = read_cells(out)
    assert (row["status"], row["reasons"]) == ("no_cell", EMPTY_FIELD_REASON)
    with (out / "images.csv").open(encoding="utf-8-sig", newline="") as file:
        (image_row,) = csv.DictReader(file)
    assert (image_row["cells"], image_row["note"]) == ("0", EMPTY_FIELD_REASON)


def test_results_stay_in_the_output_folder_and_replace_nothing(tmp_path: Path) -> None:
    data = encode_png(draw_sample(3, 0).image)
    paths = [tmp_path / "a" / "cell.png", tmp_path / "b" / "cell.bmp", tmp_path / "b" / "=HYPERLINK(x).png"]
    if os.name != "nt":
        paths += [tmp_path / "b" / "..\\..\\up.png", tmp_path / "b" / "<b>bold</b>.png", tmp_path / "b" / "细胞.png"]
    for path in paths:
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(data)
    before = set(tmp_path.rglob("*"))
    assert main(["segment", *map(str, paths), "--out", str(tmp_path / "out")]) == 0
    written = {path for path in tmp_path.rglob("*") if path.is_file()} - before
    assert all(path.parent == tmp_path / "out" / FIRST_CHOICE for path in written)
    assert len(written) == 2 * len(paths)


def test_table_outlines_and_report_agree_with_the_masks(images: Path, tmp_path: Path) -> None:
    out, report = tmp_path / "out", tmp_path / "reports" / "cells.pdf"
    options = ["--measurements", "--pixel-size", "0.1", "--report", str(report), "--export", "geojson", "coco"]
    assert main(["segment", str(images), "--out", str(out), *options]) == 0
    rows = read_cells(out)
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


def test_formats_are_separated_by_commas_and_replace_nothing(images: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    (images / "cell 0.overlay.png").write_bytes((images / "cell 1.png").read_bytes())
    assert main(["segment", "--out", str(out), "--formats", "labels,geojson,coco,imagej", str(images)]) == 0
    names = [path.name for path in (out / FIRST_CHOICE).iterdir()]
    stems = {name.removesuffix(".rois.zip") for name in names if name.endswith(".rois.zip")}
    assert len(stems) == 4
    endings = ("png", "overlay.png", "labels.png", "labels.tif", "geojson", "rois.zip")
    assert sorted(names) == sorted(f"{stem}.{ending}" for stem in stems for ending in endings)
    for stem in stems:
        cell = keep_main_cell(open_mask((out / FIRST_CHOICE / f"{stem}.png").read_bytes()))
        with Image.open(out / FIRST_CHOICE / f"{stem}.labels.png") as label_image:
            assert (np.array(label_image) == (cell > 0)).all()
    assert len(json.loads((out / "outlines.coco.json").read_bytes())["images"]) == 4


def test_edge_rule_decides_which_cells_count(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    sample = draw_sample(3, 1, size=(120, 120))
    assert sample.mask is not None
    middle = int(np.flatnonzero((sample.mask > 0).any(axis=1)).mean())
    (tmp_path / "cut.png").write_bytes(encode_png(sample.image[:middle]))
    (tmp_path / "whole.png").write_bytes(encode_png(sample.image))
    arguments = ["segment", str(tmp_path / "cut.png"), str(tmp_path / "whole.png"), "--measurements"]
    assert main([*arguments, "--out", str(tmp_path / "out"), "--edge-rule", "two_edges"]) == 0
    assert "1 of 2 counted (two-edge rule; 1 cut by the image edge)" in capsys.readouterr().out
    assert [(row["cut_by_edge"], row["counted"]) for row in read_cells(tmp_path / "out")] == [
        ("bottom", "0"),
        ("", "1"),
    ]
    image_rows = list(csv.DictReader((tmp_path / "out" / "images.csv").read_text(encoding="utf-8-sig").splitlines()))
    assert [(row["cells"], row["cells_counted"], row["edge_rule"]) for row in image_rows] == [
        ("1", "0", "two_edges"),
        ("1", "1", "two_edges"),
    ]


def test_masks_next_to_the_images_give_the_dice(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_pair(tmp_path / "in", "a", 0)
    write_pair(tmp_path / "in" / "deeper", "a", 1)
    out = tmp_path / "in" / "out"
    for _ in range(2):  # The second time, the results of the first are in the folder, too.
        assert main(["segment", str(tmp_path / "in"), "--out", str(out), "--measurements"]) == 0
        rows = read_cells(out)
        assert [row["image"] for row in rows] == ["a.png", "deeper/a.png"]
        assert [row["mask_file"] for row in rows] == [f"{FIRST_CHOICE}/a.png", f"{FIRST_CHOICE}/a-2.png"]
        dice = [float(row["dice_nucleus"]) for row in rows]
        assert min(dice) > 0.5
        printed = capsys.readouterr().out
        assert "2 of 2 images" in printed
        assert f"mean Dice nucleus {sum(dice) / 2:.3f}" in printed
        assert "(2 cells with a mask)" in printed


def test_a_mask_never_replaces_an_overlay(tmp_path: Path) -> None:
    for folder, name in (("1", "a.overlay.png"), ("2", "a.png")):
        (tmp_path / "in" / folder).mkdir(parents=True)
        (tmp_path / "in" / folder / name).write_bytes(encode_png(draw_sample(3, int(folder), size=(60, 60)).image))
    out = tmp_path / "out"
    assert main(["segment", str(tmp_path / "in"), "--out", str(out), "--measurements"]) == 0
    files = [row["mask_file"] for row in read_cells(out)]
    assert files == [f"{FIRST_CHOICE}/a.overlay.png", f"{FIRST_CHOICE}/a-2.png"]
    assert len(list((out / FIRST_CHOICE).iterdir())) == 4
    for file in files:
        assert set(np.unique(np.asarray(Image.open(out / file)))) <= {0, 128, 255}


def test_an_image_is_segmented_even_if_its_mask_cannot_be_read(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    write_pair(tmp_path, "a", 0)
    reason = "The file cannot be read: Permission denied"

    def read(path: Path) -> bytes:
        if path.name == "a_mask.png":
            raise ImageError(reason)
        return path.read_bytes()

    monkeypatch.setattr("wbcseg.pipeline.inputs._read_file", read)
    files = [path for path in tmp_path.iterdir() if path.is_file()]
    assert {path.name for path in files} == {"a.png", "a_mask.png"}
    assert main(["segment", *map(str, files), "--out", str(tmp_path / "out"), "--measurements"]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("a.png: ")
    assert "a_mask.png" in line
    assert reason in line
    (row,) = read_cells(tmp_path / "out")
    assert float(row["cell_area_px2"]) > 0


def test_results_in_the_folder_of_images_are_not_segmented_again(
    images: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for _ in range(2):
        assert main(["segment", str(images), "--out", str(images)]) == 0
        assert "3 of 3 images" in capsys.readouterr().out


def test_masks_that_cannot_be_used_are_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_pair(tmp_path / "in", "a", 0)
    write_pair(tmp_path / "in", "b", 1)
    damaged = encode_png(np.full((120, 120), 77, np.uint8))
    (tmp_path / "in" / "a_mask.png").write_bytes(damaged)
    (tmp_path / "in" / "b.png").unlink()
    with pytest.raises(MaskError) as caught:
        open_mask(damaged)
    assert caught.value.code == ErrorCode.MASK_VALUES
    reason = str(caught.value.reason)
    assert "77" in reason
    unused = {item.name: item.problem for item in collect_inputs([tmp_path / "in"]) if item.problem}
    assert {name: problem.code for name, problem in unused.items()} == {"b_mask.png": ErrorCode.MASK_WITHOUT_IMAGE}
    out = tmp_path / "out"
    assert main(["segment", str(tmp_path / "in"), "--out", str(out), "--measurements"]) == 1
    first_line, second_line = capsys.readouterr().err.splitlines()
    assert first_line.startswith("a.png: ")
    assert "a_mask.png" in first_line
    assert reason in first_line
    assert second_line == f"b_mask.png: {unused['b_mask.png']}"
    first, second = read_cells(out)
    assert reason in first["note"]
    assert (second["image"], second["status"]) == ("b_mask.png", "not_used")


def test_zips_and_separate_folders_of_images_and_masks_are_read(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_pair(tmp_path / "made", "a", 0)
    for kind, name in (("images", "a.png"), ("masks", "a_mask.png")):
        (tmp_path / kind).mkdir()
        (tmp_path / kind / "a.png").write_bytes((tmp_path / "made" / name).read_bytes())
    pack = tmp_path / "cells.zip"
    pack.write_bytes(zipped({"z.png": (tmp_path / "made" / "a.png").read_bytes()}))
    out = tmp_path / "out"
    paths = [str(tmp_path / "images"), str(tmp_path / "masks"), str(pack)]
    assert main(["segment", *paths, "--out", str(out), "--measurements"]) == 0
    has_dice = {Path(row["image"]).name: bool(row["dice_cell"]) for row in read_cells(out)}
    assert has_dice == {"a.png": True, "z.png": False}
    capsys.readouterr()
    (tmp_path / "broken.zip").write_bytes(b"PK\x03\x04")
    unreadable = [tmp_path / "broken.zip", tmp_path / "no.zip"]
    problems = {item.name: item.problem for item in collect_inputs(unreadable)}
    assert {name: problem and problem.code for name, problem in problems.items()} == {
        "broken.zip": ErrorCode.DAMAGED,
        "no.zip": ErrorCode.UNREADABLE,
    }
    assert main(["segment", *map(str, unreadable), "--out", str(out)]) == 1
    printed = capsys.readouterr().err.splitlines()
    assert [f"{name}: {problem}" for name, problem in problems.items()] == printed


def test_the_page_of_a_tiff_file_can_be_chosen(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    frames = [Image.fromarray(draw_sample(3, n, size=size).image) for n, size in enumerate([(120, 120), (100, 110)])]
    stack = tmp_path / "stack.tif"
    frames[0].save(stack, save_all=True, append_images=frames[1:])
    arguments = ["segment", str(stack), "--out", str(tmp_path / "out")]
    for page, shape in {1: (120, 120), 2: (100, 110)}.items():
        assert main([*arguments, *(["--page", str(page)] if page > 1 else [])]) == 0
        assert f"stack.tif: Page {page} of 2 is used." in capsys.readouterr().err
        assert open_mask((tmp_path / "out" / FIRST_CHOICE / "stack.png").read_bytes()).shape == shape
    assert main([*arguments, "--page", "3"]) == 1
    assert "Page 3 was requested, but the file has 2." in capsys.readouterr().err
    error = get_error(*arguments, "--page", "0")
    assert error.code == ErrorCode.INVALID_VALUE
    assert "--page" in str(error)


def test_an_image_is_segmented_before_the_next_is_read(
    images: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    events: list[str] = []
    read, predict = FolderSource.read, Segmenter.predict
    monkeypatch.setattr(FolderSource, "read", lambda source, name: (events.append(name), read(source, name))[1])
    monkeypatch.setattr(Segmenter, "predict", lambda *a, **k: (events.append("predict"), predict(*a, **k))[1])
    assert main(["segment", str(images), "--out", str(tmp_path / "out"), "--measurements"]) == 0
    assert events == ["cell 0.png", "predict", "cell 1.png", "predict", "cell 2.png", "predict"]


def test_each_of_two_models_has_its_own_coco_file(images: Path, tmp_path: Path) -> None:
    out, models = tmp_path / "out", SHIPPED[:2]
    arguments = ["segment", str(images), "--model", *models, "--out", str(out)]
    assert main([*arguments, "--formats", "coco", "--measurements"]) == 0
    for model in models:
        document = json.loads((out / f"outlines-{model}.coco.json").read_text(encoding="utf-8"))
        assert [image["file_name"] for image in document["images"]] == ["cell 0.png", "cell 1.png", "cell 2.png"]
    assert [row["image_index"] for row in read_cells(out)] == ["1", "1", "2", "2", "3", "3"]


@pytest.mark.parametrize(
    ("option", "value"),
    [
        *(("--pixel-size", value) for value in ("0", "-1", "nan", "inf")),
        *(("--opacity", value) for value in ("3", "-0.1", "nan")),
        ("--report", "."),
        ("--page", "0"),
        ("--formats", "labels,svg"),
    ],
)
def test_an_invalid_option_is_rejected_before_anything_is_written(
    images: Path, tmp_path: Path, option: str, value: str
) -> None:
    error = get_error("segment", str(images), "--out", str(tmp_path / "out"), "--measurements", option, value)
    assert error.code == ErrorCode.INVALID_VALUE
    assert option in str(error)
    assert not (tmp_path / "out").exists()


def test_an_unknown_model_is_an_error(images: Path, tmp_path: Path) -> None:
    error = get_error("segment", str(images), "--model", "best", "--out", str(tmp_path / "out"))
    assert error.code == ErrorCode.NOT_FOUND
    assert "'best'" in str(error)


def test_a_folder_without_images_is_an_error_and_earlier_results_stay(tmp_path: Path) -> None:
    folder, table = tmp_path / "many", tmp_path / "out" / "cells.csv"
    folder.mkdir()
    table.parent.mkdir()
    table.write_text("earlier")
    error = get_error("segment", str(folder), "--out", str(tmp_path / "out"), "--measurements")
    assert error.code == ErrorCode.NO_IMAGES
    assert str(folder) in str(error)
    assert table.read_text() == "earlier"


def test_a_zip_in_a_folder_is_named_and_not_opened(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "many"
    folder.mkdir()
    (folder / "a.png").write_bytes(encode_png(draw_sample(9, 0).image))
    (folder / "more.zip").write_bytes(b"PK")
    (folder / "._more.zip").write_bytes(b"left by an operating system")
    (problem,) = [item.problem for item in collect_inputs([folder]) if item.problem]
    assert problem.code == ErrorCode.NESTED_ZIP
    assert main(["segment", str(folder), "--out", str(tmp_path / "out")]) == 1
    printed = capsys.readouterr()
    assert printed.err == f"more.zip: {problem}\n"
    assert "1 of 2 images segmented" in printed.out


def test_a_terminal_shows_the_progress(
    images: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["segment", str(images), "--out", str(tmp_path / "out")]) == 0
    assert "of 3 images" not in capsys.readouterr().err
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    assert main(["segment", str(images), "--out", str(tmp_path / "out")]) == 0
    written = capsys.readouterr().err
    assert [f"{place} of 3 images" in written for place in (1, 2, 3)] == [True] * 3
    # The line is cleared at the end.
    assert written.endswith("\r\033[K")


def test_types_are_in_the_workbook_the_report_and_the_table(images: Path, tmp_path: Path) -> None:
    out, report = tmp_path / "out", tmp_path / "report.pdf"
    options = ["--types", "--prior", "sample", "--measurements", "--xlsx", "--report", str(report)]
    assert main(["segment", str(images), "--out", str(out), *options]) == 0
    rows = list(csv.DictReader((out / "cells.csv").read_text(encoding="utf-8-sig").splitlines()))
    assert [row["type"] for row in read_records((out / "results.xlsx").read_bytes(), "cells")] == [
        row["type"] for row in rows
    ]
    assert all(row["type"] for row in rows)
    text = "\n".join(page.extract_text() for page in PdfReader(report).pages)
    assert "shares estimated from the sample" in text
    for row in rows:
        assert row["type"].capitalize() in text
