"""What the browser gets of one picture, in one piece: the picture itself and one map a model, as PNG parts.

Streamlit sends bytes to a component as they are only where they are the whole of the message. So the parts stand behind
a head that says where each begins. A message that has not changed is not sent again.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from wbcseg.io import encode_png
from wbcseg.labels import CLASSES, Labels

MAGIC: Final = b"WBP1"
_CLASS_IDS: Final = {str(kind.id) for kind in CLASSES}
IMAGE: Final = "picture"
MASK: Final = "mask"


def encode_payload(head: Mapping[str, Any], parts: Mapping[str, bytes]) -> bytes:
    """Join named parts behind a head.

    Args:
        head: JSON values; ``parts`` is added to it.
        parts: Their bytes by name.

    Returns:
        ``WBP1``, the length of the head (4 bytes, least first), the head as JSON in UTF-8, the parts.
    """
    places, offset = {}, 0
    for name, part in parts.items():
        places[name] = [offset, len(part)]
        offset += len(part)
    text = json.dumps({**head, "parts": places}).encode()
    return b"".join((MAGIC, len(text).to_bytes(4, "little"), text, *parts.values()))


def decode_payload(data: bytes) -> tuple[dict[str, Any], dict[str, bytes]]:
    """Return the head and the parts that :func:`encode_payload` joined.

    Raises:
        ValueError: If it is no such message.
    """
    if data[:4] != MAGIC:
        raise ValueError("These bytes are no pack of a picture.")
    end = 8 + int.from_bytes(data[4:8], "little")
    head = json.loads(data[8:end])
    places = head.pop("parts")
    return head, {name: data[end + offset : end + offset + length] for name, (offset, length) in places.items()}


def encode_prediction(labels: Labels, shares: NDArray[np.uint8]) -> bytes:
    """Write what a model says of every pixel as a picture.

    The class has a channel of its own, because rounded probabilities may tie.

    Args:
        labels: ``uint8[H, W]`` of class ids.
        shares: ``uint8[H, W, 2]``; see :attr:`wbcseg.inference.Segmentation.shares`.

    Returns:
        An RGB PNG: the class id, and the probabilities of cytoplasm and nucleus in steps of 1/255.
    """
    return encode_png(np.dstack([labels, shares]))


def decode_rle(text: object, width: int, height: int) -> Labels:
    """Read class ids that the browser wrote as runs: ``3x0,2x1`` is three pixels of class 0 and two of class 1.

    Args:
        text: The runs, row by row.
        width: Of the picture, in pixels.
        height: Likewise.

    Returns:
        ``uint8[H, W]`` of class ids.

    Raises:
        ValueError: If it is no such text, names another class, or has not one class for every pixel.
    """
    count = width * height
    if not isinstance(text, str) or len(text) > 10 * count + 10:
        raise ValueError("it must be a text of runs.")
    lengths, ids = [], []
    for run in text.split(","):
        length, _, kind = run.partition("x")
        if not (length.isascii() and length.isdecimal() and len(length) < 10 and kind in _CLASS_IDS):
            raise ValueError(f"it has a run that is none: {run[:20]!r}.")
        lengths.append(int(length))
        ids.append(int(kind))
    if sum(lengths) != count:
        raise ValueError(f"it must have {width}×{height} pixels. Received: {sum(lengths)}")
    return np.repeat(np.array(ids, np.uint8), lengths).reshape(height, width)
