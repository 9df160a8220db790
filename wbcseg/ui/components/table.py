"""Tables with Markdown cells that fit on a phone or scroll, by keyboard as well."""

from __future__ import annotations

import re
from collections.abc import Sequence
from html import escape
from typing import Final

import streamlit as st

_TAG_PATTERN: Final = re.compile(r"(?<!\\)<")

# Streamlit's scrolling boxes cannot receive the focus, so the keyboard could not scroll them.
_BOX_TEMPLATE: Final = """<div class="{kind}" tabindex="0" role="region" aria-label="{title}">
<div>

{table}

</div>
</div>"""

STYLE_HTML: Final = """<style>
.numbers { overflow-x: auto; container-type: inline-size; }
.numbers > div { width: fit-content; min-width: min-content; overflow-wrap: normal; }
.numbers table { width: auto; }
.numbers .stMarkdownColoredBackground { outline: 1px solid color-mix(in srgb, currentColor 40%, transparent); }
@container (max-width: 480px) {
  .numbers.numbers th, .numbers.numbers td { padding: 0.35rem 0.4rem; font-size: 0.875rem; line-height: 1.35; }
  .stacked > div { width: 100%; min-width: 0; }
  .stacked table, .stacked thead, .stacked tbody { display: block; width: 100%; }
  .stacked tr { display: flex; flex-wrap: wrap; align-items: end; padding: 0.3rem 0;
    border-bottom: 1px solid color-mix(in srgb, currentColor 16%, transparent); }
  .numbers.stacked th, .numbers.stacked td { border: 0; padding: 0.1rem 0.2rem; }
  .numbers.stacked th { padding: 0.1rem; font-size: 0.75rem; overflow-wrap: anywhere; }
  .stacked tr > * { flex: 1 1 0; min-width: 0; }
  .stacked tr > :first-child { flex-basis: 100%; }
}
</style>"""
"""Columns are as narrow as their longest word or number, which never breaks."""


def show_table(
    headers: Sequence[str], rows: Sequence[Sequence[str]], title: str, *, stack_on_phone: bool = False
) -> None:
    """Show a table with its first column aligned left and the others aligned right.

    Args:
        headers: Column headers, in Markdown.
        rows: Cells in Markdown, one per header in each row. HTML in them is shown as text.
        title: Name of the table for screen readers, plain text.
        stack_on_phone: Whether a phone shows the first cell of each row above the others. For tables whose columns
            would not fit beside it.
    """
    lines = [headers, [":--", *["--:"] * (len(headers) - 1)], *rows]
    table = "\n".join("| " + " | ".join(_TAG_PATTERN.sub(r"\\<", cell) for cell in line) + " |" for line in lines)
    css_class = "numbers stacked" if stack_on_phone else "numbers"
    st.markdown(
        STYLE_HTML + _BOX_TEMPLATE.format(kind=css_class, title=escape(title), table=table), unsafe_allow_html=True
    )
