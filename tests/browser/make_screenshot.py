"""Make ``docs/segment.png``, the README's image, of a running app.

Run ``python tests/browser/make_screenshot.py URL`` with the address of the app.
"""

from __future__ import annotations

import io
import sys
from pathlib import Path
from urllib.parse import quote_plus

from PIL import Image
from playwright.sync_api import sync_playwright

from wbcseg.inference import Catalog

MODELS = ("unet-general", "deconvnet-general")
COLOURS = 128
TARGET = Path(__file__).parents[2] / "docs" / "segment.png"


def main(url: str) -> None:
    """Compare two models on a synthetic image on which they disagree."""
    titles = [quote_plus(Catalog().get(name).title) for name in MODELS]
    address = f"{url}/segment?dataset=Synthetic&image=040&" + "&".join(f"models={title}" for title in titles)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1280, "height": 800}, color_scheme="light")
        page.set_default_timeout(180_000)
        page.goto(address)
        page.locator("figure canvas").nth(len(MODELS)).wait_for()
        page.wait_for_function(
            "() => [...document.querySelector('[data-viewer]').shadowRoot.querySelectorAll('.lowest-dice')]"
            ".every(score => score.textContent !== '…')"
        )
        shot = page.screenshot()
        browser.close()
    # Few colours, so that the file is small.
    with Image.open(io.BytesIO(shot)) as image:
        image.convert("RGB").quantize(COLOURS).save(TARGET, optimize=True)


if __name__ == "__main__":
    main(sys.argv[1].rstrip("/"))
