"""Measure the pages in a browser: ``python -m benchmarks.pages --label after``.

Chromium opens the app of a checkout without a cache, as on a first visit, wide and on a phone, on this computer and
over 4 Mbit/s. Measured are the times until the document is loaded and until the page has content, the bytes until then
by kind, the time from a click on "Next image" until the image and a result are drawn, the layout shift of visits with
uploads, and the memory of a page that
shows a field of view of 6000×4000 pixels: V8's heap with its array buffers, and the browser's processes.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import statistics
import tempfile
import time
from collections import Counter
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

import numpy as np
import psutil
from PIL import Image
from playwright.sync_api import Browser, Page

from benchmarks.serving import PROJECT_ROOT, open_browser, serve_app
from wbcseg.datasets import examples
from wbcseg.datasets.synthetic import draw_sample
from wbcseg.training.tf_env import get_processor_name

RESULT_PATH: Final = Path(__file__).with_name("pages.json")

SCREENS: Final = {"wide": {"width": 1280, "height": 800}, "phone": {"width": 390, "height": 844}}
CONNECTIONS: Final = {"local": None, "4 Mbit/s": 4.0}
PAGES: Final = {"Home": "/", "Segment": "/segment?dataset=Synthetic&image=012"}
LATENCY_MS: Final = 20
REPEATS: Final = 3
STEPS: Final = 10
FIELD_SIZE: Final = (6000, 4000)
FIELD_CELLS: Final = 24

HAS_CONTENT: Final = "() => (document.querySelector('[data-testid=stMain]')?.innerText ?? '').trim().length > 20"
IS_DRAWN: Final = (
    "() => document.querySelector('[data-viewer]')?.shadowRoot.querySelector('.panels')?.dataset.view !== undefined"
)
HAS_TABLE: Final = "() => document.querySelector('[data-testid=stHtml] table tbody tr')"
# As browsers define it: shifts less than 1 s apart add up, in windows of at most 5 s; those after input do not count.
WATCH_SHIFTS: Final = """
window.shiftWindows = []
let first = -Infinity, last = -Infinity
new PerformanceObserver(list => {
  for (const { value, hadRecentInput, startTime } of list.getEntries()) {
    if (hadRecentInput) continue
    if (startTime - last > 1000 || startTime - first > 5000) {
      first = startTime
      window.shiftWindows.push(0)
    }
    last = startTime
    window.shiftWindows[window.shiftWindows.length - 1] += value
  }
}).observe({ type: "layout-shift", buffered: true })
"""
GO_NEXT: Final = """async () => {
  const root = document.querySelector('[data-viewer]').shadowRoot
  const canvases = [...root.querySelectorAll('figure canvas')]
  const hash = canvas => {
    const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height)
    let sum = 0
    for (let i = 0; i < data.length; i += 97) sum = (sum * 31 + data[i]) | 0
    return sum
  }
  const watched = [canvases[0], canvases.at(-1)], before = watched.map(hash), times = [null, null]
  const start = performance.now()
  ;[...root.querySelectorAll('button')].find(button => button.getAttribute('aria-label') === 'Next image').click()
  while (times.includes(null) && performance.now() - start < 20000) {
    await new Promise(resolve => requestAnimationFrame(resolve))
    watched.forEach((canvas, i) => {
      if (times[i] === null && hash(canvas) !== before[i]) times[i] = performance.now() - start
    })
  }
  return times
}"""


def measure_first_visit(browser: Browser, address: str, screen: str, mbit: float | None) -> dict[str, Any]:
    """Open a page with an empty cache; return seconds until it has content, and the bytes until then."""
    context = browser.new_context(viewport=SCREENS[screen])
    page = context.new_page()
    devtools = context.new_cdp_session(page)
    devtools.send("Network.enable")
    if mbit:
        rate = mbit * 1e6 / 8
        devtools.send(
            "Network.emulateNetworkConditions",
            {"offline": False, "latency": LATENCY_MS, "downloadThroughput": rate, "uploadThroughput": rate},
        )
    addresses: dict[str, str] = {}
    sizes: Counter[str] = Counter()
    devtools.on("Network.requestWillBeSent", lambda e: addresses.setdefault(e["requestId"], e["request"]["url"]))
    devtools.on("Network.dataReceived", lambda e: sizes.update({addresses[e["requestId"]]: e["encodedDataLength"]}))
    # Frames come as base64.
    devtools.on(
        "Network.webSocketFrameReceived",
        lambda e: sizes.update({"messages": 3 * len(e["response"]["payloadData"]) // 4}),
    )
    page.goto(address, wait_until="commit")
    page.wait_for_function(HAS_CONTENT, timeout=120_000)
    content = page.evaluate("performance.now() / 1000")
    at_content = sizes.copy()
    load = None
    if "segment" in address:
        page.wait_for_function(IS_DRAWN, timeout=120_000)
        load = page.evaluate("performance.now() / 1000")
    page.wait_for_timeout(3000)
    document = page.evaluate("performance.getEntriesByType('navigation')[0].domContentLoadedEventEnd / 1000")
    context.close()
    return {
        "document": document,
        "content": content,
        "image": load,
        "bytes": group_by_kind(at_content),
        "all_bytes": group_by_kind(sizes),
    }


def group_by_kind(sizes: Counter[str]) -> dict[str, int]:
    """Add up bytes by what they are."""
    kinds: Counter[str] = Counter()
    for address, size in sizes.items():
        path = address.partition("?")[0]
        if path == "messages":
            kind = "messages"
        elif path.endswith((".woff2", ".ttf")):
            kind = "fonts"
        elif "PlotlyChart" in path:
            kind = "Plotly"
        elif "/static/" in path:
            kind = "Streamlit"
        elif "/_wbcseg/scripts/" in path:
            kind = "viewer"
        else:
            kind = "images and others"
        kinds[kind] += size
    return dict(sorted(kinds.items()))


def measure_next_image(page: Page, address: str) -> dict[str, list[float]]:
    """Go through images; return the milliseconds from the click until the image and a result were drawn."""
    page.goto(address + PAGES["Segment"])
    page.wait_for_function(IS_DRAWN, timeout=120_000)
    page.wait_for_timeout(8000)
    times = []
    for _ in range(STEPS):
        times.append(page.evaluate(GO_NEXT))
        page.wait_for_timeout(2500)
    return {"image_ms": [round(t[0] or 2e4) for t in times], "result_ms": [round(t[1] or 2e4) for t in times]}


def list_uploads() -> dict[str, list[Path]]:
    """Return what visitors upload: one crop, a field of view, and many crops."""
    folder = Path(examples.__file__).parent
    crops = sorted(path for path in folder.glob("*.jpg") if not path.name.startswith("field"))
    return {"a crop": crops[:1], "a field": [folder / "field-dense.jpg"], f"{len(crops)} crops": crops}


def measure_layout_shift(browser: Browser, address: str, screen: str, images: list[Path]) -> float:
    """Open Home and upload images there; return the cumulative layout shift until all results are shown."""
    context = browser.new_context(viewport=SCREENS[screen])
    page = context.new_page()
    page.add_init_script(WATCH_SHIFTS)
    page.goto(address)
    uploader = page.locator("[data-testid=stFileUploader] input[type=file]").first
    uploader.wait_for(state="attached", timeout=120_000)
    page.wait_for_timeout(2000)
    uploader.set_input_files(images)
    page.wait_for_function(IS_DRAWN if len(images) == 1 else HAS_TABLE, timeout=120_000)
    page.wait_for_timeout(8000)
    shift: float = page.evaluate("Math.max(0, ...window.shiftWindows)")
    context.close()
    return round(shift, 4)


def draw_field(path: Path) -> None:
    """Draw a field of view with some synthetic cells on a noisy background."""
    width, height = FIELD_SIZE
    rng = np.random.default_rng(1)
    field = np.full((height, width, 3), (232, 224, 226), np.int16)
    field += rng.integers(-6, 7, field.shape, np.int16)
    columns = 6
    for i in range(FIELD_CELLS):
        cell = draw_sample(7, i).image.astype(np.int16)
        y, x = 150 + (i // columns) * 1000, 200 + (i % columns) * 1000
        field[y : y + cell.shape[0], x : x + cell.shape[1]] = cell
    Image.fromarray(field.clip(0, 255).astype(np.uint8)).save(path, quality=95)


def measure_large_field(browser: Browser, address: str, folder: Path) -> dict[str, float]:
    """Upload a field of view; return megabytes of the page, whole and zoomed in."""
    draw_field(folder / "field.jpg")
    context = browser.new_context(viewport=SCREENS["wide"])
    page = context.new_page()
    devtools = context.new_cdp_session(page)
    devtools.send("HeapProfiler.enable")
    page.goto(f"{address}/segment?source=Upload+an+image")
    page.locator("input[type=file]").first.wait_for(state="attached", timeout=120_000)
    before = measure_memory(page, devtools)
    page.locator("input[type=file]").first.set_input_files(folder / "field.jpg")
    peak = 0.0
    deadline, drawn_at = time.monotonic() + 300, math.inf
    while time.monotonic() < min(deadline, drawn_at + 8):
        peak = max(peak, measure_processes()["page_process"])
        if drawn_at == math.inf and page.evaluate(IS_DRAWN):
            drawn_at = time.monotonic()
        page.wait_for_timeout(100)
    whole = measure_memory(page, devtools)
    page.locator("figure canvas").first.scroll_into_view_if_needed()
    box = page.locator("figure canvas").first.bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + min(box["height"], 200) / 2)
    for _ in range(8):
        page.mouse.wheel(0, -120)
        page.wait_for_timeout(250)
    for _ in range(30):
        page.mouse.down()
        page.mouse.move(box["x"] + box["width"] / 3, box["y"] + min(box["height"], 200) / 3, steps=4)
        page.mouse.up()
        page.mouse.move(box["x"] + box["width"] / 2, box["y"] + min(box["height"], 200) / 2)
        page.wait_for_timeout(100)
    page.wait_for_timeout(4000)
    zoomed = measure_memory(page, devtools)
    if screenshot := os.environ.get("WBCSEG_SCREENSHOT"):
        page.screenshot(path=screenshot)
    context.close()
    return {"peak_page_process": round(peak)} | {
        f"{state}_{name}": round(value)
        for state, values in (("before", before), ("whole", whole), ("zoomed", zoomed))
        for name, value in values.items()
    }


def measure_memory(page: Page, devtools: Any) -> dict[str, float]:
    """Return megabytes: V8's heap with array buffers, the process of the page, and all processes of the browser."""
    devtools.send("HeapProfiler.collectGarbage")
    page.wait_for_timeout(1500)
    usage = devtools.send("Runtime.getHeapUsage")
    heap = usage["usedSize"] + usage.get("embedderHeapUsedSize", 0) + usage.get("backingStorageSize", 0)
    return {"heap": heap / 1e6, **measure_processes()}


