"""Check compressed pixel data (zlib) of PNG and TIFF, whose decoders do not."""

from __future__ import annotations

import zlib
from collections.abc import Iterable
from typing import Final

from wbcseg.errors import ErrorCode
from wbcseg.io.limits import RejectedFileError

_INPUT_STEP: Final = 1 << 16
_OUTPUT_STEP: Final = 1 << 20


def check_inflated_size(parts: Iterable[bytes | memoryview], expected_bytes: int) -> None:
    """Unpack a zlib stream, without keeping it, to check its length and its checksum.

    Args:
        parts: The stream.
        expected_bytes: How many bytes it must hold at least.

    Raises:
        RejectedFileError: If it is damaged or holds less.
    """
    inflater, count = zlib.decompressobj(), 0
    try:
        for part in parts:
            for start in range(0, len(part), _INPUT_STEP):
                pending: bytes | memoryview = part[start : start + _INPUT_STEP]
                while pending and not inflater.eof:
                    count += len(inflater.decompress(pending, _OUTPUT_STEP))
                    if count > expected_bytes + _OUTPUT_STEP:
                        return  # More than the image needs; decoders ignore the rest.
                    pending = inflater.unconsumed_tail
    except zlib.error as error:
        raise RejectedFileError(
            "The file is damaged: its compressed pixel data contradict their checksum.",
            ErrorCode.DAMAGED,
            "Copy or download it again.",
        ) from error
    if count < expected_bytes:
        raise RejectedFileError(
            f"The file is incomplete: it holds {count / expected_bytes:.0%} of its pixel data.",
            ErrorCode.TRUNCATED,
            "Copy or download it again.",
        )
