"""Pasting images: images from the clipboard go to the page's file uploader."""

from __future__ import annotations

import streamlit as st

# It shows nothing. While it is mounted, images pasted anywhere on the page go to the page's file input.
_paste_component = st.components.v2.component(
    "wbcseg.paste",
    js="""
export default function () {
  const onPaste = event => {
    const files = [...(event.clipboardData?.files ?? [])].filter(file => file.type.startsWith("image/"))
    // An uploader for folders may already be there while this listener still is.
    const input = document.querySelector("[data-testid=stFileUploader] input[type=file]:not([webkitdirectory])")
    if (!files.length || !input) return
    event.preventDefault()
    const transfer = new DataTransfer()
    files.forEach(file => transfer.items.add(file))
    input.files = transfer.files
    input.dispatchEvent(new Event("change", { bubbles: true }))
  }
  document.addEventListener("paste", onPaste)
  return () => document.removeEventListener("paste", onPaste)
}
""",
)


def enable_paste() -> None:
    """Send pasted images to the page's file uploader."""
    _paste_component(key="paste", width=1, height=1)
