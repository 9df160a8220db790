"""Many pictures in a real browser: dropping, pasting, folders, zips, taking away, phones."""

import io
import zipfile

import numpy as np
import pytest
from builders import zipped
from page_images import wait_for_images

from wbcseg.datasets.synthetic import draw_sample
from wbcseg.io import encode_png
from wbcseg.labels import to_grey

PNG = "image/png"
ROWS = ".cells tbody tr"
WATCH_BUTTONS = """() => {
    window.buttonsSeen = 0;
    const look = () => {
        const texts = [...document.querySelectorAll("button")].map(one => one.innerText.trim());
        const shown = texts.filter(one => /(Cancel|Go on)$/.test(one));
        window.buttonsSeen = Math.max(window.buttonsSeen, shown.length);
        requestAnimationFrame(look);
    };
    look();
}"""


def a_cell(number, side=120):
    sample = draw_sample(11, number, size=(side, side))
    return encode_png(sample.image), encode_png(to_grey(sample.mask))


def a_field(rows=2, columns=3):
    """Drawn cells on plain plasma, ``uint8[H, W, 3]`` as PNG."""
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


def bring(page, *files):
    page.locator("[data-testid=stFileUploader] input[type=file]").set_input_files(list(files))
    wait_until_done(page)


def wait_until_done(page):
    page.get_by_role("heading", name="Look closer").wait_for()
    page.locator(ROWS).first.wait_for()
    page.wait_for_selector("[data-testid=stStatusWidget]", state="detached")


def downloaded(page, label):
    with page.expect_download() as waiting:
        page.get_by_role("button", name=label).click()
    return waiting.value.path().read_bytes()


@pytest.fixture
def measure(page):
    page.goto("/batch")
    page.get_by_role("heading", name="Measure many pictures").wait_for()
    page.get_by_role("button", name="Try it with 8 drawn cells").wait_for()
    return page


def test_good_and_bad_files_together(measure, server):
    good, mask = a_cell(1)
    name = "<img src=x onerror=alert(1)> Jane :red[x].png"
    measure.on("dialog", lambda dialog: pytest.fail(f"The page ran a script: {dialog.message}"))
    bring(
        measure,
        file("a.png", good),
        file("a_mask.png", mask),
        file(name, good),
        file("empty.png", b""),
        file("web.png", b"<html>"),
        file("cut.png", good[:700]),
        file("no.zip", b"PK no zip", "application/zip"),
        file("zz_mask.png", mask),
    )
    assert measure.locator(ROWS).count() == 7
    text = measure.locator(".cells").inner_text()
    for words in ("empty (0 bytes)", "web page (HTML)", "truncated", "no zip, or is damaged", "no picture of its name"):
        assert words in text
    assert name[:30] in text
    assert measure.locator("img[src=x]").count() == 0
    assert measure.get_by_text("2 pictures, 2 cells", exact=True).is_visible()
    assert "Jane" not in server.log.read_text()


def test_a_file_is_judged_by_its_content_whatever_its_name_ends_in(measure):
    good, _ = a_cell(1)
    bring(
        measure, file("IMG0001", good, "application/octet-stream"), file("notes.txt", b"Dear colleague", "text/plain")
    )
    assert measure.locator(ROWS).count() == 2
    assert "not allowed" not in measure.locator("[data-testid=stFileUploader]").inner_text()
    text = measure.locator(".cells").inner_text()
    assert "notes.txt" in text
    assert "It holds text; PNG, JPEG, BMP and TIFF are read." in text
    assert measure.get_by_text("1 picture, 1 cell", exact=True).is_visible()


def test_a_zip_with_masks_and_what_is_taken_away(measure):
    files = {}
    for number in range(3):
        files[f"images/{number}.png"], files[f"masks/{number}.png"] = a_cell(number)
    bring(measure, file("cells.zip", zipped(files), "application/zip"))
    assert measure.get_by_text("3 cells with a mask").is_visible()
    lines = downloaded(measure, "Figures (CSV)").decode("utf-8-sig").splitlines()
    assert len(lines) == 4
    assert "dice_cell" in lines[0]
    assert downloaded(measure, "Report (PDF)").startswith(b"%PDF")
    with zipfile.ZipFile(io.BytesIO(downloaded(measure, "Everything (zip)"))) as archive:
        assert archive.testzip() is None
        assert len([name for name in archive.namelist() if name.startswith("masks/")]) == 3


def test_a_field_of_view_goes_to_predict_and_back(measure):
    bring(measure, file("field.png", a_field()))
    assert measure.get_by_text("Field of view: 6 white cells").first.is_visible()
    assert measure.locator(ROWS).count() == 7
    wait_for_images(measure, 1)
    measure.get_by_role("button", name="Open in Predict").click()
    measure.get_by_role("heading", name="Segment an image").wait_for()
    measure.get_by_text("field.png ·").wait_for()
    measure.get_by_role("link", name="Back to its table").click()
    wait_until_done(measure)
    assert measure.locator(ROWS).count() == 7
    measure.get_by_role("button", name="Start over").click()
    measure.get_by_role("button", name="Try it with 8 drawn cells").wait_for()


