"""Each page once, light and dark, on a desktop and on a phone: what has to hold on all of them."""

import shutil
import subprocess
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from page_images import IMAGES, wait_for_images, wait_for_viewer
from prerequisites import skip_or_fail

from wbcseg.inference import Catalog
from wbcseg.models.graph import list_stages
from wbcseg.ui.compare import cross_site, leakage, thesis
from wbcseg.ui.navigation import list_pages

HERE = Path(__file__).parent
AXE = HERE / "node_modules" / "axe-core" / "axe.min.js"
# Of what passes, axe-core then keeps only one example of each rule, which is faster.
RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"], "resultTypes": ["violations"]}
FEATURE_MAPS = sum(
    len(list_stages(entry.card.architecture, base_filters=16, input_size=120))
    for entry in Catalog().select_defaults_for("synthetic")
)
BACKGROUNDS = {"light": "rgb(255, 255, 255)", "dark": "rgb(21, 20, 28)"}


class Place(NamedTuple):
    """An address, how many images and panels of the viewer it has at least, and a text that comes last."""

    address: str
    images: int = 0
    panels: int = 0
    text: str = ""


SPECIAL = {
    "/": Place("/", images=6),
    "/datasets": Place("/datasets?dataset=Synthetic", images=23),
    "/architectures": Place("/architectures?dataset=Synthetic", images=FEATURE_MAPS),
    "/segment": Place("/segment?dataset=Synthetic&image=032", panels=2),
    "/quiz": Place("/quiz", panels=1),
    "/compare": Place("/compare", text="Glossary"),
}
ADDRESSES = [f"/{spec.script.stem}" if position else "/" for position, spec in enumerate(list_pages())]
PLACES = [
    *(SPECIAL.get(address, Place(address)) for address in ADDRESSES),
    Place("/datasets?tab=Splits+and+leakage"),
    Place("/segment?source=Upload+an+image"),
    Place(f"/compare?tab={thesis.TAB_TITLE.replace(' ', '+')}", text="Curves of"),
    *(
        Place(f"/compare?tab={tab.replace(' ', '+')}", text="Glossary")
        for tab in ("Ranking", leakage.TAB_TITLE, cross_site.TAB_TITLE, "Cell measurements")
    ),
]

# Nothing was added, removed, resized or recoloured for half a second, and every chart is drawn.
WAIT_UNTIL_STILL = """
() => new Promise(resolve => {
    let last = "", since = performance.now();
    const check = () => {
        const main = document.querySelector("[data-testid=stMain]");
        const charts = [...document.querySelectorAll(".js-plotly-plot")];
        const now = [document.querySelectorAll("*").length, main.scrollWidth, main.scrollHeight].join();
        // Colours fade for a moment when the theme changes.
        const running = document.getAnimations().filter(one => one.playState === "running");
        const isFading = running.some(one => one instanceof CSSTransition);
        if (now !== last || isFading || charts.some(chart => !chart.querySelector(".main-svg"))) {
            last = now;
            since = performance.now();
        }
        performance.now() - since > 500 ? resolve() : setTimeout(check, 100);
    };
    check();
})
"""

HAS_BACKGROUND = """colour =>
    getComputedStyle(document.querySelector("[data-testid=stApp]")).backgroundColor === colour
"""

OVERLAPPING_LABELS = """() => [...document.querySelectorAll(".js-plotly-plot")].flatMap(chart => {
    const labels = [...chart.querySelectorAll(".ytick")].filter(label => label.textContent.trim());
    const boxes = labels.map(label => label.getBoundingClientRect());
    boxes.sort((first, second) => first.top - second.top);
    return boxes.slice(1).map((box, index) => boxes[index].bottom - box.top).filter(overlap => overlap > 1);
})"""


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


