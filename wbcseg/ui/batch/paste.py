"""Pasting pictures: what the clipboard holds goes the way of files that are chosen."""

from __future__ import annotations

import streamlit as st

# It shows nothing. While it is there, pictures that are pasted anywhere on the page go to the file input of the page.
_paste_component = st.components.v2.component(
    "wbcseg.paste",
    js="""
export default function () {
  const pasted = event => {
    const files = [...(event.clipboardData?.files ?? [])].filter(file => file.type.startsWith("image/"))
    // Another uploader, for a folder, may be there already, and this listener still.
    const input = document.querySelector("[data-testid=stFileUploader] input[type=file]:not([webkitdirectory])")
    if (!files.length || !input) return
    event.preventDefault()
    const transfer = new DataTransfer()
    files.forEach(file => transfer.items.add(file))
    input.files = transfer.files
    input.dispatchEvent(new Event("change", { bubbles: true }))
  }
  document.addEventListener("paste", pasted)
  return () => document.removeEventListener("paste", pasted)
}
""",
)


def enable_paste() -> None:
    """Send pictures that the reader pastes to the file uploader of the page."""
    _paste_component(key="paste", width=1, height=1)
