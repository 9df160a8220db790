"""Images and masks from a folder or a zip."""

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
from expect import raises
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from wbcseg.datasets import PAIRING_RULE, check_dataset, check_manifest, find_problems, open_folder, open_zip, sources
from wbcseg.datasets.base import anonymise
from wbcseg.datasets.pairing import is_ignored, pair_files
from wbcseg.errors import DatasetError, ErrorCode, ImageError, ManifestError, MaskError, PairingError, WbcsegError
from wbcseg.io.formats import detect
from wbcseg.labels import to_grey

CELL, LABELS = draw_cell()
IMAGE, MASK = encode(CELL), encode(to_grey(LABELS))


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
    ("image", "mask"),
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
def test_the_pairing_rule(image: str, mask: str) -> None:
    pairs, problems = pair_files([mask, image])
    assert problems == []
    assert [(pair.image, pair.mask) for pair in pairs] == [(image, mask)]


@pytest.mark.parametrize(
    "names",
    [
        ("images/a.png", "masks/b.png"),
        ("images/train/a.png", "masks/test/a.png"),
        ("a.png", "other/a_mask.png"),
        ("mask.png", "a.png"),
    ],
)
def test_names_that_do_not_match_are_not_paired(names: tuple[str, str]) -> None:
    pairs, problems = pair_files(names)
    assert pairs == []
    assert len(problems) == 2


def test_several_files_with_one_name_are_listed_and_skipped() -> None:
    pairs, problems = pair_files(
        ["a.png", "a.jpg", "a_mask.png", "b.png", "b_mask.png", "masks/b.png", "c.png", "c_gt.png"]
    )
    assert [pair.image for pair in pairs] == ["c.png"]
    assert [problem.code for problem in problems] == [ErrorCode.DUPLICATE] * 2
    assert problems[0].message.startswith("a.jpg, a.png: ")
    assert problems[1].message.startswith("b_mask.png, masks/b.png: ")


def test_pairs_are_in_natural_order() -> None:
    names = [f"cell{n}.png" for n in (10, 9, 1, 100, 2)]
    pairs, _ = pair_files(names, require_masks=False)
    assert [pair.image for pair in pairs] == [f"cell{n}.png" for n in (1, 2, 9, 10, 100)]


@pytest.mark.parametrize(
    "name", ["__MACOSX/a.png", ".a.png", "x/.git/a.png", "read.me", "Thumbs.db", "a.png.txt", "png"]
)
def test_system_files_and_other_formats_are_ignored(name: str) -> None:
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
        image, labels = draw_cell(20 + number, 30, number)
        sample = entry.read()
        assert entry.size == sample.size == (20 + number, 30)
        np.testing.assert_array_equal(sample.image, image)
        np.testing.assert_array_equal(sample.mask, labels)
    check_dataset(dataset)


def test_a_zip_is_read_in_memory_with_the_same_result(pair_folder: Path, tmp_path: Path) -> None:
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


def test_subfolders_distinguish_equal_names(tmp_path: Path) -> None:
    root = write(
        tmp_path / "set",
        {
            f"{part}/{kind}": data
            for part in ("train", "test")
            for kind, data in (("images/a.png", IMAGE), ("masks/a.png", MASK))
        },
    )
    assert open_folder(root).ids == ("set/test_a", "set/train_a")


@pytest.mark.parametrize("name", ["zheng-1", "zheng", "synthetic", "Zheng-2"])
def test_ids_never_look_like_those_of_a_named_data_set(name: str, tmp_path: Path) -> None:
    dataset = open_folder(write(tmp_path / name, {"a.png": IMAGE, "a_mask.png": MASK}))
    assert dataset.ids == (f"{name}-folder/a",)


