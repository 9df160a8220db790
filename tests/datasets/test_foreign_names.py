"""Files under other names: masks of other naming schemes, phone images in zips, files that are no images."""

from __future__ import annotations

import unicodedata
from pathlib import Path

import numpy as np
import pytest
from builders import draw_cell, encode, zipped

from wbcseg.datasets import check_dataset, find_problems, open_folder, open_zip
from wbcseg.datasets.pairing import pair_files
from wbcseg.datasets.uploads import Upload, drop_foreign_bytes, pair_uploads
from wbcseg.errors import DatasetError, ErrorCode, ImageError
from wbcseg.io.mask_meaning import correct_labels
from wbcseg.labels import to_grey
from wbcseg.pipeline.inputs import collect_inputs

CELL, LABELS = draw_cell(60, 70)
IMAGE, MASK = encode(CELL), encode(to_grey(LABELS))
JPEG = encode(CELL, "JPEG")
FILES = {"c0.png": IMAGE, "x.heic": b"\0\0\0\x18ftypheic" + bytes(40), "x.webp": encode(CELL, "WEBP")}
FILES |= {"j.jfif": JPEG, "plain": JPEG, "a.gif": b"GIF89a" + bytes(30), "notes.txt": b"text", "README": b"text"}


@pytest.mark.parametrize(
    ("image", "mask"),
    [
        ("x.jpg", "x_seg.png"),
        ("x.jpg", "x_mask.png"),
        ("x.jpg", "x.mask.png"),
        ("x.jpg", "x (mask).png"),
        ("x.jpg", "xMask.png"),
        ("x.tif", "x_cp_masks.png"),
        ("x.jpg", "x_instances.tif"),
        ("x.jpg", "x_ground_truth.png"),
        ("images/train/x.jpg", "masks/train/x.png"),
        ("x.jpg", "mask_x.png"),
        ("x.jpg", "x.jpg.png"),
        ("x.jpg", "labels/x.png"),
        ("images/x.tif", "segmentations/x.png"),
        ("IMAGES/X.JPG", "Masks/x.PNG"),
        ("x.heic", "x-Mask.png"),
        ("plain", "plain_mask.png"),
        (unicodedata.normalize("NFD", "Zelle-\u00e4.jpg"), unicodedata.normalize("NFC", "Zelle-\u00e4_mask.png")),
    ],
)
def test_masks_of_other_naming_schemes_are_paired(image: str, mask: str) -> None:
    pairs, problems = pair_files([image, mask])
    assert [(pair.image, pair.mask) for pair in pairs] == [(image, mask)]
    assert not problems


def test_an_image_named_after_another_is_an_image_without_it() -> None:
    pairs, _ = pair_files(["photo.jpg.png"], require_masks=False)
    assert [(pair.image, pair.mask) for pair in pairs] == [("photo.jpg.png", None)]


def test_every_file_of_a_zip_or_folder_has_its_row(tmp_path: Path) -> None:
    for name, data in FILES.items():
        (tmp_path / name).write_bytes(data)
    data = zipped(FILES)
    for rows in (pair_uploads([Upload("phone.zip", lambda: data, "z")]), collect_inputs([tmp_path])):
        codes = {row.name: row.problem and row.problem.code for row in rows}
        unused = {"a.gif": ErrorCode.UNSUPPORTED_FORMAT}
        assert codes == {name: unused.get(name) for name in FILES if name not in ("notes.txt", "README")}


@pytest.mark.parametrize(
    ("correction", "code"), [("swap", ErrorCode.MASK_SWAPPED), ("invert", ErrorCode.MASK_INVERTED)]
)
def test_wrong_masks_are_not_trained_on(correction: str, code: ErrorCode, tmp_path: Path) -> None:
    wrong = encode(correct_labels(LABELS, correction))
    dataset = open_zip(zipped({"a.png": IMAGE, "a_mask.png": wrong, "b.png": IMAGE, "b_mask.png": MASK}), "z.zip")
    problems = find_problems(dataset)
    assert [(problem.file, problem.code) for problem in problems] == [("z/a", code)]
    with pytest.raises(DatasetError):
        check_dataset(dataset)
    check_dataset(dataset, correction="as_is")
    (tmp_path / "a.png").write_bytes(IMAGE)
    (tmp_path / "a_mask.png").write_bytes(MASK)
    check_dataset(open_folder(tmp_path))


@pytest.mark.parametrize(
    ("labels", "code"),
    [
        (LABELS * 0, ErrorCode.MASK_EMPTY),
        (LABELS // 2, ErrorCode.MASK_ONE_CLASS),
        (LABELS // 2 * 2, ErrorCode.MASK_ONE_CLASS),
    ],
)
def test_a_class_that_no_mask_has_is_said_before_training(labels, code: ErrorCode) -> None:
    files = {f"{n}{suffix}.png": data for n in "ab" for suffix, data in (("", IMAGE), ("_mask", encode(labels)))}
    assert [problem.code for problem in find_problems(open_zip(zipped(files), "z.zip"))] == [code]


def test_numbers_of_cells_are_trained_on_as_whole_cells_once_someone_says_so() -> None:
    numbers = encode((LABELS > 0).astype(np.uint8) * 37)
    data = zipped({f"{n}{suffix}.png": d for n in "ab" for suffix, d in (("", IMAGE), ("_mask", numbers))})
    problems = find_problems(open_zip(data, "z.zip"))
    assert {problem.code for problem in problems} == {ErrorCode.MASK_INSTANCES}
    dataset = open_zip(data, "z.zip", correction="instances")
    check_dataset(dataset, correction="instances")
    for info in dataset.sample_infos:
        np.testing.assert_array_equal(info.read().mask, LABELS > 0)


@pytest.mark.parametrize("name", ["film.bmp", "film", "film.dat"])
def test_bytes_that_are_no_image_are_not_kept(name: str) -> None:
    upload = Upload(name, lambda: bytes(range(256)) * 9, "key")
    dropped = drop_foreign_bytes(upload)
    assert dropped is not upload
    (row,) = pair_uploads([dropped])
    code = row.problem.code if row.problem else None
    if code is None:
        with pytest.raises(ImageError) as caught:
            row.load()
        code = caught.value.code
    assert code == ErrorCode.UNSUPPORTED_FORMAT
    for data in (IMAGE, JPEG, zipped(FILES), IMAGE[: len(IMAGE) // 2]):
        upload = Upload("a.png", lambda data=data: data, "key")
        assert drop_foreign_bytes(upload) is upload
