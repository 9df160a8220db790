"""Measure how fast the workbench responds: ``python -m benchmarks.workbench > benchmarks/workbench.json``.

A small app shows synthetic cells, each in an image of its own, with measurements and types. A headless Chromium
scrolls, selects and files them. The time of a response is that from the event until the second animation frame after
it, when the change has been painted; for filing also until Python's numbers have arrived. ``load`` says how many
processes wanted to compute at the end: on a busy machine all times are longer.
"""

from __future__ import annotations

import json
import os
import statistics
import time
from typing import Any

from playwright.sync_api import Page

from benchmarks.serving import open_browser, serve_script
from wbcseg.training.tf_env import get_processor_name

REPEATS = 15

APP_SOURCE = """
from dataclasses import replace
import numpy as np
import streamlit as st
from wbcseg.datasets.synthetic import draw_sample
from wbcseg.datasets.uploads import InputImage
from wbcseg.features import extract_features
from wbcseg.pipeline import ImageResult
from wbcseg.pipeline.correct import retype
from wbcseg.pipeline.tiles import render_tile
from wbcseg.differential import TYPE_NAMES, WHITE_CELL_TYPES
from wbcseg.results import CellResult, build_in_memory_loader
from wbcseg.ui import corrections
from wbcseg.ui.workbench import view

DRAWN = 60

@st.cache_resource(scope="session")
def make_results(count):
    generator, drawn, results = np.random.default_rng(1), [], []
    for index in range(DRAWN):
        sample = draw_sample(7, index)
        drawn.append((sample, extract_features(sample.image, sample.mask)))
    for index in range(count):
        sample, features = drawn[index % DRAWN]
        noise = generator.normal(1, 0.05, len(features.values))
        features = replace(features, values={n: v * f for (n, v), f in zip(features.values.items(), noise)})
        name = f"{index:05}.png"
        probabilities = generator.dirichlet(np.full(len(TYPE_NAMES), 0.1))
        cell = CellResult(
            name, build_in_memory_loader(sample.image, sample.mask), "m", features, sample.mask.shape, status="ok",
            predicted_type=TYPE_NAMES[int(np.argmax(probabilities))],
            type_probabilities=dict(zip(TYPE_NAMES, map(float, probabilities))),
        )
        tile = replace(render_tile(sample.image, cell))
        load = lambda sample=sample: (sample.image, sample.mask)
        source = InputImage(name, name, lambda: b"")
        results.append(ImageResult(source, sample.mask.shape, cells=(cell,), tiles=(tile,), load=load, digest=name))
    return results

results = make_results(int(st.query_params["count"]))

def get_key(result):
    return result.digest, ("m", "1"), False

def get_results():
    for index, result in enumerate(results):
        edits = corrections.get_corrections(get_key(result)).edits
        if edits != result.edits:
            results[index] = retype(result, edits)
    return results

st.title("Workbench")
view.show(view.WorkbenchSource("benchmark", get_results, get_key))
"""

HELPERS_SCRIPT = """
window.bench = {
  get root() { return document.querySelector("[data-workbench]").shadowRoot },
  get node() { return this.root.querySelector(".workbench") },
  get gallery() { return this.root.querySelector(".gallery") },
  // Milliseconds from an action until it has been painted.
  async time(action) {
    const begin = performance.now()
    action()
    await new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))
    return performance.now() - begin
  },
  key(key, options = {}) {
    this.gallery.focus()
    this.gallery.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true, composed: true, ...options }))
  },
  async confirm(begin) {
    while (this.node.dataset.pending !== "0") await new Promise(done => setTimeout(done, 4))
    return performance.now() - begin
  },
}
"""

SCROLL_SCRIPT = """
async repeats => {
  const { gallery } = bench, times = []
  for (let i = 0; i < repeats; i++) {
    const top = Math.random() * (gallery.scrollHeight - gallery.clientHeight)
    times.push(await bench.time(() => { gallery.scrollTop = top }))
    await new Promise(done => setTimeout(done, 60))
  }
  return times
}
"""

