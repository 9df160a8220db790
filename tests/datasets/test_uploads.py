"""Uploads become a list of images with masks and problems."""

import io
import time
from dataclasses import replace

import numpy as np
import pytest
from builders import draw_cell, encode, zipped
from expect import raises
from PIL import Image

from wbcseg.datasets.pages import read_page_headers, resolve_page
from wbcseg.datasets.synthetic import draw_sample
from wbcseg.datasets.uploads import InputImage, Upload, pair_uploads
from wbcseg.errors import ErrorCode, ImageError
from wbcseg.export import encode_csv
from wbcseg.labels import to_grey

IMAGE, LABELS = draw_cell()
CELL, MASK = encode(IMAGE), encode(to_grey(LABELS))


def uploads(*files):
    """Uploads of names, or of names with bytes."""
    named = [(upload, MASK if "mask" in upload else CELL) if isinstance(upload, str) else upload for upload in files]
    return [Upload(name, lambda data=data: data, str(number)) for number, (name, data) in enumerate(named)]


def listed(*files):
    return [(item.name, item.mask_name) for item in pair_uploads(uploads(*files))]


def test_images_and_masks_are_paired_by_name():
    assert listed("b.png", "a_mask.png", "a.png") == [("a.png", "a_mask.png"), ("b.png", "")]
    assert listed("a10.png", "a2.png") == [("a2.png", ""), ("a10.png", "")]
    (item,) = pair_uploads(uploads("a.png", "a_mask.png"))
    assert (item.load(), item.load_mask()) == (CELL, MASK)


def test_a_folder_is_paired_and_its_name_is_dropped():
    assert listed("Mine/images/a.png", "Mine/masks/a.png", "Mine/images/b.png") == [
        ("images/a.png", "Mine/masks/a.png"),
        ("images/b.png", ""),
    ]


PHOTOGRAPH = draw_sample(3, 1, size=(90, 90)).image
GREY_PHOTOGRAPH = encode(PHOTOGRAPH.mean(axis=2).astype(np.uint8))
PHOTOGRAPH = encode(PHOTOGRAPH)


@pytest.mark.parametrize("data", [PHOTOGRAPH, GREY_PHOTOGRAPH])
def test_a_photograph_called_like_a_mask_is_an_image(data):
    assert listed(("x.png", PHOTOGRAPH), ("x.labels.png", data)) == [("x.png", ""), ("x.labels.png", "")]
    assert listed(("b_mask.png", data)) == [("b_mask.png", "")]
    assert listed(("images/a.png", PHOTOGRAPH), ("labels/a.png", data)) == [("images/a.png", ""), ("labels/a.png", "")]
    assert listed(("a.jpg", PHOTOGRAPH), ("a.png", data)) == [("a.jpg", ""), ("a.png", "")]
    image, misnamed = pair_uploads(uploads(("x.png", PHOTOGRAPH), ("x.labels.png", data)))
    assert (len(image.notices), len(misnamed.notices)) == (0, 1)
    assert not pair_uploads(uploads(("b_mask.png", data)))[0].notices
    # It may have a mask of its own.
    files = [("x.png", PHOTOGRAPH), ("x.labels.png", data), "x_mask.png", "x.labels_mask.png"]
    assert listed(*files) == [("x.png", "x_mask.png"), ("x.labels.png", "x.labels_mask.png")]
    assert not any(item.problem for item in pair_uploads(uploads(*files)))


def test_what_is_no_photograph_is_still_a_mask():
    instances = np.kron(np.arange(144, dtype=np.uint8).reshape(12, 12), np.ones((10, 10), np.uint8))
    blurred = io.BytesIO()
    Image.open(io.BytesIO(MASK)).save(blurred, "JPEG")
    for name, data in (("x.labels.png", encode(instances)), ("x_mask.jpg", blurred.getvalue()), ("x_mask.png", b"?")):
        assert listed(("x.png", PHOTOGRAPH), (name, data)) == [("x.png", name)]


def test_files_with_one_name_are_numbered():
    assert [name for name, _ in listed("a.png", "A.png", "a.png", "a (2).png")] == [
        "a.png",
        "A (2).png",
        "a (3).png",
        "a (2) (2).png",
    ]
    assert listed("a.png", "a_mask.png", "a.png", "a_mask.png") == [
        ("a.png", "a_mask.png"),
        ("a (2).png", "a_mask.png"),
    ]
    keys = [item.key for item in pair_uploads(uploads("a.png", "a_mask.png", "a.png", "a_mask.png"))]
    assert keys == ["0 1", "2 3"]


def test_an_ambiguous_mask_is_not_used():
    first, second, mask = pair_uploads(uploads("a.png", "a_mask.png", "a.png"))
    assert (first.mask_name, second.mask_name) == ("", "")
    assert mask.problem.code == ErrorCode.AMBIGUOUS_MASK


def test_images_that_differ_only_in_their_extension_are_all_used():
    assert [name for name, _ in listed("a.jpg", "a.tif", "a.bmp")] == ["a.bmp", "a.jpg", "a.tif"]


def test_a_mask_without_an_image_is_listed():
    image, mask = pair_uploads(uploads("a.png", "b_mask.png"))
    assert not image.problem
    assert mask.problem.code == ErrorCode.MASK_WITHOUT_IMAGE


