"""Tables of Markdown cells that scroll by themselves where they are too wide, with the keyboard as well."""

from __future__ import annotations

import re
from collections.abc import Sequence
from html import escape
from typing import Final

import streamlit as st

_TAG: Final = re.compile(r"(?<!\\)<")

# Streamlit's own scrolling boxes cannot have the focus, so that a keyboard could not scroll them.
_BOX: Final = """<div tabindex="0" role="region" aria-label="{title}" style="overflow-x: auto">
<div style="width: max-content">

{table}

</div>
</div>"""


def show_table(head: Sequence[str], rows: Sequence[Sequence[str]], title: str) -> None:
    """Show a table, its first column to the left and figures to the right.

    Args:
        head: Names of the columns, in Markdown.
        rows: Cells in Markdown, as many as ``head`` in each row. HTML in them is shown letter by letter.
        title: What a screen reader calls the table, plain text.
    """
    lines = [head, [":--", *["--:"] * (len(head) - 1)], *rows]
    table = "\n".join("| " + " | ".join(_TAG.sub(r"\\<", cell) for cell in line) + " |" for line in lines)
    st.markdown(_BOX.format(title=escape(title), table=table), unsafe_allow_html=True)