# Each theme is the first one at one of the widths, and the other follows when the system's setting changes.
@pytest.mark.parametrize(("width", "schemes"), [(1280, ("light", "dark")), (390, ("dark", "light"))])
def test_every_page(page, server, axe, width, schemes):
    page.set_viewport_size({"width": width, "height": 844})
    requested: list[str] = []
    page.on("request", lambda request: requested.append(request.url))
    problems = {}
    for place in PLACES:
        page.emulate_media(color_scheme=schemes[0], reduced_motion="reduce")
        open_place(page, place)
        problems[place.address, schemes[0]] = find_problems(page, place, BACKGROUNDS[schemes[0]], axe)
        page.emulate_media(color_scheme=schemes[1], reduced_motion="reduce")
        page.wait_for_function(HAS_BACKGROUND, arg=BACKGROUNDS[schemes[1]])
        page.evaluate(WAIT_UNTIL_STILL)
        problems[place.address, schemes[1]] = find_problems(page, place, BACKGROUNDS[schemes[1]], axe)
    assert not {place: found for place, found in problems.items() if found}
    assert not {url for url in requested if not url.startswith((server.url, "data:", "blob:"))}


@pytest.mark.parametrize("dataset", ["Synthetic", "Examples"])
def test_on_a_phone_the_choice_of_an_image_is_in_even_rows(page, dataset):
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto(f"/datasets?dataset={dataset}")
    wait_for_images(page, 3)
    elements = page.locator(".st-key-dataset_choice > [data-testid=stElementContainer]")
    boxes = [elements.nth(index).bounding_box() for index in range(4)]
    assert [boxes[0]["y"], boxes[2]["y"]] == [boxes[1]["y"], boxes[3]["y"]]
    assert len({round(box["width"]) for box in boxes}) == 1


def open_place(page: Any, place: Place) -> None:
    page.goto(place.address)
    page.get_by_role("heading", level=1).wait_for()
    if place.text:
        page.get_by_text(place.text).first.wait_for()
    if place.panels:
        wait_for_viewer(page, place.panels)
    page.evaluate(WAIT_UNTIL_STILL)
    wait_for_images(page, place.images)


def find_problems(page: Any, place: Place, background: str, axe: Path) -> list[str]:
    return [
        *find_layout_problems(page, background),
        *find_nameless_images(page, place),
        *find_violations(page, axe),  # last, since its script stays in the page
    ]


def find_layout_problems(page: Any, background: str) -> list[str]:
    main, app = page.locator("[data-testid=stMain]"), page.locator("[data-testid=stApp]")
    sideways = main.evaluate("main => main.scrollWidth - main.clientWidth")
    colour = app.evaluate("app => getComputedStyle(app).backgroundColor")
    overlapping = page.evaluate(OVERLAPPING_LABELS)
    return [
        *([f"scrolls sideways by {sideways} pixels"] if sideways > 0 else []),
        *([f"the background is {colour}"] if colour != background else []),
        *([f"labels of charts overlap by {overlapping} pixels"] if overlapping else []),
    ]


def find_nameless_images(page: Any, place: Place) -> list[str]:
    """Return what is wrong with the descriptions of images and of panels of the viewer."""
    descriptions = page.locator(IMAGES).evaluate_all("images => images.map(image => image.alt)")
    panels = page.locator("figure canvas").evaluate_all("all => all.map(panel => panel.getAttribute('aria-label'))")
    return [
        *(["an image has no description"] if not all(descriptions) else []),
        *(["a panel has no name"] if not all(panels) else []),
        *([f"{len(panels)} panels instead of {place.panels}"] if len(panels) != place.panels else []),
    ]


def find_violations(page: Any, axe: Path) -> list[str]:
    """Return the serious violations that axe-core finds, each with up to three places."""
    if not page.evaluate("'axe' in window"):
        page.add_script_tag(path=axe)
    return [
        f"{violation['id']}: {node['html'][:150]} ({node['failureSummary'][:200]})"
        for violation in page.evaluate("rules => axe.run(document, rules)", RULES)["violations"]
        if violation["impact"] in ("serious", "critical")
        for node in violation["nodes"][:3]
    ]
