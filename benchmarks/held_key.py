"""Hold an arrow key from fresh deep links on: ``python -m benchmarks.held_key --trials 70``.

Each trial is a visit with an empty cache. It counts visits that did not reach the image that the number of key presses
leads to, and those that ended with *Cached ForwardMsg MISS*.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Final

from playwright.sync_api import Browser, Error

from benchmarks.pages import IS_DRAWN, SCREENS
from benchmarks.serving import PROJECT_ROOT, open_browser, serve_app

PRESSES: Final = 25
REPEAT_MS: Final = 33
IS_CURRENT: Final = """id => document.querySelector('[data-viewer]')?.shadowRoot
    .querySelector('.strip [aria-current]')?.dataset.image === id"""


def hold_key(browser: Browser, address: str, first: int) -> tuple[bool, bool]:
    """Return whether the image was reached, and whether a message was missing."""
    context = browser.new_context(viewport=SCREENS["wide"])
    page = context.new_page()
    messages: list[str] = []
    page.on("console", lambda message: messages.append(message.text))
    page.goto(f"{address}/segment?dataset=Synthetic&image={first:03}")
    page.wait_for_function(IS_DRAWN, timeout=120_000)
    page.locator("figure canvas").first.focus()
    for _ in range(PRESSES):
        page.keyboard.down("ArrowRight")
        page.wait_for_timeout(REPEAT_MS)
    page.keyboard.up("ArrowRight")
    try:
        page.wait_for_function(IS_CURRENT, arg=f"synthetic/{first + PRESSES:03}", timeout=60_000)
        is_reached = True
    except Error:
        is_reached = False
    page.wait_for_timeout(1500)
    text = page.evaluate("document.body.innerText")
    context.close()
    return is_reached, any("ForwardMsg MISS" in message for message in [text, *messages])


def main() -> None:
    """Print the number of trials, of those that lost steps, and of those that ended with an error."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--root", type=Path, default=PROJECT_ROOT, help="checkout to try")
    parser.add_argument("--trials", type=int, default=20)
    options = parser.parse_args()
    with serve_app(options.root) as address, open_browser() as browser:
        outcomes = [hold_key(browser, address, 1 + trial % 20) for trial in range(options.trials)]
    lost, missing = sum(not is_reached for is_reached, _ in outcomes), sum(is_missing for _, is_missing in outcomes)
    print(json.dumps({"trials": options.trials, "lost_steps": lost, "missing_messages": missing}))


if __name__ == "__main__":
    main()
