"""Joins the scripts of a component. They are plain modules, and Streamlit takes one text per component."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path


def bundle(folder: Path, filenames: Sequence[str]) -> str:
    """Join modules into one: each in a scope of its own except the last, whose default export is the component.

    Args:
        folder: Folder of the modules.
        filenames: The modules, relative to it, each after those that it imports. Their names differ. Their imports
            begin a line, and so do their exports.
    """
    *inner_names, entry_name = filenames
    return "\n".join(
        [
            *(_wrap_module(folder / filename) for filename in inner_names),
            _replace_imports((folder / entry_name).read_text(encoding="utf-8")),
        ]
    )


def _wrap_module(path: Path) -> str:
    source = path.read_text(encoding="utf-8")
    exported_names = re.findall(r"^export (?:async )?(?:function|class|const) (\w+)", source, flags=re.MULTILINE)
    body = re.sub(r"^export ", "", _replace_imports(source), flags=re.MULTILINE)
    return f"const {_get_scope_name(path.name)} = (() => {{\n{body}\nreturn {{ {', '.join(exported_names)} }}\n}})()"


def _replace_imports(source: str) -> str:
    return re.sub(
        r'^import (\{[^}]*\}) from "\.{1,2}/([\w./]+)"$',
        lambda match: f"const {match[1]} = {_get_scope_name(match[2])}",
        source,
        flags=re.MULTILINE,
    )


def _get_scope_name(filename: str) -> str:
    return f"module_{Path(filename).stem}"
