"""axe-core checks each page, light and dark, on a desktop and on a phone."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest
from conftest import give_up

HERE = Path(__file__).parent
AXE = HERE / "node_modules" / "axe-core" / "axe.min.js"

PAGES = {
    "home": "/",
    "data sets": "/datasets?image=007",
    "preparation": "/datasets?tab=Splits+and+leakage",
    "segment": "/segment?image=012",
    "upload": "/segment?source=Upload+an+image",
    "batch": "/batch",
    "architectures": "/architectures",
    "in short": "/compare",
    "unseen cells": "/compare?tab=Unseen+cells",
    "the thesis": "/compare?tab=The+thesis,+repeated",
    "the leak": "/compare?tab=What+the+leak+is+worth",
    "other laboratories": "/compare?tab=Other+laboratories",
    "figures": "/compare?tab=Figures+of+cells",
    "train": "/train",
    "runs": "/runs",
}
RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"]}


@pytest.fixture(scope="session")
def axe() -> Path:
    """The script of axe-core, downloaded with npm if it is missing."""
    if not AXE.exists():
        npm = shutil.which("npm")
        if npm is None:
            give_up("npm is needed to download axe-core.")
        command = [npm, "install", "--ignore-scripts", "--no-package-lock", "--no-audit", "--no-fund"]
        done = subprocess.run(command, cwd=HERE, capture_output=True, text=True, check=False, timeout=300)
        if done.returncode:
            give_up(f"npm could not download axe-core: {done.stderr[-300:]}")
    return AXE


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (1280, "dark"), (390, "light"), (390, "dark")])
def test_no_page_has_a_serious_violation(browser, server, axe, width, scheme):
    context = browser.new_context(
        base_url=server.url, viewport={"width": width, "height": 900}, color_scheme=scheme, reduced_motion="reduce"
    )
    page = context.new_page()
    page.set_default_timeout(60_000)
    serious = {}
    for name, address in PAGES.items():
        page.goto(address)
        page.locator("h1").first.wait_for()
        page.wait_for_selector("[data-testid=stStatusWidget]", state="detached")
        page.wait_for_timeout(800)
        page.add_script_tag(path=axe)
        for violation in page.evaluate("rules => axe.run(document, rules)", RULES)["violations"]:
            if violation["impact"] in ("serious", "critical"):
                nodes = violation["nodes"][:3]
                places = [f"{node['html'][:150]} ({node['failureSummary'][:200]})" for node in nodes]
                serious[f"{name}: {violation['id']}"] = places
    context.close()
    assert not serious
