"""A user's own pictures, from a folder or a zip."""

from __future__ import annotations

import io
import os
import struct
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest
from builders import draw_cell, encode, exif
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from wbcseg.datasets import PAIRING_RULE, check_dataset, check_manifest, find_problems, open_folder, open_zip, sources
from wbcseg.datasets.base import anonymise
from wbcseg.datasets.pairing import is_ignored, pair_files
from wbcseg.errors import DatasetError, ImageError, ManifestError, MaskError, PairingError, WbcsegError
from wbcseg.io import headers
from wbcseg.labels import to_grey

CELL, LABELS = draw_cell()
PICTURE, MASK = encode(CELL), encode(to_grey(LABELS))


def write(root: Path, files: dict[str, bytes]) -> Path:
    for name, data in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(data)
    return root


def pack(files: dict[str, bytes] | list[tuple[str, bytes]], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        for name, data in files.items() if isinstance(files, dict) else files:
            archive.writestr(name, data)
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("picture", "mask"),
    [
        ("images/a.png", "masks/a.png"),
        ("img/a.jpg", "labels/a.tif"),
        ("Images/A.PNG", "Ground_Truth/a.png"),
        ("a.png", "masks/a.png"),
        ("images/train/a.png", "masks/train/a.png"),
        ("train/images/a.png", "train/masks/a.png"),
        ("images/a.png", "masks/a_mask.png"),
        ("a.png", "a_mask.png"),
        ("a.png", "a-gt.bmp"),
        ("sub/a.b.png", "sub/a.b_label.png"),
        ("Dataset 1/001.bmp", "Dataset 1/001.png"),
        ("001.jpeg", "001.png"),
        ("001.TIF", "001.PNG"),
        ("./a.png", "masks//a.png"),
    ],
)
def test_the_pairing_rule(picture: str, mask: str) -> None:
    pairs, problems = pair_files([mask, picture])
    assert problems == []
    assert [(pair.image, pair.mask) for pair in pairs] == [(picture, mask)]


@pytest.mark.parametrize(
    "names",
    [
        ("images/a.png", "masks/b.png"),
        ("images/train/a.png", "masks/test/a.png"),
        ("a.png", "other/a_mask.png"),
        ("mask.png", "a.png"),
    ],
)
def test_what_is_no_pair(names: tuple[str, str]) -> None:
    pairs, problems = pair_files(names)
    assert pairs == []
    assert len(problems) == 2


def test_two_for_one_name_are_listed_and_left_out() -> None:
    pairs, problems = pair_files(
        ["a.png", "a.jpg", "a_mask.png", "b.png", "b_mask.png", "masks/b.png", "c.png", "c_gt.png"]
    )
    assert [pair.image for pair in pairs] == ["c.png"]
    assert problems == [
        "a.jpg, a.png: 2 pictures for the same name; they are left out.",
        "b_mask.png, masks/b.png: 2 masks for the same name; they are left out.",
    ]


def test_the_order_is_the_one_that_people_count_in() -> None:
    names = [f"cell{n}.png" for n in (10, 9, 1, 100, 2)]
    pairs, _ = pair_files(names, require_masks=False)
    assert [pair.image for pair in pairs] == [f"cell{n}.png" for n in (1, 2, 9, 10, 100)]


@pytest.mark.parametrize(
    "name", ["__MACOSX/a.png", ".a.png", "x/.git/a.png", "read.me", "Thumbs.db", "a.png.txt", "png"]
)
def test_what_is_not_the_users_is_ignored(name: str) -> None:
    assert is_ignored(name)


@given(st.lists(st.text(max_size=30), max_size=20, unique=True))
@settings(max_examples=100, deadline=None)
def test_pairing_takes_any_names(names: list[str]) -> None:
    names = [f"{name}.png" for name in names]
    pairs, _ = pair_files(names, require_masks=False)
    used = [name for pair in pairs for name in (pair.image, pair.mask) if name is not None]
    assert len(used) == len(set(used))
    assert set(used) <= set(names)


def test_a_folder_is_read(pair_folder: Path) -> None:
    dataset = open_folder(pair_folder)
    assert dataset.name == "my cells"
    assert dataset.ids == tuple(f"my cells/cell{n}" for n in range(1, 5))
    assert dataset.problems == ()
    for number, entry in enumerate(dataset.sample_infos, 1):
        picture, labels = draw_cell(20 + number, 30, number)
        sample = entry.read()
        assert entry.size == sample.size == (20 + number, 30)
        np.testing.assert_array_equal(sample.image, picture)
        np.testing.assert_array_equal(sample.mask, labels)
    check_dataset(dataset)


