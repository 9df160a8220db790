"""What only a browser shows: the first view of a new server, links, file names as text, narrow screens."""

import io
import re
from pathlib import Path
from urllib.parse import quote_plus

import pytest
from browser_waits import expect
from models import SHIPPED
from page_images import wait_for_images, wait_for_viewer
from PIL import Image

from wbcseg.datasets import open_dataset
from wbcseg.inference import Catalog

PANELS = 2
"""Of the page Segment at first: the mask or the image, and the result of the recommended model."""


# This test comes first: the server has not called st.navigation yet.
def test_a_link_to_a_new_server_shows_the_navigation_bar(page):
    page.goto("/segment?dataset=Synthetic&image=012")
    wait_for_viewer(page, PANELS)
    expect(page.get_by_role("link", name="Data sets")).to_be_visible()
    assert page.title() == "Segment · White blood cell segmentation"
    page.get_by_role("button", name="Next image").click()  # the very first click must work
    page.wait_for_url("**image=013**")


def test_choices_beside_the_viewer_are_in_the_address(page, context):
    page.goto("/segment?dataset=Synthetic&image=001")
    wait_for_viewer(page, PANELS)
    page.get_by_role("button", name="Next image").click()
    page.wait_for_url("**image=002**")
    page.get_by_role("button", name="Compare models").click()
    page.get_by_role("radio", name="Slightly more accurate").click()
    page.wait_for_url("**speed=Slightly**")
    link = page.url
    other = context.new_page()
    other.goto(link)
    wait_for_viewer(other, PANELS)
    expect(other.get_by_text("Synthetic, 002 ·")).to_be_visible()
    other.get_by_role("button", name="Compare models").click()
    expect(other.get_by_role("radio", name="Slightly more accurate")).to_have_attribute("aria-checked", "true")
    assert other.url == link
    other.close()


def test_the_selected_image_stays_selected_on_other_pages(page):
    page.goto("/datasets?dataset=Synthetic&image=005")
    wait_for_images(page, 3)
    page.get_by_role("link", name="Segment this image").click()
    page.get_by_role("heading", name="Segment an image").wait_for()
    wait_for_viewer(page, PANELS)
    expect(page.get_by_text("Synthetic, 005 ·")).to_be_visible()
    expect(page).to_have_url(re.compile("image=005"))
    page.get_by_role("link", name="Home").click()
    page.get_by_role("button", name="Monocyte with vacuoles", exact=True).click()
    page.get_by_role("heading", name="Segment an image").wait_for()
    page.get_by_text("Examples, monocyte-vacuoles ·").wait_for()
    expect(page).not_to_have_url(re.compile("image=005"))


def test_a_file_name_with_html_is_shown_as_text_and_not_logged(page, server, tmp_path):
    name = "<img src=x onerror=alert(1)> **Jane** :red[y] [x](javascript:alert(1)).png"
    data = io.BytesIO()
    Image.fromarray(open_dataset("synthetic").read("synthetic/003").image).save(data, "PNG")
    page.on("dialog", lambda dialog: pytest.fail(f"The page ran a script: {dialog.message}"))
    page.goto("/segment?source=Upload+an+image")
    page.get_by_test_id("stFileUploaderDropzoneInput").set_input_files(
        {"name": name, "mimeType": "image/png", "buffer": data.getvalue()}
    )
    wait_for_viewer(page, PANELS)
    shown = page.locator("[data-testid=stMarkdown]", has_text="Jane").inner_text()
    assert shown.replace("\u2060", "").startswith(name[:50])  # a long name is shortened in the middle
    assert page.locator("img[src=x]").count() == 0
    assert "Jane" not in server.log.read_text()


def test_a_file_that_is_not_an_image(page):
    page.goto("/segment?source=Upload+an+image")
    page.get_by_test_id("stFileUploaderDropzoneInput").set_input_files(
        {"name": "a.png", "mimeType": "image/png", "buffer": b"<html>"}
    )
    page.locator("[data-testid=stAlert]").wait_for()
    expect(page.locator("[data-testid=stAlert]").first).to_contain_text("a.png")
    expect(page.locator("[data-testid=stException]")).to_have_count(0)


@pytest.mark.parametrize("names", [("unet-general",), SHIPPED])
def test_no_number_is_cut_off_on_a_phone(page, names):
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto(
        "/segment?dataset=Synthetic&image=003&"
        + "&".join(f"models={quote_plus(Catalog().get(name).title)}" for name in names)
    )
    table = page.locator("[aria-label='Measurements']")
    table.locator("td").first.wait_for(timeout=60_000)
    for box in page.locator(".numbers").all():
        assert box.evaluate("box => box.scrollWidth <= box.clientWidth")
    cells = table.locator("tbody td")
    expect(cells).to_have_count(14 * (len(names) + 2))
    assert cells.evaluate_all("cells => cells.every(cell => cell.scrollWidth <= cell.clientWidth + 1)")


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
