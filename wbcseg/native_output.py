"""Keep the messages of native libraries out of the terminal.

TensorFlow and LiteRT write to standard error from C++, where Python's own streams and logging do not reach: which
delegate they made, which devices they did not find. Errors that matter arrive as exceptions.
"""

from __future__ import annotations

import os
import re
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

_CHATTER: Final = re.compile(rb"(INFO|[IW]0000|WARNING: All log messages|fully_quantize)\b")
_lock = threading.RLock()


@contextmanager
def hide_native_output(*, only_chatter: bool = True) -> Iterator[None]:
    """Hold back what is written to standard error in the block. If the block fails, everything is shown.

    Args:
        only_chatter: Whether lines that are not known to be chatter are shown at the end.
    """
    with _lock, tempfile.TemporaryFile() as captured:
        sys.stderr.flush()
        original = os.dup(2)
        os.dup2(captured.fileno(), 2)
        has_failed = True
        try:
            yield
            has_failed = False
        finally:
            sys.stderr.flush()
            os.dup2(original, 2)
            captured.seek(0)
            lines = captured.readlines()
            shown = [line for line in lines if has_failed or (only_chatter and not _CHATTER.match(line))]
            os.write(original, b"".join(shown))
            os.close(original)
