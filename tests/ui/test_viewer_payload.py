"""What the browser gets of a picture: packed, exact, and without anything else."""

from __future__ import annotations

import io

import numpy as np
import pytest
from builders import draw_cell
from PIL import Image

from wbcseg.inference import Segmentation
from wbcseg.ui.viewer import PAYLOAD_SCRIPTS, SOURCES, VIEWER_SCRIPTS, bundle
from wbcseg.ui.viewer.payload import decode_payload, decode_rle, encode_payload, encode_prediction

LABELS = draw_cell(40, 50)[1]


def read(png: bytes) -> np.ndarray:
    with Image.open(io.BytesIO(png)) as picture:
        assert not picture.info
        return np.array(picture)


def test_a_pack_holds_its_parts_as_they_are() -> None:
    parts = {"picture": b"\x89PNG\r\n", "mask": b"", "unet-16": bytes(range(256))}
    data = encode_payload({"digest": "abc", "title": "Zählung"}, parts)
    head, found = decode_payload(data)
    assert head == {"digest": "abc", "title": "Zählung"}
    assert found == parts
    assert encode_payload({"digest": "abc", "title": "Zählung"}, parts) == data
    with pytest.raises(ValueError, match="no pack"):
        decode_payload(b"PK" + data)


def test_a_map_has_the_class_and_the_probabilities_of_every_pixel() -> None:
    rng = np.random.default_rng(1)
    probabilities = rng.dirichlet([1, 1, 1], (40, 50)).astype(np.float32)
    pixels = read(encode_prediction(LABELS, Segmentation(LABELS, probabilities, "unet").probabilities_u8))
    assert (pixels[..., 0] == LABELS).all()
    assert np.abs(pixels[..., 1] / 255 - probabilities[..., 1]).max() <= 0.5 / 255 + 1e-6
    assert np.abs(pixels[..., 2] / 255 - probabilities[..., 2]).max() <= 0.5 / 255 + 1e-6


def runs_of(labels: np.ndarray) -> str:
    flat = labels.ravel()
    starts = np.flatnonzero(np.r_[True, flat[1:] != flat[:-1]])
    return ",".join(f"{n}x{flat[i]}" for i, n in zip(starts, np.diff(np.r_[starts, flat.size]), strict=True))


def test_a_corrected_mask_comes_back_as_it_was() -> None:
    assert (decode_rle(runs_of(LABELS), 50, 40) == LABELS).all()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (None, "text of runs"),
        ("", "a run that is none"),
        ("1999x0", "Received: 1999"),
        ("2000x3", "a run that is none: '2000x3'"),
        ("-1x0,2001x1", "a run that is none: '-1x0'"),
        ("1e3x0,1000x1", "a run that is none"),
        ("99999999999x0", "a run that is none"),
        ("²x0", "a run that is none"),
        ("1x0," * 9000, "text of runs"),
    ],
)
def test_a_mask_that_is_none_is_refused(text: object, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        decode_rle(text, 50, 40)


def test_the_scripts_are_joined_with_every_import_met() -> None:
    assert set(PAYLOAD_SCRIPTS) | set(VIEWER_SCRIPTS) == {path.name for path in SOURCES.glob("*.js")}
    for names in (PAYLOAD_SCRIPTS, VIEWER_SCRIPTS):
        text = bundle(names)
        assert "import {" not in text
        assert text.count("\nexport default function") == 1
        assert not [line for line in text.splitlines() if line.startswith("export ") and "default" not in line]
        for i, name in enumerate(names):
            for line in (SOURCES / name).read_text(encoding="utf-8").splitlines():
                if line.startswith("import"):
                    other = line.rpartition('"./')[2].rstrip('"')
                    assert other in names[:i], f"{name} comes before {other}, which it needs"
                    wanted = line[line.index("{") + 1 : line.index("}")].replace(" ", "").split(",")
                    source = (SOURCES / other).read_text(encoding="utf-8")
                    for one in wanted:
                        assert any(
                            f"export {kind} {one}" in source
                            for kind in ("function", "async function", "class", "const")
                        ), f"{name} wants {one} of {other}"
