"""The message that carries an image to the browser: the image itself, its mask and one map per model, as PNG parts.

Streamlit sends bytes to a component unchanged only where they are the whole message. So the parts follow a header that
says where each one begins. A message that has not changed is not sent again.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from wbcseg.io import encode_png
from wbcseg.labels import Labels

MAGIC: Final = b"WBP1"
IMAGE: Final = "image"
MASK: Final = "mask"


def encode_payload(header: Mapping[str, Any], parts: Mapping[str, bytes]) -> bytes:
    """Join named parts behind a header.

    Args:
        header: JSON values; ``parts`` is added to it.
        parts: Bytes by name.

    Returns:
        ``WBP1``, the length of the header (4 bytes, little-endian), the header as JSON in UTF-8, and the parts.
    """
    spans, offset = {}, 0
    for name, part in parts.items():
        spans[name] = [offset, len(part)]
        offset += len(part)
    header_bytes = json.dumps({**header, "parts": spans}).encode()
    return b"".join((MAGIC, len(header_bytes).to_bytes(4, "little"), header_bytes, *parts.values()))


def decode_payload(data: bytes) -> tuple[dict[str, Any], dict[str, bytes]]:
    """Return the header and the parts that :func:`encode_payload` joined.

    Raises:
        ValueError: If the bytes are not a payload.
    """
    if data[:4] != MAGIC:
        raise ValueError("These bytes are not a payload.")
    end = 8 + int.from_bytes(data[4:8], "little")
    header = json.loads(data[8:end])
    spans = header.pop("parts")
    return header, {name: data[end + offset : end + offset + length] for name, (offset, length) in spans.items()}


def encode_prediction(labels: Labels, probabilities: NDArray[np.uint8]) -> bytes:
    """Write a model's result as an RGB PNG.

    The class has a channel of its own, because rounded probabilities may tie.

    Args:
        labels: ``uint8[H, W]`` of class ids.
        probabilities: ``uint8[H, W, 2]``; see :attr:`wbcseg.inference.Segmentation.probabilities_u8`.

    Returns:
        An RGB PNG: the class id, and the probabilities of cytoplasm and nucleus in steps of 1/255.
    """
    return encode_png(np.dstack([labels, probabilities]))
