"""What only a browser shows: the first view of a new server, links, file names as text, narrow screens."""

import io
from pathlib import Path
from urllib.parse import quote_plus

import pytest
from models import SHIPPED
from page_images import IMAGES, wait_for_images, wait_for_viewer
from PIL import Image

from wbcseg.datasets import open_dataset
from wbcseg.inference import Catalog
from wbcseg.models.graph import list_stages
from wbcseg.ui.compare import thesis
from wbcseg.ui.navigation import list_pages

ADDRESSES = [f"/{spec.script.stem}" if position else "/" for position, spec in enumerate(list_pages())]
DEFAULT_MODELS = Catalog().select_defaults_for("synthetic")
MODELS = len(DEFAULT_MODELS)
FEATURE_MAPS = sum(
    len(list_stages(entry.card.architecture, base_filters=16, input_size=120)) for entry in DEFAULT_MODELS
)
OWN_MODELS = len(Catalog().select_defaults_for(None))
PANELS = 2 + MODELS
CURVES = f"/compare?tab={thesis.TAB_TITLE.replace(' ', '+')}"


# This test comes first: the server has not called st.navigation yet.
def test_a_link_to_a_new_server_shows_the_navigation_bar(page):
    page.goto("/segment?image=012")
    wait_for_viewer(page, PANELS)
    assert page.get_by_role("link", name="Data sets").is_visible()
    assert page.title() == "Segment · White blood cell segmentation"
    page.get_by_role("button", name="Next image").click()  # the very first click must work
    page.wait_for_url("**/segment?image=013")


def test_choices_beside_the_viewer_are_in_the_address(page, context):
    page.goto("/segment?image=001")
    wait_for_viewer(page, PANELS)
    page.get_by_role("button", name="Next image").click()
    page.wait_for_url("**image=002**")
    page.get_by_text("Test-time averaging", exact=True).click()
    page.wait_for_url("**tta=true**")
    link = page.url
    other = context.new_page()
    other.goto(link)
    wait_for_viewer(other, PANELS)
    assert other.get_by_text("Synthetic, 002 ·").is_visible()
    assert other.get_by_role("switch", name="Test-time averaging").is_checked()
    assert other.url == link
    other.close()


def test_the_selected_image_stays_selected_on_other_pages(page):
    page.goto("/datasets?image=005")
    wait_for_images(page, 3)
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


def test_a_file_name_with_html_is_shown_as_text_and_not_logged(page, server, tmp_path):
    name = "<img src=x onerror=alert(1)> **Jane** :material/home: [x](javascript:alert(1)).png"
    data = io.BytesIO()
    Image.fromarray(open_dataset("synthetic").read("synthetic/003").image).save(data, "PNG")
    page.on("dialog", lambda dialog: pytest.fail(f"The page ran a script: {dialog.message}"))
    page.goto("/segment?source=Upload+an+image")
    page.locator("input[type=file]").set_input_files({"name": name, "mimeType": "image/png", "buffer": data.getvalue()})
    wait_for_viewer(page, 1 + OWN_MODELS)
    shown = page.locator("[data-testid=stMarkdown]", has_text="Jane").inner_text()
    assert shown.replace("\u2060", "").startswith(name[:50])  # a long name is shortened in the middle
    assert page.locator("img[src=x]").count() == 0
    assert "Jane" not in server.log.read_text()


def test_a_file_that_is_not_an_image(page):
    page.goto("/segment?source=Upload+an+image")
    page.locator("input[type=file]").set_input_files({"name": "a.png", "mimeType": "image/png", "buffer": b"<html>"})
    page.locator("[data-testid=stAlert]").wait_for()
    assert "a.png" in page.locator("[data-testid=stAlert]").first.inner_text()
    assert page.locator("[data-testid=stException]").count() == 0


@pytest.mark.parametrize(("scheme", "background"), [("light", "rgb(255, 255, 255)"), ("dark", "rgb(21, 20, 28)")])
def test_no_page_scrolls_sideways_on_a_phone(page, scheme, background):
    page.set_viewport_size({"width": 390, "height": 844})
    page.emulate_media(color_scheme=scheme)
    for address in (*ADDRESSES, "/segment?source=Upload+an+image"):
        page.goto(address)
        page.get_by_role("heading", level=1).wait_for()
        wait_for_images(page, 0)
        page.wait_for_timeout(300)
        main = page.locator("[data-testid=stMain]")
        assert main.evaluate("main => main.scrollWidth - main.clientWidth") <= 0, address
        app = page.locator("[data-testid=stApp]")
        assert app.evaluate("app => getComputedStyle(app).backgroundColor") == background


@pytest.mark.parametrize("names", [("unet-general",), SHIPPED])
def test_no_number_is_cut_off_on_a_phone(page, names):
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto("/segment?image=003&" + "&".join(f"models={quote_plus(Catalog().get(name).title)}" for name in names))
    table = page.locator("[aria-label='Measurements']")
    table.locator("td").first.wait_for(timeout=60_000)
    for box in page.locator(".numbers").all():
        assert box.evaluate("box => box.scrollWidth <= box.clientWidth")
    cells = table.locator("tbody td")
    assert cells.count() == 14 * (len(names) + 2)
    assert cells.evaluate_all("cells => cells.every(cell => cell.scrollWidth <= cell.clientWidth + 1)")


def test_every_image_has_a_description(page):
    for address, least in (("/", 2), ("/datasets", 23), ("/architectures", FEATURE_MAPS)):
        page.goto(address)
        wait_for_images(page, least)
        assert all(page.locator(IMAGES).evaluate_all("images => images.map(image => image.alt)"))
    page.goto("/segment")
    wait_for_viewer(page, PANELS)
    names = page.locator("figure canvas").evaluate_all(
        "panels => panels.map(panel => panel.getAttribute('aria-label'))"
    )
    assert len(names) == PANELS
    assert all(names)


def test_no_other_server_is_contacted(page, server):
    requested = []
    page.on("request", lambda request: requested.append(request.url))
    for address, least in (("/", 2), ("/datasets", 23), ("/architectures", FEATURE_MAPS)):
        page.goto(address)
        wait_for_images(page, least)
    page.goto("/segment")
    wait_for_viewer(page, PANELS)
    for address in (*ADDRESSES, CURVES):
        page.goto(address)
        page.get_by_role("heading", level=1).wait_for()
        wait_for_images(page, 0)
    page.get_by_text("Curves of").first.wait_for()
    assert not {url for url in requested if not url.startswith((server.url, "data:", "blob:"))}


# This test comes last: it checks the server after all the others.
def test_the_server_needs_little_memory(server):
    status = Path(f"/proc/{server.pid}/status")
    if not status.exists():
        pytest.skip("There is no /proc to read the memory usage from.")
    memory = {name: value for name, _, value in (line.partition(":") for line in status.read_text().splitlines())}
    assert int(memory["VmHWM"].split()[0]) < 400_000  # kB
    loaded = Path(f"/proc/{server.pid}/maps").read_text().lower()
    assert "tensorflow" not in loaded
    assert "pandas" not in loaded
