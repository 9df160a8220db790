"""Tables of Markdown cells that scroll by themselves where they are too wide, with the keyboard as well."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

# Streamlit's own scrolling boxes cannot have the focus unless something in them can. This gives it to the box around it
# while there is something to scroll. It shows nothing.
_reachable = st.components.v2.component(
    "wbcseg.reachable",
    js="""
export default function ({ parentElement }) {
  const box = parentElement.getRootNode().host?.closest("[data-testid=stHorizontalBlock]")
  if (!box || box.dataset.reachable) return
  box.dataset.reachable = ""
  const look = () => {
    const wide = box.scrollWidth > box.clientWidth || box.scrollHeight > box.clientHeight
    for (const [name, value] of [["tabindex", "0"], ["role", "region"], ["aria-label", "Table, scrolls"]]) {
      if (wide) box.setAttribute(name, value)
      else box.removeAttribute(name)
    }
  }
  // What is in the box may grow without the box: its font comes late.
  const observer = new ResizeObserver(look)
  for (const part of [box, ...box.querySelectorAll("div, table")]) observer.observe(part)
  for (const wait of [0, 100, 500]) setTimeout(look, wait)
}
""",
)


def show_table(head: Sequence[str], rows: Sequence[Sequence[str]], key: str) -> None:
    """Show a table, its first column to the left and figures to the right.

    Args:
        head: Names of the columns, in Markdown.
        rows: Cells in Markdown, as many as ``head`` in each row.
        key: Names the table on its page.
    """
    lines = [head, [":--", *["--:"] * (len(head) - 1)], *rows]
    with st.container(horizontal=True, wrap=False, gap=None):
        st.markdown("\n".join("| " + " | ".join(line) + " |" for line in lines), width="content")
        _reachable(key=f"reachable_{key}", width=1, height=1)