def test_a_single_mask_is_paired_with_its_image_in_a_folder_or_zip():
    cells = ("cells.zip", zipped({"images/a.png": CELL, "images/b.png": CELL, "b_mask.png": MASK}))
    assert listed(cells, "a_mask.png") == [("images/a.png", "a_mask.png"), ("images/b.png", "cells/b_mask.png")]
    assert listed("Mine/images/a.png", "a_mask.png", "Mine/images/b.png")[0] == ("images/a.png", "a_mask.png")
    # With two images or two masks, the pair is ambiguous.
    assert [mask for _, mask in listed("One/a.png", "Two/a.png", "a_mask.png")] == ["", "", ""]
    assert [mask for _, mask in listed("One/a.png", "a_mask.png", "a_mask.tif")] == ["", "", ""]
    # A mask in a folder belongs to that folder.
    assert [mask for _, mask in listed("One/a.png", "Two/a_mask.png")] == ["", ""]


def test_a_zip_is_opened_in_memory():
    data = zipped({"images/a.png": CELL, "masks/a.png": MASK, "__MACOSX/a.png": b"x", "notes": b"text"})
    (item,) = pair_uploads(uploads(("cells.zip", data)))
    assert (item.name, item.mask_name) == ("a.png", "masks/a.png")
    assert item.load() == CELL
    names = [item.name for item in pair_uploads(uploads(("cells.zip", data), "a.png"))]
    assert names == ["a.png", "cells/images/a.png"]


def test_images_and_masks_in_two_zips():
    assert listed(("images.zip", zipped({"a.png": CELL})), ("masks.zip", zipped({"a.png": MASK}))) == [
        ("a.png", "masks/a.png")
    ]


def test_a_problem_with_a_zip_affects_only_that_zip():
    encrypted = bytearray(zipped({"a.png": CELL}))
    for signature, position in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        encrypted[encrypted.find(signature) + position] |= 1
    items = pair_uploads(
        uploads(
            "a.png",
            ("locked.zip", bytes(encrypted)),
            ("broken.zip", b"PK\x03\x04 no zip"),
            ("text.zip", zipped({"notes": b"text"})),
            ("nothing.zip", b""),
        )
    )
    assert {item.name: item.problem and item.problem.code for item in items} == {
        "a.png": None,
        "locked.zip": ErrorCode.ENCRYPTED,
        "broken.zip": ErrorCode.DAMAGED,
        "text.zip": ErrorCode.NO_IMAGES,
        "nothing.zip": ErrorCode.DAMAGED,
    }


def test_a_zip_in_a_zip_is_named():
    inner = zipped({"b.png": b"b"})
    data = zipped({"a.png": CELL, "more.zip": inner, "__MACOSX/._more.zip": b"x"})
    items = pair_uploads(uploads(("cells.zip", data)))
    assert [item.name for item in items if not item.problem] == ["a.png"]
    (problem,) = [item.problem for item in items if item.problem]
    assert (problem.code, problem.file) == (ErrorCode.NESTED_ZIP, "more.zip")
    assert ".zip" not in problem.text_without_names
    # A folder may have such a name.
    (item,) = pair_uploads(uploads(("cells.zip", zipped({"slides.zip/": b"", "slides.zip/a.png": CELL}))))
    assert not item.problem


def test_names_are_sanitised_and_need_no_extension():
    names = [name for name, _ in listed("../../etc/a.png", "C:\\x\\b.png", "._a.png", "scan", "")]
    assert sorted(names) == ["C:/x/b.png", "etc/a.png", "image", "scan"]


def test_names_are_text_that_can_be_written():
    (item,) = pair_uploads(uploads("zell\udce9.png"))
    assert item.name == "zell?.png"
    assert encode_csv([["zell\udce9.png"]]) == "\ufeffzell\ufffd.png\r\n".encode()


def test_many_files_with_one_name_are_numbered_quickly():
    begin = time.process_time()
    names = [item.name for item in pair_uploads(uploads(*["a.png"] * 3000))]
    assert time.process_time() - begin < 5
    assert (names[:3], names[-1], len(set(names))) == (["a.png", "a (2).png", "a (3).png"], "a (3000).png", 3000)


def test_files_are_read_only_when_processed():
    read = []
    files = [Upload(f"{n}.png", lambda n=n: read.append(n) or CELL, str(n)) for n in range(5)]
    items = pair_uploads(files)
    read.clear()
    items[3].load()
    assert read == [3]


@pytest.fixture
def stack():
    buffer = io.BytesIO()
    frames = [Image.fromarray(np.full((20, 20, 3), shade, np.uint8)) for shade in (10, 20, 30)]
    frames[0].save(buffer, "TIFF", save_all=True, append_images=frames[1:])
    return buffer.getvalue()


def test_pages_are_counted_by_the_headers(stack):
    items = pair_uploads(uploads("a.png", ("b.tif", stack), ("c.tif", b"not an image")))
    assert [header.page_count for header in read_page_headers(items).values()] == [3]
    assert not read_page_headers(items[:1])


def test_the_page_applies_only_to_files_with_several_pages(stack):
    image, pages = (InputImage(name, name, bytes) for name in ("a.png", "b.tif"))
    assert resolve_page(CELL, image, 2) is None
    assert resolve_page(stack, pages, 2) == 2
    assert resolve_page(stack, replace(pages, page=1), 2) == 1
    assert resolve_page(stack, pages, "rgb") is None
    with raises(ImageError, ErrorCode.NO_SUCH_PAGE, match=r"b\.tif .*Page 4"):
        resolve_page(stack, pages, 3)
