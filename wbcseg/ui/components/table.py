"""Tables of Markdown cells that fit a phone where they can, and else scroll, with the keyboard as well."""

from __future__ import annotations

import re
from collections.abc import Sequence
from html import escape
from typing import Final

import streamlit as st

_TAG_PATTERN: Final = re.compile(r"(?<!\\)<")

# Streamlit's own scrolling boxes cannot have the focus, so that a keyboard could not scroll them.
_BOX_TEMPLATE: Final = """<div class="{kind}" tabindex="0" role="region" aria-label="{title}">
<div>

{table}

</div>
</div>"""

STYLE_HTML: Final = """<style>
.figures { overflow-x: auto; container-type: inline-size; }
.figures > div { width: fit-content; min-width: min-content; overflow-wrap: normal; }
.figures table { width: auto; }
.figures .stMarkdownColoredBackground { outline: 1px solid color-mix(in srgb, currentColor 40%, transparent); }
@container (max-width: 480px) {
  .figures.figures th, .figures.figures td { padding: 0.35rem 0.4rem; font-size: 0.875rem; line-height: 1.35; }
  .stacked > div { width: 100%; min-width: 0; }
  .stacked table, .stacked thead, .stacked tbody { display: block; width: 100%; }
  .stacked tr { display: flex; flex-wrap: wrap; align-items: end; padding: 0.3rem 0;
    border-bottom: 1px solid color-mix(in srgb, currentColor 16%, transparent); }
  .figures.stacked th, .figures.stacked td { border: 0; padding: 0.1rem 0.2rem; }
  .figures.stacked th { padding: 0.1rem; font-size: 0.75rem; overflow-wrap: anywhere; }
  .stacked tr > * { flex: 1 1 0; min-width: 0; }
  .stacked tr > :first-child { flex-basis: 100%; }
}
</style>"""
"""A column is as narrow as its longest word or number, which is never broken."""


def show_table(
    headers: Sequence[str], rows: Sequence[Sequence[str]], title: str, *, stack_on_phone: bool = False
) -> None:
    """Show a table, its first column to the left and figures to the right.

    Args:
        headers: Names of the columns, in Markdown.
        rows: Cells in Markdown, as many as ``headers`` in each row. HTML in them is shown letter by letter.
        title: What a screen reader calls the table, plain text.
        stack_on_phone: Whether, on a phone, the first cell of a row stands above the others: for figures in so many columns
            that they would not fit beside it.
    """
    lines = [headers, [":--", *["--:"] * (len(headers) - 1)], *rows]
    table = "\n".join("| " + " | ".join(_TAG_PATTERN.sub(r"\\<", cell) for cell in line) + " |" for line in lines)
    css_class = "figures stacked" if stack_on_phone else "figures"
    st.markdown(
        STYLE_HTML + _BOX_TEMPLATE.format(kind=css_class, title=escape(title), table=table), unsafe_allow_html=True
    )