def test_a_zip_is_read_in_memory_and_gives_the_same(pair_folder: Path, tmp_path: Path) -> None:
    files = {path.relative_to(pair_folder).as_posix(): path.read_bytes() for path in pair_folder.rglob("*.png")}
    files |= {"__MACOSX/images/._cell1.png": b"junk", "images/.DS_Store": b"junk", "notes.txt": b"text"}
    for prefix in ("", "my cells/", "deep/my cells/"):
        data = pack({prefix + name: content for name, content in files.items()})
        dataset = open_zip(data, "my cells.zip")
        assert dataset.ids == tuple(f"my cells/cell{n}" for n in range(1, 5))
        assert dataset.compute_manifest() == open_folder(pair_folder).compute_manifest()
    before = set(tmp_path.rglob("*"))
    (tmp_path / "my cells.zip").write_bytes(data)
    check_dataset(open_folder(tmp_path / "my cells.zip"))
    assert set(tmp_path.rglob("*")) == before | {tmp_path / "my cells.zip"}


def test_subfolders_keep_equal_names_apart(tmp_path: Path) -> None:
    root = write(
        tmp_path / "set",
        {
            f"{part}/{kind}": data
            for part in ("train", "test")
            for kind, data in (("images/a.png", PICTURE), ("masks/a.png", MASK))
        },
    )
    assert open_folder(root).ids == ("set/test_a", "set/train_a")


@pytest.mark.parametrize("name", ["zheng-1", "zheng", "synthetic", "Zheng-2"])
def test_ids_never_look_like_those_of_a_built_in_set(name: str, tmp_path: Path) -> None:
    dataset = open_folder(write(tmp_path / name, {"a.png": PICTURE, "a_mask.png": MASK}))
    assert dataset.ids == (f"{name}-folder/a",)


def test_pictures_without_masks_only_where_they_are_wanted(tmp_path: Path) -> None:
    root = write(tmp_path / "set", {"a.png": PICTURE, "b.jpg": encode(CELL, "JPEG")})
    with pytest.raises(PairingError) as caught:
        open_folder(root)
    assert "a.png: the picture has no mask" in str(caught.value)
    assert PAIRING_RULE in str(caught.value)
    dataset = open_folder(root, require_masks=False)
    assert [entry.has_mask for entry in dataset.sample_infos] == [False, False]
    assert dataset.read("set/a").mask is None
    with pytest.raises(DatasetError, match="set/a: the picture has no mask"):
        check_dataset(dataset)


def test_fault_13_palette_masks_keep_their_ids(tmp_path: Path) -> None:
    image = Image.fromarray(LABELS).convert("P")
    image.putdata(LABELS.ravel().tolist())
    image.putpalette([255, 0, 0, 0, 255, 0, 0, 0, 255])
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    dataset = open_folder(write(tmp_path / "set", {"images/a.png": PICTURE, "masks/a.png": buffer.getvalue()}))
    np.testing.assert_array_equal(dataset.read("set/a").mask, LABELS)
    check_dataset(dataset)


def test_fault_14_a_value_outside_the_codes_is_named_before_a_training(tmp_path: Path) -> None:
    odd = to_grey(LABELS).copy()
    odd[4, 7] = 77
    files = {"images/a.png": PICTURE, "masks/a.png": MASK, "images/b.png": PICTURE, "masks/b.png": encode(odd)}
    dataset = open_folder(write(tmp_path / "set", files))
    with pytest.raises(DatasetError) as caught:
        check_dataset(dataset)
    text = str(caught.value)
    assert "set/b: Mask masks/b.png cannot be used. It holds the value 77 (row 4, column 7)" in text
    assert "set/a" not in text


def test_fault_15_what_does_not_fit_is_listed_and_a_training_refuses(tmp_path: Path) -> None:
    files = {
        "images/good.png": PICTURE,
        "masks/good.png": MASK,
        "images/alone.png": PICTURE,
        "masks/lonely.png": MASK,
        "images/small.png": encode(CELL[:-1]),
        "masks/small.png": MASK,
        "images/turned.png": encode(CELL, exif=exif(3)),
        "masks/turned.png": MASK,
        "images/broken.png": b"",
        "masks/broken.png": MASK,
        "images/html.png": b"<html>",
        "masks/html.png": MASK,
    }
    dataset = open_folder(write(tmp_path / "set", files))
    assert dataset.ids == ("set/good",)
    text = "\n".join(dataset.problems)
    for words in (
        "images/alone.png: the picture has no mask",
        "masks/lonely.png: the mask has no picture",
        "Picture images/small.png has 30×23 pixels and its mask masks/small.png has 30×24",
        "Picture images/turned.png is stored turned",
        "Picture images/broken.png cannot be used. It is empty",
        "Picture images/html.png cannot be used. It holds a web page",
    ):
        assert words in text
    assert len(dataset.problems) == 6
    with pytest.raises(DatasetError, match=r"(?s)cannot be trained on.*alone.*lonely.*small"):
        check_dataset(dataset)