def test_images_without_masks_are_accepted_only_on_request(tmp_path: Path) -> None:
    root = write(tmp_path / "set", {"a.png": IMAGE, "b.jpg": encode(CELL, "JPEG")})
    with pytest.raises(PairingError) as caught:
        open_folder(root)
    assert "a.png" in str(caught.value)
    assert (caught.value.code, caught.value.hint) == (ErrorCode.NO_IMAGES, PAIRING_RULE)
    dataset = open_folder(root, require_masks=False)
    assert [entry.has_mask for entry in dataset.sample_infos] == [False, False]
    assert dataset.read("set/a").mask is None
    with raises(DatasetError, ErrorCode.IMAGE_WITHOUT_MASK, match="set/a"):
        check_dataset(dataset)


def test_palette_masks_keep_their_ids(tmp_path: Path) -> None:
    image = Image.fromarray(LABELS).convert("P")
    image.putdata(LABELS.ravel().tolist())
    image.putpalette([255, 0, 0, 0, 255, 0, 0, 0, 255])
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    dataset = open_folder(write(tmp_path / "set", {"images/a.png": IMAGE, "masks/a.png": buffer.getvalue()}))
    np.testing.assert_array_equal(dataset.read("set/a").mask, LABELS)
    check_dataset(dataset)


def test_an_invalid_mask_value_is_reported_before_training(tmp_path: Path) -> None:
    odd = to_grey(LABELS).copy()
    odd[4, 7] = 77
    files = {"images/a.png": IMAGE, "masks/a.png": MASK, "images/b.png": IMAGE, "masks/b.png": encode(odd)}
    dataset = open_folder(write(tmp_path / "set", files))
    with pytest.raises(DatasetError) as caught:
        check_dataset(dataset)
    text = str(caught.value)
    assert "set/b: Mask masks/b.png could not be read. It holds the value 77 (row 4, column 7)" in text
    assert "set/a" not in text


