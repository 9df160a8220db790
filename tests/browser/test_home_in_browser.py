"""Home in a real browser: one image opens Segment, several open Batch, an example opens with a click, and back."""

import pytest
from browser_waits import expect
from page_images import wait_for_images, wait_for_viewer
from test_batch_in_browser import PASTE, ROWS, draw_cell_files, file, wait_until_done

from wbcseg.ui.home.examples import COUNT

INPUT = "[class*='st-key-drop_area'] [data-testid=stFileUploader] input[type=file]"

# Files dropped on the page, outside the drop area.
DROP = """
files => {
    const transfer = new DataTransfer()
    files.forEach(([name, bytes]) => transfer.items.add(new File([new Uint8Array(bytes)], name, { type: "image/png" })))
    const options = { dataTransfer: transfer, bubbles: true, cancelable: true, composed: true }
    document.querySelector("h1").dispatchEvent(new DragEvent("drop", options))
}
"""


@pytest.fixture
def home(page):
    page.goto("/")
    wait_for_images(page, COUNT)
    return page


def go_home(page):
    page.get_by_role("link", name="Home").click()
    wait_for_images(page, COUNT)


def test_one_image_several_images_and_an_example_without_loss(home):
    one, two, three = (list(draw_cell_files(number)[0]) for number in range(3))
    home.evaluate(DROP, [["one.png", one]])
    home.get_by_text("one.png ·").wait_for()
    wait_for_viewer(home, 2)
    go_home(home)
    home.evaluate(DROP, [["two.png", two], ["three.png", three]])
    home.get_by_role("heading", name="Batch", exact=True).wait_for()
    wait_until_done(home)
    # Only what was dropped together counts, but the table has all images.
    expect(home.locator(ROWS)).to_have_count(3)
    go_home(home)
    home.get_by_role("button", name="Eosinophil", exact=True).click()
    home.get_by_text("Examples, eosinophil ·").wait_for()
    wait_for_viewer(home, 2)
    expect(home.get_by_text("CC BY 4.0").first).to_be_visible()
    go_home(home)
    home.get_by_role("button", name="Back to one.png").click()
    home.get_by_text("one.png ·").wait_for()
    go_home(home)
    home.get_by_role("link", name="Back to the batch of 3 images").click()
    wait_until_done(home)
    expect(home.locator(ROWS)).to_have_count(3)


def test_a_click_on_the_image_of_an_example_and_a_pasted_image(home):
    # The button's area covers the image.
    home.locator("[class*='st-key-example_tile'] img").nth(1).click(force=True)
    home.get_by_text("Examples, eosinophil ·").wait_for()
    go_home(home)
    home.evaluate(PASTE, list(draw_cell_files(2)[0]))
    home.get_by_text("image.png ·").wait_for()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_drop_area_and_examples_are_on_the_first_screen_of_a_phone(home, scheme):
    home.set_viewport_size({"width": 390, "height": 844})
    home.emulate_media(color_scheme=scheme)
    area = home.locator(".st-key-drop_area").bounding_box()
    assert area["y"] + area["height"] < 844
    assert home.locator("[class*='st-key-example_tile'] img").first.bounding_box()["y"] < 700
    assert home.locator("[data-testid=stMain]").evaluate("main => main.scrollWidth - main.clientWidth") <= 0


def test_a_folder_keeps_its_pairs(home, tmp_path):
    for kind, part in (("images", 0), ("masks", 1)):
        (tmp_path / "mine" / kind).mkdir(parents=True)
        for number in range(2):
            (tmp_path / "mine" / kind / f"{number}.png").write_bytes(draw_cell_files(number)[part])
    (tmp_path / "mine" / "notes.txt").write_text("not an image")
    home.locator("input[webkitdirectory]").set_input_files(tmp_path / "mine")
    home.get_by_role("heading", name="Batch", exact=True).wait_for()
    wait_until_done(home)
    expect(home.locator(ROWS)).to_have_count(2)
    expect(home.get_by_text("2 cells with a mask")).to_be_visible()


def test_a_file_that_is_no_image_says_why(home):
    home.locator(INPUT).set_input_files([file("no.zip", b"PK no zip", "application/zip")])
    home.get_by_text("not a zip, or is damaged").wait_for()
