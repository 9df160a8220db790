"""What only a browser shows: the first view of a cold server, links, exact pixels, names as text, phones."""

import io
from pathlib import Path

import pytest
from models import SHIPPED
from page_pictures import PICTURES, wait_for_pictures, wait_for_viewer
from PIL import Image

from wbcseg.datasets import open_dataset
from wbcseg.inference import Catalog
from wbcseg.models import ARCHITECTURES

NETWORKS = len(ARCHITECTURES)
MODELS = len(Catalog().select_defaults_for("synthetic"))
OWN_MODELS = len(Catalog().select_defaults_for(None))
PANELS = 2 + MODELS
CURVES = "/compare?tab=The+thesis,+repeated"


# This test comes first: it is the one that meets the server cold.
def test_a_link_to_a_cold_server_goes_through_the_router(page):
    page.goto("/segment?image=012")
    wait_for_viewer(page, PANELS)
    assert page.get_by_role("link", name="Data sets").is_visible()
    assert page.title() == "Predict · White blood cell segmentation"
    page.get_by_role("button", name="Next picture").click()  # the first click of all must count
    page.wait_for_url("**/segment?image=013")


def test_what_was_chosen_beside_the_viewer_is_in_the_link(page, context):
    page.goto("/segment?image=001")
    wait_for_viewer(page, PANELS)
    page.get_by_role("button", name="Next picture").click()
    page.wait_for_url("**image=002**")
    page.get_by_text("Careful", exact=True).click()
    page.wait_for_url("**careful=true**")
    link = page.url
    other = context.new_page()
    other.goto(link)
    wait_for_viewer(other, PANELS)
    assert other.get_by_text("Synthetic, 002 ·").is_visible()
    assert other.get_by_role("switch", name="Careful").is_checked()
    assert other.url == link
    other.close()


def test_the_picture_goes_along_from_page_to_page(page):
    page.goto("/datasets?image=005")
    wait_for_pictures(page, 3)
    page.get_by_role("link", name="Segment this image").click()
    page.get_by_role("heading", name="Segment an image").wait_for()
    wait_for_viewer(page, PANELS)
    assert page.get_by_text("Synthetic, 005 ·").is_visible()
    assert "image=005" in page.url
    page.get_by_role("link", name="Home").click()
    page.get_by_role("button", name="Segment a sample image").click()
    page.get_by_role("heading", name="Segment an image").wait_for()
    page.get_by_text("Synthetic, 032 ·").wait_for()
    assert "image=005" not in page.url


def test_a_name_with_html_is_text_and_in_no_log(page, server, tmp_path):
    name = "<img src=x onerror=alert(1)> **Jane** :material/home: [x](javascript:alert(1)).png"
    data = io.BytesIO()
    Image.fromarray(open_dataset("synthetic").read("synthetic/003").image).save(data, "PNG")
    page.on("dialog", lambda dialog: pytest.fail(f"The page ran a script: {dialog.message}"))
    page.goto("/segment?source=Upload+an+image")
    page.locator("input[type=file]").set_input_files({"name": name, "mimeType": "image/png", "buffer": data.getvalue()})
    wait_for_viewer(page, 1 + OWN_MODELS)
    shown = page.locator("[data-testid=stMarkdown]", has_text="Jane").inner_text()
    assert shown.replace("\u2060", "").startswith(name[:50])  # a long name is cut in its middle
    assert page.locator("img[src=x]").count() == 0
    assert "Jane" not in server.log.read_text()


def test_a_file_that_is_no_picture(page):
    page.goto("/segment?source=Upload+an+image")
    page.locator("input[type=file]").set_input_files({"name": "a.png", "mimeType": "image/png", "buffer": b"<html>"})
    page.locator("[data-testid=stAlert]").wait_for()
    assert "a.png" in page.locator("[data-testid=stAlert]").first.inner_text()
    assert page.locator("[data-testid=stException]").count() == 0


@pytest.mark.parametrize(("scheme", "background"), [("light", "rgb(255, 255, 255)"), ("dark", "rgb(21, 20, 28)")])
def test_a_phone_never_scrolls_sideways(page, scheme, background):
    page.set_viewport_size({"width": 390, "height": 844})
    page.emulate_media(color_scheme=scheme)
    for address in (
        "/",
        "/datasets",
        "/segment",
        "/segment?source=Upload+an+image",
        "/batch",
        "/architectures",
        "/train",
        "/runs",
    ):
        page.goto(address)
        page.get_by_role("heading", level=1).wait_for()
        wait_for_pictures(page, 0)
        page.wait_for_timeout(300)
        main = page.locator("[data-testid=stMain]")
        assert main.evaluate("main => main.scrollWidth - main.clientWidth") <= 0, address
        app = page.locator("[data-testid=stApp]")
        assert app.evaluate("app => getComputedStyle(app).backgroundColor") == background


@pytest.mark.parametrize("names", [("unet-general",), SHIPPED])
def test_no_figure_is_cut_on_a_phone(page, names):
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto("/segment?image=003&" + "&".join(f"models={name}" for name in names))
    table = page.locator("[aria-label='Figures of the cell']")
    table.locator("td").first.wait_for(timeout=60_000)
    for box in page.locator(".numbers").all():
        assert box.evaluate("box => box.scrollWidth <= box.clientWidth")
    cells = table.locator("tbody td")
    assert cells.count() == 14 * (len(names) + 2)
    assert cells.evaluate_all("cells => cells.every(cell => cell.scrollWidth <= cell.clientWidth + 1)")


def test_every_picture_has_a_name(page):
    for address, least in (("/", 2), ("/datasets", 23), ("/architectures", 9 * NETWORKS)):
        page.goto(address)
        wait_for_pictures(page, least)
        assert all(page.locator(PICTURES).evaluate_all("pictures => pictures.map(p => p.alt)"))
    page.goto("/segment")
    wait_for_viewer(page, PANELS)
    names = page.locator("figure canvas").evaluate_all("panels => panels.map(p => p.getAttribute('aria-label'))")
    assert len(names) == PANELS
    assert all(names)


def test_nothing_is_asked_of_other_servers(page, server):
    asked = []
    page.on("request", lambda request: asked.append(request.url))
    for address, least in (("/", 2), ("/datasets", 23), ("/architectures", 9 * NETWORKS)):
        page.goto(address)
        wait_for_pictures(page, least)
    page.goto("/segment")
    wait_for_viewer(page, PANELS)
    for address in ("/batch", "/train", "/runs", "/compare", CURVES):
        page.goto(address)
        page.get_by_role("heading", level=1).wait_for()
        wait_for_pictures(page, 0)
    page.get_by_text("Curves of").first.wait_for()
    assert not {url for url in asked if not url.startswith((server.url, "data:", "blob:"))}


# This test comes last: it looks at the server after all of the above.
def test_the_server_stays_light(server):
    status = Path(f"/proc/{server.pid}/status")
    if not status.exists():
        pytest.skip("There is no /proc here to read the memory from.")
    memory = {name: value for name, _, value in (line.partition(":") for line in status.read_text().splitlines())}
    assert int(memory["VmHWM"].split()[0]) < 400_000  # kB
    loaded = Path(f"/proc/{server.pid}/maps").read_text().lower()
    assert "tensorflow" not in loaded
    assert "pandas" not in loaded