SWEEP_SCRIPT = """
async () => {
  const { gallery } = bench, gaps = []
  let before = performance.now()
  for (let i = 0; i < 240; i++) {
    gallery.scrollTop = (i * (gallery.scrollHeight - gallery.clientHeight)) / 240
    const now = await new Promise(requestAnimationFrame)
    gaps.push(now - before)
    before = now
  }
  return gaps.slice(2)
}
"""

SELECT_SCRIPT = """
async repeats => {
  const times = []
  for (let i = 0; i < repeats; i++) {
    times.push(await bench.time(() => bench.key("ArrowRight")))
    await new Promise(done => setTimeout(done, 60))
  }
  return times
}
"""

FILE_SCRIPT = """
async ([repeats, count]) => {
  const shown = [], confirmed = []
  for (let i = 0; i < repeats; i++) {
    bench.key("Escape")
    bench.key("Home")
    for (let step = 1; step < count; step++) bench.key("ArrowRight", { shiftKey: true })
    await new Promise(done => setTimeout(done, 1500))
    const begin = performance.now()
    shown.push(await bench.time(() => bench.key(String(1 + ((i + 3) % 8)))))
    confirmed.push(await bench.confirm(begin))
  }
  return [shown, confirmed]
}
"""


def summarise(times: list[float]) -> dict[str, float]:
    """Return median, 95th percentile and maximum in milliseconds."""
    ordered = sorted(times)
    return {
        "median": round(statistics.median(ordered), 1),
        "p95": round(ordered[int(0.95 * (len(ordered) - 1))], 1),
        "max": round(ordered[-1], 1),
    }


def measure(page: Page, address: str, count: int) -> dict[str, Any]:
    """Open the workbench with a number of cells, and measure its responses."""
    begin = time.perf_counter()
    page.goto(f"{address}/?count={count}")
    page.wait_for_function(
        "count => document.querySelector('[data-workbench]')?.shadowRoot.querySelector('.workbench')?.dataset.shown"
        " == count",
        arg=count,
        timeout=180_000,
    )
    opened = time.perf_counter() - begin
    page.wait_for_timeout(3000)
    page.evaluate(HELPERS_SCRIPT)
    result: dict[str, Any] = {"cells": count, "open_s": round(opened, 1)}
    result["scroll_to_anywhere_ms"] = summarise(page.evaluate(SCROLL_SCRIPT, REPEATS))
    gaps = page.evaluate(SWEEP_SCRIPT)
    result["scroll_through_frame_ms"] = summarise(gaps)
    page.evaluate("bench.gallery.scrollTop = 0")
    result["select_next_ms"] = summarise(page.evaluate(SELECT_SCRIPT, REPEATS))
    result["select_all_ms"] = summarise(
        [page.evaluate("() => bench.time(() => bench.key('a', { ctrlKey: true }))") for _ in range(5)]
    )
    for size in (1, 100):
        shown, confirmed = page.evaluate(FILE_SCRIPT, [REPEATS if size == 1 else 5, size])
        result[f"file_{size}_shown_ms"] = summarise(shown)
        result[f"file_{size}_confirmed_ms"] = summarise(confirmed)
    result["tiles_with_elements"] = page.evaluate("bench.root.querySelectorAll('.tile').length")
    return result


def main() -> None:
    """Print the measurements as JSON."""
    with serve_script(APP_SOURCE) as address, open_browser() as browser:
        page = browser.new_page(viewport={"width": 1280, "height": 800})
        page.set_default_timeout(180_000)
        results = [measure(page, address, count) for count in (200, 2000)]
    machine = {"processor": get_processor_name(), "cores": os.cpu_count(), "load": round(os.getloadavg()[0], 1)}
    print(json.dumps({"machine": machine, "results": results}, indent=2))


if __name__ == "__main__":
    main()
