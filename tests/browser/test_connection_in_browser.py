"""A connection that is lost, and a server that is restarted: the page says what was kept, and goes on by itself."""

from __future__ import annotations

import re

import pytest
from app_server import find_free_port, run_server
from browser_waits import expect
from test_field_in_browser import draw_field, wait_for_count
from test_links_in_browser import IS_DRAWN, STATUS, SWITCH

NOTICE = ".st-key-connection_notice"
UPLOAD_PAGE = "/segment?source=Upload+an+image"
RECORD_SOCKETS = """
const Original = WebSocket
window.sockets = []
window.WebSocket = class extends Original { constructor(...values) { super(...values); window.sockets.push(this) } }
"""


@pytest.fixture
def visit(browser, tmp_path):
    """Return a function that starts the server, and a page with an address on it that outlives the server."""
    port = find_free_port()
    context = browser.new_context(base_url=f"http://127.0.0.1:{port}", viewport={"width": 1280, "height": 800})
    context.set_default_timeout(60_000)
    context.add_init_script(RECORD_SOCKETS)
    yield lambda: run_server(tmp_path, port), context.new_page()
    context.close()


def upload_field(page):
    uploader = page.locator("[data-testid=stFileUploader] input[type=file]").first
    uploader.set_input_files({"name": "field.png", "mimeType": "image/png", "buffer": draw_field(6)})
    page.locator(".cell-count").wait_for()
    wait_for_count(page, 6)


def test_a_connection_that_breaks_off_loses_nothing(visit):
    start, page = visit
    with start():
        page.goto(UPLOAD_PAGE)
        upload_field(page)
        page.evaluate("sockets.at(-1).close()")
        page.wait_for_function("() => sockets.length > 1 && sockets.at(-1).readyState === WebSocket.OPEN")
        page.locator("figure canvas").first.focus()
        page.keyboard.press("ArrowRight")
        page.keyboard.press("Delete")
        wait_for_count(page, 5)
        expect(page.locator(NOTICE)).to_have_text("")


def test_after_a_restart_the_browser_sends_back_what_it_keeps(visit):
    start, page = visit
    with start():
        page.goto(UPLOAD_PAGE)
        page.get_by_role("switch", name=SWITCH).check()
        upload_field(page)
        page.locator("figure canvas").first.focus()
        page.keyboard.press("ArrowRight")
        page.keyboard.press("Delete")
        wait_for_count(page, 5)
        page.locator(STATUS, has_text=re.compile("Kept .*1 image and 1 corrected result")).wait_for()
    page.locator(NOTICE, has_text="Kept in this browser: 1 image and 1 corrected result").wait_for()
    assert page.locator("figure canvas").count() > 0
    with start():
        page.locator(NOTICE, has_text="this browser sends back 1 image and 1 corrected result").wait_for()
        page.locator(STATUS, has_text="Restored: 1 image and 1 corrected result").wait_for()
        page.wait_for_function(IS_DRAWN)
        wait_for_count(page, 5)


def test_after_a_restart_the_page_says_what_is_gone_where_nothing_is_kept(visit):
    start, page = visit
    with start():
        page.goto(UPLOAD_PAGE)
        upload_field(page)
    page.locator(NOTICE, has_text="The connection is lost. What you see stays").wait_for()
    with start():
        page.locator(NOTICE, has_text="please upload your images again").wait_for()
        page.locator(STATUS, has_text="the server has forgotten 1 image").wait_for()
        upload_field(page)
