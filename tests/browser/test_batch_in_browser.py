"""The Batch page in a real browser: files, pasting, folders, zips, downloads, phones."""

import io
import zipfile

import numpy as np
import pytest
from browser_waits import expect, wait_until_idle
from builders import zipped
from page_images import wait_for_viewer
from pypdf import PdfReader

from wbcseg.datasets.synthetic import draw_sample
from wbcseg.io import encode_png
from wbcseg.labels import to_grey

PNG = "image/png"
REPORT = "Download report (PDF)"
ROWS = ".cells tbody tr"
WATCH_BUTTONS = """() => {
    window.buttonsSeen = 0;
    const countButtons = () => {
        const texts = [...document.querySelectorAll("button")].map(one => one.innerText.trim());
        const shown = texts.filter(one => /(Cancel|Resume)$/.test(one));
        window.buttonsSeen = Math.max(window.buttonsSeen, shown.length);
        requestAnimationFrame(countButtons);
    };
    countButtons();
}"""


def draw_cell_files(number, side=120):
    sample = draw_sample(11, number, size=(side, side))
    return encode_png(sample.image), encode_png(to_grey(sample.mask))


def draw_field(rows=2, columns=3):
    """Synthetic cells on plain plasma, ``uint8[H, W, 3]`` as PNG."""
    image = np.full((300 * rows, 300 * columns, 3), (236, 226, 190), np.uint8)
    noise = np.random.default_rng(0).integers(-4, 5, image.shape)
    image = np.clip(image + noise, 0, 255).astype(np.uint8)
    for number in range(rows * columns):
        sample = draw_sample(7, number, size=(120, 120))
        top, left = 300 * (number // columns) + 90, 300 * (number % columns) + 90
        cell = sample.mask > 0
        image[top : top + 120, left : left + 120][cell] = sample.image[cell]
    return encode_png(image)


def file(name, data, kind=PNG):
    return {"name": name, "mimeType": kind, "buffer": data}


def upload(page, *files):
    page.locator("[data-testid=stFileUploader] input[type=file]").set_input_files(list(files))
    wait_until_done(page)


def wait_until_done(page):
    page.get_by_role("heading", name="Cell details").wait_for()
    page.locator(ROWS).first.wait_for()
    wait_until_idle(page)


def downloaded(page, label):
    if not page.get_by_role("button", name=label).is_visible():
        page.get_by_role("button", name="Download", exact=True).click()
    with page.expect_download() as waiting:
        page.get_by_role("button", name=label).click()
    return waiting.value.path().read_bytes()


@pytest.fixture
def batch(page):
    page.goto("/batch")
    page.get_by_role("heading", name="Batch").wait_for()
    page.get_by_role("button", name="Try it with 29 examples").wait_for()
    return page


def test_readable_and_unreadable_files_together(batch, server):
    good, mask = draw_cell_files(1)
    name = "<img src=x onerror=alert(1)> Jane :red[x].png"
    batch.on("dialog", lambda dialog: pytest.fail(f"The page ran a script: {dialog.message}"))
    upload(
        batch,
        file("a.png", good),
        file("a_mask.png", mask),
        file(name, good),
        file("empty.png", b""),
        file("web.png", b"<html>"),
        file("cut.png", good[:700]),
        file("no.zip", b"PK no zip", "application/zip"),
        file("zz_mask.png", mask),
    )
    expect(batch.locator(ROWS)).to_have_count(7)
    text = batch.locator(".cells").inner_text()
    for words in (
        "empty (0 bytes)",
        "web page (HTML)",
        "truncated",
        "not a zip, or is damaged",
        "no image has its name",
    ):
        assert words in text
    assert name[:30] in text
    assert batch.locator("img[src=x]").count() == 0
    expect(batch.get_by_text("2 images, 2 cells", exact=True)).to_be_visible()
    assert "Jane" not in server.log.read_text()


def test_file_type_is_determined_by_content(batch):
    good, _ = draw_cell_files(1)
    upload(batch, file("IMG0001", good, "application/octet-stream"), file("notes.txt", b"Dear colleague", "text/plain"))
    expect(batch.locator(ROWS)).to_have_count(2)
    assert "not allowed" not in batch.locator("[data-testid=stFileUploader]").inner_text()
    text = batch.locator(".cells").inner_text()
    assert "notes.txt" in text
    assert "The file holds text; supported are PNG, JPEG, BMP, TIFF, WebP and HEIC." in text
    expect(batch.get_by_text("1 image, 1 cell", exact=True)).to_be_visible()


def test_zip_with_masks_and_downloads(batch):
    files = {}
    for number in range(3):
        files[f"images/{number}.png"], files[f"masks/{number}.png"] = draw_cell_files(number)
    upload(batch, file("cells.zip", zipped(files), "application/zip"))
    expect(batch.get_by_text("3 cells with a mask")).to_be_visible()
    lines = downloaded(batch, "Download measurements (CSV)").decode("utf-8-sig").splitlines()
    assert len(lines) == 4
    assert "dice_cell" in lines[0]
    assert downloaded(batch, REPORT).startswith(b"%PDF")
    with zipfile.ZipFile(io.BytesIO(downloaded(batch, "Download all (zip)"))) as archive:
        assert archive.testzip() is None
        assert len([name for name in archive.namelist() if name.startswith("masks/")]) == 3


def test_field_of_view_is_opened_in_segment_and_back(batch):
    upload(batch, file("field.png", draw_field()))
    expect(batch.get_by_text("Field of view: 6 white blood cells").first).to_be_visible()
    expect(batch.locator(ROWS)).to_have_count(7)
    wait_for_viewer(batch, 1)
    batch.get_by_role("button", name="Open in Segment").click()
    batch.get_by_role("heading", name="Segment an image").wait_for()
    batch.get_by_text("field.png ·").wait_for()
    batch.locator(".st-key-workspace_source").get_by_role("link", name="Batch").click()
    wait_until_done(batch)
    expect(batch.locator(ROWS)).to_have_count(7)
    batch.get_by_role("button", name="Start over").click()
    batch.get_by_role("button", name="Try it with 29 examples").wait_for()


PASTE = """
bytes => {
    const transfer = new DataTransfer()
    transfer.items.add(new File([new Uint8Array(bytes)], "image.png", { type: "image/png" }))
    document.body.dispatchEvent(new ClipboardEvent("paste", { clipboardData: transfer, bubbles: true }))
}
"""


def test_pasted_images(batch):
    batch.evaluate(PASTE, list(draw_cell_files(2, side=60)[0]))
    wait_until_done(batch)
    expect(batch.locator(ROWS)).to_have_count(1)
    batch.evaluate(PASTE, list(draw_cell_files(3, side=60)[0]))
    batch.locator(ROWS).nth(1).wait_for()
    expect(batch.locator(ROWS).nth(1)).to_contain_text("image (2).png")


def test_pasting_in_quick_succession_loses_nothing(batch):
    upload(batch, file("first.png", draw_cell_files(2, side=60)[0]))
    # Five images, each pasted four times within a second.
    batch.evaluate(
        f"""async images => {{
            const paste = {PASTE}
            for (let number = 0; number < 20; number++) {{
                paste(images[number % images.length])
                await new Promise(done => setTimeout(done, 50))
            }}
        }}""",
        [list(draw_cell_files(number, side=60)[0]) for number in range(4, 9)],
    )
    batch.get_by_text("6 images,").wait_for()
    wait_until_done(batch)
    for name in ("first.png", "image.png", "image (2).png", "image (5).png"):
        expect(batch.locator(".cells")).to_contain_text(name)


def test_a_folder(batch, tmp_path):
    for kind, part in (("images", 0), ("masks", 1)):
        (tmp_path / "mine" / kind).mkdir(parents=True)
        for number in range(2):
            (tmp_path / "mine" / kind / f"{number}.png").write_bytes(draw_cell_files(number)[part])
    batch.locator("input[webkitdirectory]").set_input_files(tmp_path / "mine")
    wait_until_done(batch)
    expect(batch.locator(ROWS)).to_have_count(2)
    expect(batch.get_by_text("2 cells with a mask")).to_be_visible()


def test_the_table_fills_and_can_be_cancelled(batch):
    data = [draw_cell_files(number, side=100)[0] for number in range(4)]
    batch.get_by_role("button", name="More options").click()
    batch.get_by_text("Test-time averaging", exact=True).click()
    batch.keyboard.press("Escape")
    many = [file(f"{number}.png", data[number % 4]) for number in range(30)]
    batch.locator("[data-testid=stFileUploader] input[type=file]").set_input_files(many)
    batch.locator(ROWS).first.wait_for()
    batch.evaluate(WATCH_BUTTONS)
    batch.get_by_role("button", name="Cancel").click()
    batch.get_by_role("button", name="Resume").click()
    wait_until_done(batch)
    batch.get_by_text("30 images,").wait_for()
    batch.get_by_role("button", name="Next rows").click()
    batch.get_by_text("Rows 11 to 20 of 30", exact=True).wait_for()
    # Never two at once: the new one would move under the pointer when the old one goes, and miss its click.
    assert batch.evaluate("window.buttonsSeen") == 1


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_phone_shows_every_measurement_without_scrolling(batch, scheme):
    batch.set_viewport_size({"width": 390, "height": 844})
    batch.emulate_media(color_scheme=scheme)
    good, mask = draw_cell_files(1)
    upload(
        batch,
        file("a name that is very long and goes on and on_" * 4 + ".png", good),
        file("a.png", good),
        file("a_mask.png", mask),
        file("web.png", b"<html>"),
    )
    main = batch.locator("[data-testid=stMain]")
    assert main.evaluate("main => main.scrollWidth - main.clientWidth") <= 0
    box = batch.locator(".cells")
    assert box.evaluate("box => box.scrollWidth <= box.clientWidth")
    # The differential count is on the first screen.
    count = batch.locator(".differential")
    assert count.evaluate("box => box.scrollWidth <= box.clientWidth && box.getBoundingClientRect().top < 600")
    figures = batch.locator(".cells td[data-title]")
    expect(figures).to_have_count(2 * 7)
    # Each is whole: what it writes is within its cell, and its cell within the screen.
    assert figures.evaluate_all(
        """cells => cells.every(cell => cell.scrollWidth <= cell.clientWidth + 1
            && cell.getBoundingClientRect().left >= 0 && cell.getBoundingClientRect().right <= innerWidth)"""
    )
    share = batch.locator(".cells td[data-title='Nuclear fraction']").first
    assert share.evaluate("cell => getComputedStyle(cell, '::before').content") == '"Nuclear fraction"'


def test_count_and_cells_are_on_the_first_screen(batch):
    batch.set_viewport_size({"width": 1280, "height": 800})
    upload(batch, *(file(f"{number}.png", draw_cell_files(number)[0]) for number in range(12)))
    tile, count = batch.locator(".gallery .tile").first, batch.locator(".differential")
    tile.wait_for()
    bottoms = [each.evaluate("node => node.getBoundingClientRect().bottom") for each in (count, tile)]
    assert max(bottoms) <= 800
    assert bottoms[0] < bottoms[1]
    assert batch.locator(".cells thead th").nth(1).inner_text() == "Type"


def test_the_report_names_images_unless_told_not_to(batch):
    upload(batch, file("\u60a3\u8005 7.png", draw_cell_files(1)[0]))

    def read_report():
        text = "".join(page.extract_text() for page in PdfReader(io.BytesIO(downloaded(batch, REPORT))).pages)
        return " 7.png" in text

    assert read_report()
    # What the report cannot print is said beside its button.
    warning = batch.get_by_text("\u60a3 \u8005")
    expect(warning).to_be_visible()
    batch.get_by_text("Image names in the report").click()
    warning.wait_for(state="hidden")
    assert not read_report()