@pytest.mark.parametrize(
    ("format", "options", "name"), [("JPEG", {}, "a.jpg"), ("TIFF", {"compression": "jpeg"}, "a.tif")]
)
def test_fault_16_a_lossy_mask_is_refused_with_the_reason(
    format: str, options: dict[str, str], name: str, tmp_path: Path
) -> None:
    files = {"images/a.png": PICTURE, f"masks/{name}": encode(to_grey(LABELS), format, **options)}
    with pytest.raises(PairingError, match=rf"Mask masks/{name} cannot be used. It is compressed as JPEG"):
        open_folder(write(tmp_path / "set", files))


def test_fault_12_names_with_html_or_formulas_stay_text(tmp_path: Path) -> None:
    name = "=HYPERLINK(1) & <b>bold"
    data = pack({f"images/{name}.png": PICTURE, f"masks/{name}.png": MASK})
    dataset = open_zip(data, "<script>.zip")
    assert dataset.name == "_script_"
    assert dataset.ids == ("_script_/=HYPERLINK(1) & _b_bold",)
    assert dataset.read(dataset.ids[0]).source == f"images/{name}.png in <script>.zip"


def test_fault_10_names_that_lead_out_of_a_zip_lead_nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    names = ["../../evil", "/etc/evil", "C:\\evil\\x", "x\\..\\..\\evil", "long" * 70, "кровь/клетка", "nul"]
    files = {f"{name}{end}": data for name in names for end, data in ((".png", PICTURE), ("_mask.png", MASK))}
    dataset = open_zip(pack(files), "a.zip")
    assert len(dataset) + len(dataset.problems) >= len(names) - 1
    assert find_problems(dataset) == list(dataset.problems)
    assert list(tmp_path.iterdir()) == []
    for sample_id in dataset.ids:
        folder, stem = sample_id.split("/")
        assert folder == "a"
        assert len(stem) <= 100
        assert ".." not in stem


def test_fault_10_a_name_that_is_in_a_zip_twice_is_listed() -> None:
    with pytest.warns(UserWarning, match="Duplicate name"):
        data = pack([("a.png", PICTURE), ("a_mask.png", MASK), ("a.png", encode(CELL[::-1]))])
    dataset = open_zip(data, "a.zip")
    assert dataset.problems == ("a.png is in the zip twice; the first is used.",)
    np.testing.assert_array_equal(dataset.read("a/a").image, CELL)


def test_an_encrypted_zip_is_refused() -> None:
    data = bytearray(pack({"a.png": PICTURE}))
    for signature, flags in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        data[data.index(signature) + flags] |= 1
    with pytest.raises(DatasetError, match=r"a\.png in the zip cells\.zip is encrypted"):
        open_zip(bytes(data), "cells.zip")


@pytest.mark.parametrize("data", [b"", b"no zip", pack({"a.png": PICTURE})[:-30]])
def test_what_is_no_zip_is_refused(data: bytes) -> None:
    with pytest.raises(DatasetError, match=r"The file cells\.zip is no zip"):
        open_zip(data, "cells.zip")


def test_a_damaged_file_in_a_zip_is_named_and_hides_no_other() -> None:
    data = bytearray(pack({"a.png": PICTURE, "a_gt.png": MASK, "b.png": PICTURE, "b_gt.png": MASK}, zipfile.ZIP_STORED))
    data[data.index(b"IDAT") + 20] ^= 1
    dataset = open_zip(bytes(data), "cells.zip")
    assert dataset.ids == ("cells/b",)
    assert dataset.problems[0].startswith("The file a.png in the zip cells.zip is damaged")


def test_a_zip_bomb_is_refused_before_it_is_unpacked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sources, "_SMALL_ARCHIVE_BYTES", 10_000_000)
    zeros = bytes(5_000_000)
    with pytest.raises(DatasetError, match=r"unpack to 15 MB from 0\.0 MB, more than pictures do"):
        open_zip(pack({f"{n}.png": zeros for n in range(3)}), "bomb.zip")
    monkeypatch.setattr(sources, "MAX_UNPACKED_BYTES", 14_000_000)
    with pytest.raises(DatasetError, match="unpack to 15 MB"):
        open_zip(pack({f"{n}.png": zeros for n in range(3)}, zipfile.ZIP_STORED), "large.zip")


def test_a_zip_with_too_many_files_is_refused() -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for number in range(sources.MAX_FILES + 1):
            archive.writestr(f"{number}", b"")
    with pytest.raises(DatasetError, match="more than 20000 files"):
        open_zip(buffer.getvalue(), "many.zip")