def measure_processes() -> dict[str, float]:
    """Return megabytes of the largest page process and of the whole browser."""
    # The proportional set size counts memory that processes share once, decoded images among them.
    sizes, renderers = [], []
    for process in psutil.Process().children(recursive=True):
        with suppress(psutil.Error):
            if "chrom" in process.name():
                sizes.append(process.memory_full_info().pss)
                renderers += sizes[-1:] if "--type=renderer" in process.cmdline() else []
    return {"page_process": max(renderers) / 1e6, "browser": sum(sizes) / 1e6}


def main() -> None:
    """Measure a checkout and put the result into ``benchmarks/pages.json``, under a label."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--root", type=Path, default=PROJECT_ROOT, help="checkout to measure")
    parser.add_argument("--label", default="after")
    options = parser.parse_args()
    result: dict[str, Any] = {
        "processor": get_processor_name(),
        "cores": os.cpu_count(),
    }
    with serve_app(options.root) as address, open_browser() as browser, tempfile.TemporaryDirectory() as folder:
        measure_first_visit(browser, address, "wide", None)
        visits = result["first_visit"] = {}
        for screen in SCREENS:
            for connection, mbit in CONNECTIONS.items():
                for page_name, page_path in PAGES.items():
                    runs = [measure_first_visit(browser, address + page_path, screen, mbit) for _ in range(REPEATS)]
                    runs.sort(key=lambda run: run["content"])
                    median = runs[len(runs) // 2]
                    visits[f"{page_name}, {screen}, {connection}"] = {
                        key: round(value, 2) if isinstance(value, float) else value for key, value in median.items()
                    }
        result["next_image"] = {}
        for screen, viewport in SCREENS.items():
            page = browser.new_page(viewport=viewport)
            times = measure_next_image(page, address)
            result["next_image"][screen] = times | {
                f"median_{name}": statistics.median(values) for name, values in times.items()
            }
            page.close()
        result["layout_shift"] = {
            f"{name}, {screen}": measure_layout_shift(browser, address, screen, images)
            for name, images in list_uploads().items()
            for screen in SCREENS
        }
        result["field_6000x4000_mb"] = measure_large_field(browser, address, Path(folder))
    results = json.loads(RESULT_PATH.read_text(encoding="utf-8")) if RESULT_PATH.exists() else {}
    results[options.label] = result
    RESULT_PATH.write_text(json.dumps(results, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
