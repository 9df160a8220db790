"""Write images and masks as a zip that can be used as a data set."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from wbcseg.io import encode_png, make_safe_stem
from wbcseg.labels import Labels, to_grey


def build_pairs_zip(pairs: Iterable[tuple[str, NDArray[np.uint8], Labels]]) -> bytes:
    """Return images and masks as a zip of two folders.

    Args:
        pairs: Name, image ``uint8[H, W, 3]`` and class ids ``uint8[H, W]``.

    Returns:
        ``images/NAME.png`` and ``masks/NAME.png`` (grey codes 0, 128 and 255), without metadata. The same pairs give
        the same bytes.
    """
    used_names: set[str] = set()
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, image, labels in pairs:
            stem = make_safe_stem(name, used_names)
            for folder, data in (("images", encode_png(image)), ("masks", encode_png(to_grey(labels)))):
                # PNG is compressed already; a fixed date keeps the time of day out of the file.
                archive.writestr(zipfile.ZipInfo(f"{folder}/{stem}.png"), data)
    return buffer.getvalue()