def test_unusable_files_are_listed_and_block_a_training(tmp_path: Path) -> None:
    files = {
        "images/good.png": IMAGE,
        "masks/good.png": MASK,
        "images/alone.png": IMAGE,
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
    assert {(problem.file, problem.code) for problem in dataset.problems} == {
        ("images/alone.png", ErrorCode.IMAGE_WITHOUT_MASK),
        ("masks/lonely.png", ErrorCode.MASK_WITHOUT_IMAGE),
        ("masks/small.png", ErrorCode.SIZE_MISMATCH),
        ("masks/turned.png", ErrorCode.AMBIGUOUS_ORIENTATION),
        ("images/broken.png", ErrorCode.EMPTY),
        ("images/html.png", ErrorCode.UNSUPPORTED_FORMAT),
    }
    assert len(dataset.problems) == 6
    with raises(DatasetError, ErrorCode.IMAGE_WITHOUT_MASK, match=r"(?s)alone.*lonely.*small"):
        check_dataset(dataset)


@pytest.mark.parametrize(
    ("format", "options", "name"), [("JPEG", {}, "a.jpg"), ("TIFF", {"compression": "jpeg"}, "a.tif")]
)
def test_a_lossy_mask_is_rejected(format: str, options: dict[str, str], name: str, tmp_path: Path) -> None:
    files = {"images/a.png": IMAGE, f"masks/{name}": encode(to_grey(LABELS), format, **options)}
    with pytest.raises(PairingError, match=rf"Mask masks/{name} could not be read. It is a JPEG"):
        open_folder(write(tmp_path / "set", files))


def test_names_with_html_or_formulas_stay_text(tmp_path: Path) -> None:
    name = "=HYPERLINK(1) & <b>bold"
    data = pack({f"images/{name}.png": IMAGE, f"masks/{name}.png": MASK})
    dataset = open_zip(data, "<script>.zip")
    assert dataset.name == "_script_"
    assert dataset.ids == ("_script_/=HYPERLINK(1) & _b_bold",)
    assert dataset.read(dataset.ids[0]).source == f"images/{name}.png in <script>.zip"


def test_names_cannot_lead_outside_a_zip(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    names = ["../../evil", "/etc/evil", "C:\\evil\\x", "x\\..\\..\\evil", "long" * 70, "кровь/клетка", "nul"]
    files = {f"{name}{end}": data for name in names for end, data in ((".png", IMAGE), ("_mask.png", MASK))}
    dataset = open_zip(pack(files), "a.zip")
    assert len(dataset) + len(dataset.problems) >= len(names) - 1
    assert find_problems(dataset) == list(dataset.problems)
    assert list(tmp_path.iterdir()) == []
    for sample_id in dataset.ids:
        folder, stem = sample_id.split("/")
        assert folder == "a"
        assert len(stem) <= 100
        assert ".." not in stem


def test_a_duplicate_name_in_a_zip_is_listed() -> None:
    with pytest.warns(UserWarning, match="Duplicate name"):
        data = pack([("a.png", IMAGE), ("a_mask.png", MASK), ("a.png", encode(CELL[::-1]))])
    dataset = open_zip(data, "a.zip")
    assert [(problem.file, problem.code) for problem in dataset.problems] == [("a.png", ErrorCode.DUPLICATE)]
    np.testing.assert_array_equal(dataset.read("a/a").image, CELL)


def test_an_encrypted_zip_is_rejected() -> None:
    data = bytearray(pack({"a.png": IMAGE}))
    for signature, flags in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        data[data.index(signature) + flags] |= 1
    with pytest.raises(DatasetError, match=r"a\.png in zip cells\.zip") as caught:
        open_zip(bytes(data), "cells.zip")
    assert caught.value.code == ErrorCode.ENCRYPTED


@pytest.mark.parametrize("data", [b"", b"no zip", pack({"a.png": IMAGE})[:-30]])
def test_a_file_that_is_not_a_zip_is_rejected(data: bytes) -> None:
    with pytest.raises(DatasetError, match=r"File cells\.zip") as caught:
        open_zip(data, "cells.zip")
    assert caught.value.code == ErrorCode.DAMAGED


def test_a_damaged_file_in_a_zip_does_not_affect_the_others() -> None:
    data = bytearray(pack({"a.png": IMAGE, "a_gt.png": MASK, "b.png": IMAGE, "b_gt.png": MASK}, zipfile.ZIP_STORED))
    data[data.index(b"IDAT") + 20] ^= 1
    dataset = open_zip(bytes(data), "cells.zip")
    assert dataset.ids == ("cells/b",)
    assert (dataset.problems[0].file, dataset.problems[0].code) == ("a.png", ErrorCode.DAMAGED)


def test_a_zip_bomb_is_rejected_before_it_is_unpacked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sources, "_SMALL_ARCHIVE_BYTES", 10_000_000)
    zeros = bytes(5_000_000)
    with pytest.raises(DatasetError, match=r"unpacks from 0\.0 MB to 15 MB"):
        open_zip(pack({f"{n}.png": zeros for n in range(3)}), "bomb.zip")
    monkeypatch.setattr(sources, "MAX_UNPACKED_BYTES", 14_000_000)
    with pytest.raises(DatasetError, match="to 15 MB"):
        open_zip(pack({f"{n}.png": zeros for n in range(3)}, zipfile.ZIP_STORED), "large.zip")


def test_a_zip_with_too_many_files_is_rejected() -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for number in range(sources.MAX_FILES + 1):
            archive.writestr(f"{number}", b"")
    with pytest.raises(DatasetError, match="more than 20000 files"):
        open_zip(buffer.getvalue(), "many.zip")


def test_a_wrong_size_in_a_zip_is_detected() -> None:
    data = bytearray(pack({"a.png": IMAGE + bytes(900_000), "a_gt.png": MASK}))
    for signature, size in ((b"PK\x03\x04", 22), (b"PK\x01\x02", 24)):
        position = data.index(signature) + size
        data[position : position + 4] = struct.pack("<L", len(IMAGE))
    with pytest.raises(PairingError, match=r"a\.png in zip lie\.zip is damaged"):
        open_zip(bytes(data), "lie.zip")


def test_a_large_image_in_a_zip_is_rejected(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (sources, detect):
        monkeypatch.setattr(module, "MAX_BYTES", 1_000_000)
    data = pack({"a.png": IMAGE + bytes(5_000_000), "a_gt.png": MASK})
    with pytest.raises(
        PairingError, match=r"Image a\.png could not be read\. The file is larger than the limit of 1 MB"
    ):
        open_zip(data, "large.zip")


def test_an_unsupported_compression_method_is_listed() -> None:
    data = pack({"a.png": IMAGE, "a_gt.png": MASK}, zipfile.ZIP_LZMA)
    with pytest.raises(PairingError, match="unsupported compression method"):
        open_zip(data, "odd.zip")


@given(st.integers(0, 2**32), st.binary(max_size=8))
@settings(max_examples=150, deadline=None)
def test_damaged_zips_raise_only_errors_of_the_package(position: int, change: bytes) -> None:
    data = bytearray(pack({"images/a.png": IMAGE, "masks/a.png": MASK}))
    position %= len(data)
    data[position : position + len(change)] = change
    try:
        find_problems(open_zip(bytes(data), "cells.zip"))
    except WbcsegError as error:
        assert str(error)  # noqa: PT017


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    with raises(DatasetError, ErrorCode.UNREADABLE, match="gone"):
        open_folder(tmp_path / "gone")


def test_the_error_of_an_empty_folder_states_the_pairing_rule(tmp_path: Path) -> None:
    with raises(PairingError, ErrorCode.NO_IMAGES) as caught:
        open_folder(tmp_path)
    assert caught.value.hint == PAIRING_RULE


def test_a_folder_with_too_many_files_is_rejected(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sources, "MAX_FILES", 2)
    with pytest.raises(DatasetError, match="more than 2 files"):
        open_folder(write(tmp_path, {"a.png": IMAGE, "b.txt": b"", "c/d.txt": b""}))


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no named pipes in folders")
def test_a_pipe_named_like_an_image_does_not_block(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "b.png")
    write(tmp_path, {"a.png": IMAGE, "a_mask.png": MASK})
    assert len(open_folder(tmp_path)) == 1


def test_a_file_that_disappears_or_changes_is_named(pair_folder: Path) -> None:
    dataset = open_folder(pair_folder)
    (pair_folder / "images/cell1.png").unlink()
    (pair_folder / "images/cell2.png").write_bytes(b"")
    (pair_folder / "masks/cell3.png").write_bytes(b"")
    with pytest.raises(DatasetError, match=r"images/cell1\.png .* could not be read"):
        dataset.read("my cells/cell1")
    with pytest.raises(ImageError, match=r"images/cell2\.png"):
        dataset.read("my cells/cell2")
    with pytest.raises(MaskError, match=r"masks/cell3\.png"):
        dataset.read("my cells/cell3")


def test_changed_data_are_named(pair_folder: Path) -> None:
    recorded = open_folder(pair_folder).compute_manifest()
    check_manifest("my cells", recorded, open_folder(pair_folder).compute_manifest())
    _, labels = draw_cell(22, 30, 2)
    labels[0, 0] = 2
    (pair_folder / "masks/cell2.png").write_bytes(encode(to_grey(labels)))
    (pair_folder / "images/cell4.png").unlink()
    with pytest.raises(ManifestError) as caught:
        check_manifest("my cells", recorded, open_folder(pair_folder).compute_manifest())
    text = str(caught.value)
    assert "my cells/cell2 has another image or mask" in text
    assert "my cells/cell4 is missing" in text
    assert "cell1" not in text


def test_an_anonymised_data_set_has_numbers_instead_of_names(pair_folder: Path) -> None:
    dataset = open_folder(pair_folder)
    hidden = anonymise(dataset)
    assert hidden.ids == tuple(f"{dataset.name}/{number:04}" for number in range(1, len(dataset) + 1))
    assert [sample.compute_digest() for sample in hidden] == [sample.compute_digest() for sample in dataset]
    assert [sample.id for sample in hidden] == list(hidden.ids)
    assert "cell1" not in repr(hidden.sample_infos)