def test_a_zip_that_lies_about_a_size_is_noticed() -> None:
    data = bytearray(pack({"a.png": PICTURE + bytes(900_000), "a_gt.png": MASK}))
    for signature, size in ((b"PK\x03\x04", 22), (b"PK\x01\x02", 24)):
        place = data.index(signature) + size
        data[place : place + 4] = struct.pack("<L", len(PICTURE))
    with pytest.raises(PairingError, match=r"a\.png in the zip lie\.zip is damaged"):
        open_zip(bytes(data), "lie.zip")


def test_a_large_picture_in_a_zip_is_refused_by_its_size(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (sources, headers):
        monkeypatch.setattr(module, "MAX_BYTES", 1_000_000)
    data = pack({"a.png": PICTURE + bytes(5_000_000), "a_gt.png": MASK})
    with pytest.raises(PairingError, match=r"Picture a\.png cannot be used\. It has more than 1 MB"):
        open_zip(data, "large.zip")


def test_an_unusual_packing_method_is_listed() -> None:
    data = pack({"a.png": PICTURE, "a_gt.png": MASK}, zipfile.ZIP_LZMA)
    with pytest.raises(PairingError, match="packed with a method that is not read"):
        open_zip(data, "odd.zip")


@given(st.integers(0, 2**32), st.binary(max_size=8))
@settings(max_examples=150, deadline=None)
def test_mutated_zips_raise_named_errors_only(place: int, change: bytes) -> None:
    data = bytearray(pack({"images/a.png": PICTURE, "masks/a.png": MASK}))
    place %= len(data)
    data[place : place + len(change)] = change
    try:
        find_problems(open_zip(bytes(data), "cells.zip"))
    except WbcsegError as error:
        assert str(error)  # noqa: PT017


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="gone is neither a folder nor a zip"):
        open_folder(tmp_path / "gone")


def test_an_empty_folder_says_what_was_expected(tmp_path: Path) -> None:
    with pytest.raises(PairingError, match=r"No pictures were found\. A picture and its mask have the same name"):
        open_folder(tmp_path)


def test_a_folder_with_too_many_files_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sources, "MAX_FILES", 2)
    with pytest.raises(DatasetError, match="more than 2 files"):
        open_folder(write(tmp_path, {"a.png": PICTURE, "b.txt": b"", "c/d.txt": b""}))


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no named pipes in folders")
def test_a_pipe_called_like_a_picture_keeps_nobody_waiting(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "b.png")
    write(tmp_path, {"a.png": PICTURE, "a_mask.png": MASK})
    assert len(open_folder(tmp_path)) == 1


def test_a_file_that_goes_away_or_changes_is_named(pair_folder: Path) -> None:
    dataset = open_folder(pair_folder)
    (pair_folder / "images/cell1.png").unlink()
    (pair_folder / "images/cell2.png").write_bytes(b"")
    (pair_folder / "masks/cell3.png").write_bytes(b"")
    with pytest.raises(DatasetError, match=r"images/cell1\.png .* cannot be read"):
        dataset.read("my cells/cell1")
    with pytest.raises(ImageError, match=r"images/cell2\.png"):
        dataset.read("my cells/cell2")
    with pytest.raises(MaskError, match=r"masks/cell3\.png"):
        dataset.read("my cells/cell3")


def test_fault_19_data_that_changed_since_it_was_recorded_is_named(pair_folder: Path) -> None:
    recorded = open_folder(pair_folder).compute_manifest()
    check_manifest("my cells", recorded, open_folder(pair_folder).compute_manifest())
    _, labels = draw_cell(22, 30, 2)
    labels[0, 0] = 2
    (pair_folder / "masks/cell2.png").write_bytes(encode(to_grey(labels)))
    (pair_folder / "images/cell4.png").unlink()
    with pytest.raises(ManifestError) as caught:
        check_manifest("my cells", recorded, open_folder(pair_folder).compute_manifest())
    text = str(caught.value)
    assert "my cells/cell2 is not the picture or mask that it was" in text
    assert "my cells/cell4 is not there any more" in text
    assert "cell1" not in text


def test_an_anonymous_data_set_has_numbers_for_names(pair_folder: Path) -> None:
    dataset = open_folder(pair_folder)
    hidden = anonymise(dataset)
    assert hidden.ids == tuple(f"{dataset.name}/{number:04}" for number in range(1, len(dataset) + 1))
    assert [sample.compute_digest() for sample in hidden] == [sample.compute_digest() for sample in dataset]
    assert [sample.id for sample in hidden] == list(hidden.ids)
    assert "cell1" not in repr(hidden.sample_infos)
