"""axe-core checks each page, light and dark, on a desktop and on a phone."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest
from prerequisites import skip_or_fail

from wbcseg.ui.compare import cross_site, leakage, thesis
from wbcseg.ui.navigation import list_pages

HERE = Path(__file__).parent
AXE = HERE / "node_modules" / "axe-core" / "axe.min.js"

ADDRESSES = [
    *(f"/{spec.script.stem}" if position else "/" for position, spec in enumerate(list_pages())),
    "/datasets?tab=Splits+and+leakage",
    "/segment?source=Upload+an+image",
    *(
        f"/compare?tab={tab.replace(' ', '+')}"
        for tab in ("Unseen cells", thesis.TAB_TITLE, leakage.TAB_TITLE, cross_site.TAB_TITLE, "Cell measurements")
    ),
]
RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"]}


@pytest.fixture(scope="session")
def axe() -> Path:
    """The script of axe-core, downloaded with npm if it is missing."""
    if not AXE.exists():
        npm = shutil.which("npm")
        if npm is None:
            skip_or_fail("npm is needed to download axe-core.")
        command = [npm, "install", "--ignore-scripts", "--no-package-lock", "--no-audit", "--no-fund"]
        done = subprocess.run(command, cwd=HERE, capture_output=True, text=True, check=False, timeout=300)
        if done.returncode:
            skip_or_fail(f"npm could not download axe-core: {done.stderr[-300:]}")
    return AXE


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (1280, "dark"), (390, "light"), (390, "dark")])
def test_no_page_has_a_serious_violation(browser, server, axe, width, scheme):
    context = browser.new_context(
        base_url=server.url, viewport={"width": width, "height": 900}, color_scheme=scheme, reduced_motion="reduce"
    )
    page = context.new_page()
    page.set_default_timeout(60_000)
    serious = {}
    for address in ADDRESSES:
        page.goto(address)
        page.locator("h1").first.wait_for()
        page.wait_for_selector("[data-testid=stStatusWidget]", state="detached")
        page.wait_for_timeout(800)
        page.add_script_tag(path=axe)
        for violation in page.evaluate("rules => axe.run(document, rules)", RULES)["violations"]:
            if violation["impact"] in ("serious", "critical"):
                nodes = violation["nodes"][:3]
                places = [f"{node['html'][:150]} ({node['failureSummary'][:200]})" for node in nodes]
                serious[f"{address}: {violation['id']}"] = places
    context.close()
    assert not serious
