"""Turn what the API takes (paths, bytes, arrays) into input images of the pipeline."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from wbcseg.datasets.uploads import InputImage
from wbcseg.errors import ErrorCode, ImageError
from wbcseg.io import encode_png, open_mask
from wbcseg.labels import Labels

ImageSource = str | os.PathLike[str] | bytes | NDArray[np.uint8]
"""Path of a file, content of a file, or pixels ``uint8[H, W, 3]`` (RGB) or ``uint8[H, W]`` (grey)."""


@dataclass(frozen=True, eq=False)
class ArrayInput(InputImage):
    """An input image whose pixels are in memory."""

    pixels: NDArray[np.uint8] = field(default_factory=lambda: np.zeros((0, 0, 3), np.uint8), repr=False)
    mask_labels: Labels | None = field(default=None, repr=False)


def build_input(image: ImageSource, mask: ImageSource | None, default_name: str = "image") -> InputImage:
    """Return an input image with its mask; its name is that of the file, or ``default_name``.

    Raises:
        ImageError: If an array is not an image, or image and mask differ in size.
    """
    if isinstance(image, np.ndarray):
        pixels = _check_pixels(image)
        labels = _check_mask(mask, pixels)
        key = _compute_key(pixels.tobytes(), b"" if labels is None else labels.tobytes())
        return ArrayInput(default_name, key, lambda: encode_png(pixels), pixels=pixels, mask_labels=labels)
    name, key, load = _build_loader(image, default_name)
    if mask is None:
        return InputImage(name, key, load)
    if isinstance(mask, np.ndarray):
        mask = encode_png(np.asarray(mask, np.uint8))
    mask_name, mask_key, load_mask = _build_loader(mask, "mask")
    return InputImage(name, f"{key} {mask_key}", load, mask_name, load_mask)


def _build_loader(source: ImageSource, default_name: str) -> tuple[str, str, Callable[[], bytes]]:
    """Return name, key and loader of a file or its content."""
    if isinstance(source, bytes):
        data = source
        return default_name, _compute_key(data), lambda: data
    path = Path(cast("str | os.PathLike[str]", source))
    return path.name, str(path.absolute()), lambda: _read_file(path)


def _compute_key(*parts: bytes) -> str:
    return hashlib.sha256(b"\0".join(parts)).hexdigest()


def _read_file(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        reason = f"Reading the file failed: {error.strerror or error}."
        raise ImageError(f"{path}: {reason}", file=str(path), reason=reason, code=ErrorCode.UNREADABLE) from None


def _check_pixels(image: NDArray[Any]) -> NDArray[np.uint8]:
    if image.dtype != np.uint8 or image.ndim not in (2, 3) or (image.ndim == 3 and image.shape[2] != 3):
        raise ImageError(
            f"An image must be uint8[H, W, 3] or uint8[H, W]. Received: {image.dtype}{list(image.shape)}",
            code=ErrorCode.INVALID_VALUE,
        )
    return np.ascontiguousarray(image if image.ndim == 3 else np.repeat(image[..., None], 3, axis=2))


def _check_mask(mask: ImageSource | None, pixels: NDArray[np.uint8]) -> Labels | None:
    if mask is None:
        return None
    data = encode_png(np.asarray(mask, np.uint8)) if isinstance(mask, np.ndarray) else _build_loader(mask, "mask")[2]()
    labels = open_mask(data)
    if labels.shape != pixels.shape[:2]:
        raise ImageError(
            f"The image has {pixels.shape[1]}×{pixels.shape[0]} pixels and its mask has "
            f"{labels.shape[1]}×{labels.shape[0]}.",
            code=ErrorCode.SIZE_MISMATCH,
        )
    return labels
