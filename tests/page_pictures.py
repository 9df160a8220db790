"""Waiting for the pictures of a page in a browser."""

from typing import Any

PICTURES = "[data-testid=stImage] img"

# All pictures of the page have arrived, and there are at least so many.
ARRIVED = f"""
least => {{
    const pictures = [...document.querySelectorAll("{PICTURES}")];
    return pictures.length >= least && pictures.every(p => p.complete && p.naturalWidth > 0);
}}
"""


def wait_for_pictures(window: Any, least: int) -> None:
    """Wait until at least so many pictures are there and the run is over."""
    window.wait_for_function(ARRIVED, arg=least)
    window.wait_for_selector("[data-testid=stStatusWidget]", state="detached")


def wait_for_viewer(window: Any, panels: int) -> None:
    """Wait until the viewer has drawn so many panels, and the run is over."""
    window.locator("figure canvas").nth(panels - 1).wait_for()
    window.wait_for_function(
        "() => document.querySelector('[data-viewer]')?.shadowRoot.querySelector('.panels')?.dataset.view"
    )
    window.wait_for_selector("[data-testid=stStatusWidget]", state="detached")
