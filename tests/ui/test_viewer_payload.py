"""The message to the viewer: complete, exact, and without metadata."""

from __future__ import annotations

import io
import posixpath
import re

import numpy as np
import pytest
from builders import draw_cell
from PIL import Image

from wbcseg.inference import Segmentation
from wbcseg.labels import decode_rle
from wbcseg.ui.bundler import bundle
from wbcseg.ui.viewer import CELL_LIST_SCRIPTS, PAYLOAD_SCRIPTS, SOURCES, VIEWER_SCRIPTS
from wbcseg.ui.viewer.payload import decode_payload, encode_payload, encode_prediction

LABELS = draw_cell(40, 50)[1]


def read(png: bytes) -> np.ndarray:
    with Image.open(io.BytesIO(png)) as image:
        assert not image.info
        return np.array(image)


def test_a_payload_holds_its_parts_unchanged() -> None:
    parts = {"image": b"\x89PNG\r\n", "mask": b"", "unet-16": bytes(range(256))}
    data = encode_payload({"digest": "abc", "title": "Zählung"}, parts)
    header, decoded = decode_payload(data)
    assert header == {"digest": "abc", "title": "Zählung"}
    assert decoded == parts
    assert encode_payload({"digest": "abc", "title": "Zählung"}, parts) == data
    with pytest.raises(ValueError, match="not a payload"):
        decode_payload(b"PK" + data)


def test_a_prediction_png_has_class_and_probabilities_of_every_pixel() -> None:
    rng = np.random.default_rng(1)
    probabilities = rng.dirichlet([1, 1, 1], (40, 50)).astype(np.float32)
    pixels = read(encode_prediction(LABELS, Segmentation(LABELS, probabilities, "unet").probabilities_u8))
    assert (pixels[..., 0] == LABELS).all()
    assert np.abs(pixels[..., 1] / 255 - probabilities[..., 1]).max() <= 0.5 / 255 + 1e-6
    assert np.abs(pixels[..., 2] / 255 - probabilities[..., 2]).max() <= 0.5 / 255 + 1e-6


def encode_rle(labels: np.ndarray) -> str:
    flat = labels.ravel()
    starts = np.flatnonzero(np.r_[True, flat[1:] != flat[:-1]])
    return ",".join(f"{n}x{flat[i]}" for i, n in zip(starts, np.diff(np.r_[starts, flat.size]), strict=True))


def test_run_lengths_decode_to_the_same_mask() -> None:
    assert (decode_rle(encode_rle(LABELS), 50, 40) == LABELS).all()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (None, "text of run lengths"),
        ("", "an invalid run"),
        ("1999x0", "Received: 1999"),
        ("2000x3", "an invalid run: '2000x3'"),
        ("-1x0,2001x1", "an invalid run: '-1x0'"),
        ("1e3x0,1000x1", "an invalid run"),
        ("99999999999x0", "an invalid run"),
        ("²x0", "an invalid run"),
        ("1x0," * 9000, "text of run lengths"),
    ],
)
def test_invalid_run_lengths_are_rejected(text: object, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        decode_rle(text, 50, 40)


IMPORT = re.compile(r'^import \{([^}]*)\} from "(\.{1,2}/[\w./]+)"$', re.MULTILINE)
EXPORT = re.compile(r"^export (?:async )?(?:function|class|const) (\w+)", re.MULTILINE)


def read_script(name: str) -> str:
    return (SOURCES / name).read_text(encoding="utf-8")


@pytest.mark.parametrize("names", [PAYLOAD_SCRIPTS, VIEWER_SCRIPTS, CELL_LIST_SCRIPTS])
def test_a_bundle_has_no_imports_left_and_one_default_export(names: tuple[str, ...]) -> None:
    text = bundle(SOURCES, names)
    assert not re.search(r"^import ", text, re.MULTILINE)
    (export,) = re.findall(r"^export .*", text, re.MULTILINE)
    assert export.startswith("export default function")


@pytest.mark.parametrize("names", [PAYLOAD_SCRIPTS, VIEWER_SCRIPTS, CELL_LIST_SCRIPTS])
def test_every_script_follows_those_that_it_imports(names: tuple[str, ...]) -> None:
    for i, name in enumerate(names):
        for imported, path in IMPORT.findall(read_script(name)):
            other = posixpath.normpath(posixpath.join(posixpath.dirname(name), path))
            assert other in names[:i], f"{name} comes before {other}, which it imports"
            wanted = {item.strip() for item in imported.split(",") if item.strip()}
            assert wanted <= set(EXPORT.findall(read_script(other))), f"{name} imports more than {other} exports"


def test_every_script_is_bundled() -> None:
    assert {*PAYLOAD_SCRIPTS, *VIEWER_SCRIPTS, *CELL_LIST_SCRIPTS} == {
        path.relative_to(SOURCES).as_posix() for path in SOURCES.rglob("*.js")
    }
