"""Load exported networks with LiteRT, without its messages."""

from __future__ import annotations

import contextlib
import threading
from typing import Any

from ai_edge_litert.interpreter import Interpreter

from wbcseg.native_output import hide_native_output

_has_spoken = threading.Event()


def open_interpreter(content: bytes, **options: Any) -> Interpreter:
    """Load an exported network.

    Args:
        content: A LiteRT file.
        **options: Arguments of :class:`ai_edge_litert.interpreter.Interpreter`.

    Raises:
        ValueError: If it is no LiteRT file. LiteRT raises a ``RuntimeError`` for some damaged ones.
    """
    interpreter = Interpreter(model_content=content, **options)
    if not _has_spoken.is_set():
        # It says once in a process that it made a delegate, when the first network gets its memory.
        with hide_native_output(), contextlib.suppress(RuntimeError, ValueError):
            Interpreter(model_content=content, **options).allocate_tensors()
        _has_spoken.set()
    return interpreter
