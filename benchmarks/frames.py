"""Measure the viewer's frame rate while dragging: ``python -m benchmarks.frames > benchmarks/frames.json``.

A small app shows the viewer with a synthetic smear, enlarged to the requested side, and the results of the shipped
models. A headless Chromium opens it, zooms in and drags with the mouse for some seconds. The browser's animation clock
counts the frames; a clock around the viewer's drawing gives the processor time of a frame.
"""

from __future__ import annotations

import itertools
import json
import statistics
import time
from typing import Any

from playwright.sync_api import Page

from benchmarks.serving import open_browser, serve_script
from wbcseg.inference import Catalog
from wbcseg.training.tf_env import get_processor_name

DRAG_SECONDS = 4.0

APP_SOURCE = """
import numpy as np
import streamlit as st
from wbcseg.datasets import open_dataset
from wbcseg.datasets.sample import Sample
from wbcseg.inference import Catalog
from wbcseg.ui.cache import LoadedImage
from wbcseg.ui.segment.view import build_view
from wbcseg.ui.viewer import send_payload, show_viewer

side = int(st.query_params["side"])
sample = open_dataset("synthetic").read("synthetic/012")
indices = np.arange(side) * sample.image.shape[0] // side
large = Sample("synthetic/012", sample.image[indices][:, indices], sample.mask[indices][:, indices])
catalog = Catalog()
entries = [entry for entry in catalog.usable if entry.shipped]
st.title("Frames")
view = build_view(LoadedImage(large, large.compute_digest()), entries, catalog, None, tta=False)
show_viewer(view.props, on_image=lambda: None, on_mask=lambda: None)
send_payload(view.digest, view.payload)
"""

FRAME_COUNTER_SCRIPT = """
window.drawing = []
const ask = window.requestAnimationFrame.bind(window)
window.requestAnimationFrame = callback => ask(now => {
  const begin = performance.now()
  callback(now)
  window.drawing.push(performance.now() - begin)
})
window.count = () => {
  window.times = []
  window.drawing = []
  const tick = now => (window.times.push(now), window.counting && ask(tick))
  window.counting = true
  ask(tick)
}
"""


def measure_frame_rate(page: Page, address: str, image_size: int, panels: list[str], style: str) -> dict[str, Any]:
    """Drag the first panel; return frames per second and the time of a frame."""
    view_state = f"z2.0000_{image_size / 2}_{image_size / 2}~p{'_'.join(panels)}{'~s1' if style == 'outline' else ''}"
    page.goto(f"{address}/?side={image_size}&view={view_state}")
    page.locator("figure canvas").nth(len(panels) - 1).wait_for(timeout=180_000)
    page.wait_for_function(
        "() => document.querySelector('[data-viewer]').shadowRoot.querySelector('.panels').dataset.view",
        timeout=180_000,
    )
    page.wait_for_timeout(3000)
    box = page.locator("figure canvas").first.bounding_box()
    assert box is not None
    x, y, drag_radius = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2, 0.3 * box["width"]
    page.mouse.move(x, y)
    page.mouse.down()
    page.evaluate("window.count()")
    start_time = time.perf_counter()
    step = 0
    while time.perf_counter() - start_time < DRAG_SECONDS:
        step += 1
        swing = step % 80
        page.mouse.move(
            x + drag_radius * (abs(swing - 40) / 20 - 1), y + 0.4 * drag_radius * (abs(swing - 40) / 20 - 1)
        )
    page.evaluate("window.counting = false")
    page.mouse.up()
    times, drawing = page.evaluate("[window.times, window.drawing]")
    frame_gaps = [after - before for before, after in itertools.pairwise(times)]
    return {
        "panels": len(panels),
        "image_size": image_size,
        "style": style,
        "frames_per_second": round(1000 * len(frame_gaps) / (times[-1] - times[0]), 1),
        "median_gap_ms": round(statistics.median(frame_gaps), 2),
        "gaps_above_20_ms": round(sum(frame_gap > 20 for frame_gap in frame_gaps) / len(frame_gaps), 4),
        "drawn_frames": len(drawing),
        "drawing_ms": {
            "median": round(statistics.median(drawing), 2),
            "p95": round(sorted(drawing)[int(0.95 * (len(drawing) - 1))], 2),
        },
    }


def main() -> None:
    """Print the measurements as JSON."""
    models = [entry.name for entry in Catalog().usable if entry.shipped and entry.card and entry.card.two_stage]
    all_panels = [
        "image",
        "mask",
        *models,
        "agreement",
        *(f"errors.{m}" for m in models),
        *(f"uncertainty.{m}" for m in models),
    ]
    four_panels = ["image", "mask", *models[:2]]
    with serve_script(APP_SOURCE) as address, open_browser() as browser:
        results = []
        for image_size, panels in ((300, all_panels), (2000, four_panels)):
            for style in ("fill", "outline"):
                page = browser.new_page(viewport={"width": 1280, "height": 900})
                page.add_init_script(FRAME_COUNTER_SCRIPT)
                results.append(measure_frame_rate(page, address, image_size, panels, style))
                page.close()
        print(
            json.dumps(
                {
                    "processor": get_processor_name(),
                    "browser": f"Chromium {browser.version}, headless",
                    "views": results,
                },
                indent=1,
            )
        )


if __name__ == "__main__":
    main()
