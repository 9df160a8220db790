"""Waiting for the images of a page in the browser."""

from typing import Any

from browser_waits import wait_until_idle

IMAGES = "[data-testid=stImage] img"

# All images of the page have been loaded, and there are at least so many.
LOADED = f"""
least => {{
    const images = [...document.querySelectorAll("{IMAGES}")];
    return images.length >= least && images.every(image => image.complete && image.naturalWidth > 0);
}}
"""


def wait_for_images(window: Any, least: int) -> None:
    """Wait until the page shows at least so many images and its run is over."""
    window.wait_for_function(LOADED, arg=least)
    wait_until_idle(window)


def wait_for_viewer(window: Any, panels: int) -> None:
    """Wait until the viewer has drawn so many panels and the run of the page is over."""
    window.locator("figure canvas").nth(panels - 1).wait_for()
    window.wait_for_function(
        "() => document.querySelector('[data-viewer]')?.shadowRoot.querySelector('.panels')?.dataset.view"
    )
    wait_until_idle(window)