PASTE = """
bytes => {
    const transfer = new DataTransfer()
    transfer.items.add(new File([new Uint8Array(bytes)], "image.png", { type: "image/png" }))
    document.body.dispatchEvent(new ClipboardEvent("paste", { clipboardData: transfer, bubbles: true }))
}
"""


def test_pasted_pictures(measure):
    measure.evaluate(PASTE, list(a_cell(2, side=60)[0]))
    wait_until_done(measure)
    assert measure.locator(ROWS).count() == 1
    measure.evaluate(PASTE, list(a_cell(3, side=60)[0]))
    measure.locator(ROWS).nth(1).wait_for()
    assert "image (2).png" in measure.locator(ROWS).nth(1).inner_text()
    measure.get_by_text("Folder", exact=True).click()
    measure.get_by_text("A folder with pictures").wait_for()
    measure.evaluate(PASTE, list(a_cell(4, side=60)[0]))
    measure.wait_for_timeout(1500)
    assert measure.locator(ROWS).count() == 2


def test_what_is_pasted_while_the_way_changes_loses_nothing(measure):
    bring(measure, file("first.png", a_cell(2, side=60)[0]))
    measure.evaluate(
        f"""async bytes => {{
            const paste = {PASTE}
            ;[...document.querySelectorAll("button")].find(one => one.innerText === "Folder").click()
            for (let number = 0; number < 20; number++) {{
                paste(bytes)
                await new Promise(done => setTimeout(done, 50))
            }}
        }}""",
        list(a_cell(4, side=60)[0]),
    )
    measure.get_by_text("A folder with pictures").wait_for()
    measure.wait_for_timeout(1500)
    wait_until_done(measure)
    assert "first.png" in measure.locator(".cells").inner_text()


def test_a_folder(measure, tmp_path):
    for kind, part in (("images", 0), ("masks", 1)):
        (tmp_path / "mine" / kind).mkdir(parents=True)
        for number in range(2):
            (tmp_path / "mine" / kind / f"{number}.png").write_bytes(a_cell(number)[part])
    measure.get_by_text("Folder", exact=True).click()
    measure.get_by_text("A folder with pictures").wait_for()
    # The uploader of before may still be there for a moment.
    measure.locator("[data-testid=stFileUploader] input[webkitdirectory]").set_input_files(tmp_path / "mine")
    wait_until_done(measure)
    assert measure.locator(ROWS).count() == 2
    assert measure.get_by_text("2 cells with a mask").is_visible()


def test_the_table_fills_and_can_be_cancelled(measure):
    data = [a_cell(number, side=100)[0] for number in range(4)]
    measure.get_by_text("Careful", exact=True).click()
    # Streamlit 1.67 forgets the address that it has just made for an upload if a run begins before the address is sent,
    # some hundredths of a second later (ForwardMsgQueue.clear). Nobody clicks and drops files as quickly as a test.
    measure.wait_for_timeout(1500)
    many = [file(f"{number}.png", data[number % 4]) for number in range(30)]
    measure.locator("[data-testid=stFileUploader] input[type=file]").set_input_files(many)
    measure.locator(ROWS).first.wait_for()
    measure.evaluate(WATCH_BUTTONS)
    measure.get_by_role("button", name="Cancel").click()
    measure.get_by_role("button", name="Go on").click()
    wait_until_done(measure)
    measure.get_by_text("30 pictures,").wait_for()
    measure.get_by_role("button", name="Next rows").click()
    measure.get_by_text("Rows 26 to 30 of 30", exact=True).wait_for()
    # Never two at once: the new one would move under the pointer when the old one goes, and miss its click.
    assert measure.evaluate("window.buttonsSeen") == 1


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_phone_shows_every_figure_without_scrolling(measure, scheme):
    measure.set_viewport_size({"width": 390, "height": 844})
    measure.emulate_media(color_scheme=scheme)
    good, mask = a_cell(1)
    bring(
        measure,
        file("a name that is very long and goes on and on_" * 4 + ".png", good),
        file("a.png", good),
        file("a_mask.png", mask),
        file("web.png", b"<html>"),
    )
    main = measure.locator("[data-testid=stMain]")
    assert main.evaluate("main => main.scrollWidth - main.clientWidth") <= 0
    box = measure.locator(".cells")
    assert box.evaluate("box => box.scrollWidth <= box.clientWidth")
    figures = measure.locator(".cells td[data-title]")
    assert figures.count() == 2 * 7
    # Each is whole: what it writes is within its cell, and its cell within the screen.
    assert figures.evaluate_all(
        """cells => cells.every(cell => cell.scrollWidth <= cell.clientWidth + 1
            && cell.getBoundingClientRect().left >= 0 && cell.getBoundingClientRect().right <= innerWidth)"""
    )
    share = measure.locator(".cells td[data-title='Nucleus / cell']").first
    assert share.evaluate("cell => getComputedStyle(cell, '::before').content") == '"Nucleus / cell"'
