"""The page Segment as a workspace: the image gets the window, nothing moves, everything is reached by keyboard."""

from __future__ import annotations

import re
from collections import Counter
from urllib.parse import quote_plus

from browser_waits import expect, wait_until
from page_images import wait_for_viewer
from test_field_in_browser import CENTRES, MODEL, canvas, click, open_field

from wbcseg.differential import TYPE_COLOURS
from wbcseg.inference import Catalog

DISAGREED = "/segment?dataset=Synthetic&image=040&" + "&".join(
    f"models={quote_plus(Catalog().get(name).title)}" for name in ("unet-general", "deconvnet-general")
)
"""An image on which two models disagree by more than the usual."""

# Sums up how much of the page moved without the user having done anything.
OBSERVE_SHIFTS = """
window.shift = 0
new PerformanceObserver(list => {
  for (const entry of list.getEntries()) if (!entry.hadRecentInput) window.shift += entry.value
}).observe({ type: "layout-shift", buffered: true })
"""


def boxes(page):
    """Return the boxes of the panels' images in the window."""
    return [panel.bounding_box() for panel in page.locator(".panels canvas").all()]


def overflow(page):
    main = page.locator("[data-testid=stMain]")
    return main.evaluate("main => [main.scrollWidth - main.clientWidth, main.scrollHeight - main.clientHeight]")


def test_the_image_gets_the_window_and_nothing_moves(page):
    page.set_viewport_size({"width": 1280, "height": 800})
    page.add_init_script(OBSERVE_SHIFTS)
    page.goto("/segment?dataset=Synthetic&image=012")
    wait_for_viewer(page, 2)
    page.wait_for_timeout(2000)
    shown = boxes(page)
    assert [page.locator("figure .name").nth(i).inner_text() for i in range(2)] == [
        "Exact mask",
        Catalog().default_model.title,
    ]
    assert max(box["y"] for box in shown) <= 170
    assert min(box["height"] for box in shown) >= 0.7 * 800
    assert overflow(page) == [0, 0]
    side = page.locator(".st-key-workspace_side").bounding_box()
    assert side["x"] >= max(box["x"] + box["width"] for box in shown)
    assert page.locator(".strip button[aria-current]").bounding_box()["y"] < 800
    assert page.evaluate("window.shift") <= 0.05

    # Another image, without and with a pause for its result.
    page.locator('figure[data-panel="mask"] canvas').focus()
    page.keyboard.press("ArrowRight")
    page.wait_for_url("**image=013**")
    page.get_by_text("Synthetic, 013 ·").wait_for()
    page.wait_for_timeout(1000)
    assert boxes(page) == shown
    assert page.evaluate("window.shift") <= 0.05

    # Without the details, the image is larger; both by keyboard.
    page.get_by_role("button", name="Details").press("Enter")
    expect(page.locator(".st-key-workspace_side")).to_be_hidden()
    wait_until(page, lambda: boxes(page)[0]["width"] > shown[0]["width"] + 100)
    page.get_by_role("button", name="Details").press("Enter")


def test_arrow_keys_scroll_nothing_in_the_viewer(page):
    # So low that the page scrolls, as at a zoom of 200 %.
    page.set_viewport_size({"width": 640, "height": 400})
    page.goto("/segment?dataset=Synthetic&image=012")
    wait_for_viewer(page, 2)
    assert overflow(page)[0] == 0
    assert overflow(page)[1] > 300
    main = page.locator("[data-testid=stMain]")
    main.evaluate("main => main.scrollTo(0, 100)")
    before = main.evaluate("main => main.scrollTop")
    for target in ("figure canvas", ".bar button", ".strip button", ".strip-line > button"):
        page.locator(target).first.focus()
        main.evaluate("(main, top) => main.scrollTo(0, top)", before)
        for key in ("ArrowDown", "ArrowUp", "ArrowUp", "Shift+ArrowDown"):
            page.keyboard.press(key)
        page.wait_for_timeout(300)
        assert main.evaluate("main => main.scrollTop") == before, target
    page.get_by_role("button", name="Panels", exact=True).focus()
    page.keyboard.press("ArrowRight")
    focused = "document.querySelector('[data-viewer]').shadowRoot.activeElement.getAttribute('aria-label')"
    assert page.evaluate(focused) == "Swipe"
    expect(page).to_have_url(re.compile("image=012"))


def test_a_click_on_a_badge_explains_it(page):
    page.goto("/segment?dataset=Synthetic&image=012")
    wait_for_viewer(page, 2)
    badge = page.locator(f'figure[data-panel="{MODEL}"] .badge.ok')
    badge.click()
    explanation = page.locator(".explanation")
    expect(explanation).to_contain_text("resemble")
    expect(badge).to_have_attribute("aria-expanded", "true")
    page.keyboard.press("Escape")
    expect(explanation).to_have_count(0)
    badge.press("Enter")
    explanation.wait_for()
    page.mouse.click(5, 300)
    expect(explanation).to_have_count(0)


def test_a_selected_cell_shows_its_details_and_the_other_way_round(page):
    page.set_viewport_size({"width": 1280, "height": 800})
    open_field(page)
    assert boxes(page)[0]["y"] <= 170
    assert boxes(page)[0]["height"] >= 0.7 * 800
    details = page.locator(".cell-details")
    click(page, CENTRES[1])
    details.get_by_text("Cell 2").wait_for()
    expect(details).to_contain_text("Cell area")
    option = page.get_by_role("listbox", name="Cells of the field").get_by_role("option", selected=True)
    expect(option).to_have_text(re.compile(r"^\s*Cell\s+2\b"), use_inner_text=True)
    option.focus()
    page.keyboard.press("ArrowDown")
    details.get_by_text("Cell 3").wait_for()
    page.locator(".hint", has_text="Cell 3 of 6").wait_for()
    # What is selected there is what a key deletes in the viewer.
    canvas(page).focus()
    page.keyboard.press("Delete")
    page.locator(".cell-count", has_text="5 white blood cells").wait_for()
    page.locator("[data-testid=stMarkdown]", has_text="5 white blood cells").first.wait_for()
    options = page.locator(".cell-list [role=option]")
    expect(options).to_have_count(5)
    # Those after it move up, at once.
    numbers = [re.compile(rf"^\s*Cell\s+{number}\b") for number in range(1, 6)]
    expect(options).to_have_text(numbers, use_inner_text=True)


# Counts the pixels of a canvas that have the colour of the marks, or another one.
COUNT_MARKED = """(canvas, colour) => {
  const [red, green, blue] = colour ?? [255, 92, 225]
  const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height)
  let count = 0
  for (let i = 0; i < data.length; i += 4) {
    count += Math.max(Math.abs(data[i] - red), Math.abs(data[i + 1] - green), Math.abs(data[i + 2] - blue)) < 8
  }
  return count
}"""


def count_marked(page, panel):
    return page.locator(f'figure[data-panel="{panel}"] canvas').evaluate(COUNT_MARKED)


def test_a_line_says_that_models_disagree_and_marks_where(page):
    page.goto(DISAGREED)
    wait_for_viewer(page, 3)
    line = page.locator("button.disagreement")
    expect(line).to_have_text(re.compile("^Models disagree on the "))
    for panel in ("mask", "unet-general", "deconvnet-general"):
        wait_until(page, lambda panel=panel: count_marked(page, panel) > 50)
    line.press("Enter")
    expect(line).to_have_attribute("aria-pressed", "false")
    wait_until(page, lambda: count_marked(page, "unet-general") == 0)
    expect(page.locator(".st-key-workspace_side [data-testid=stAlert]", has_text="Least alike")).to_be_visible()


FIELD_OF_MANY = "/segment?dataset=Examples&image=field-dense"


def list_type_counts(page):
    return [item.get_attribute("title").rsplit(": ", 1) for item in page.locator(".type-counts [role=listitem]").all()]


def list_cut_names(page):
    """Return the names of types that are not whole: in the list, in the counts and in the details."""
    names = page.locator(".type-name, .type-counts > span, .cell-type .bar-row > span:first-child")
    cut = "all => all.filter(one => one.scrollWidth > one.clientWidth + 1).map(one => one.textContent)"
    return names.evaluate_all(cut)


def test_types_are_counted_and_named_at_first_sight(page):
    page.set_viewport_size({"width": 1280, "height": 800})
    page.goto(FIELD_OF_MANY)
    wait_for_viewer(page, 1)
    expect(page.locator(".cell-count")).to_contain_text("white blood cells")
    expect(page.locator(".type-counts b").first).to_be_visible()
    options = page.locator(".cell-list [role=option]")
    expect(options.first).to_be_visible()
    counts = {title: int(count) for title, count in list_type_counts(page)}
    listed = Counter(page.locator(".cell-list .type-name").all_inner_texts())
    assert counts == listed
    assert sum(counts.values()) == int(page.locator(".cell-count").inner_text().split()[0])
    assert boxes(page)[0]["y"] <= 170
    assert boxes(page)[0]["height"] >= 0.7 * 800
    # Labels have the colours of the workbench's gallery.
    for name in ("neutrophil", "lymphocyte"):
        colour = [int(TYPE_COLOURS[name][i : i + 2], 16) for i in (1, 3, 5)]
        assert page.locator(".panels canvas").first.evaluate(COUNT_MARKED, colour) > 100, name

    # The details are beside the image: the type, its probabilities, and the first measurements.
    granulocyte = options.filter(has_text="Immature granulocyte").first
    granulocyte.click()
    details = page.locator(".cell-details")
    expect(details.locator("dl div").nth(1)).to_be_visible()
    box = details.locator("dl div").nth(1).bounding_box()
    assert box["y"] + box["height"] <= 800
    assert page.locator(".st-key-workspace_side").evaluate("side => side.scrollTop") == 0
    assert list_cut_names(page) == []

    # A type that a person gives is counted at once.
    granulocyte.focus()
    page.keyboard.press("7")
    expect(page.locator(".type-counts [title^='Erythroblast']")).to_have_attribute(
        "title", f"Erythroblast: {counts['Erythroblast'] + 1}"
    )


def test_on_a_phone_types_have_short_names_and_nothing_is_cut(browser, server):
    phone = browser.new_context(
        base_url=server.url, viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True
    )
    page = phone.new_page()
    page.set_default_timeout(60_000)
    page.goto(FIELD_OF_MANY)
    wait_for_viewer(page, 1)
    granulocytes = page.locator(".type-counts [title^='Immature granulocyte']")
    expect(granulocytes.locator(".short")).to_have_text("IG")
    expect(granulocytes.locator(".short")).to_be_visible()
    page.locator(".cell-list [role=option]").filter(has_text="Immature granulocyte").first.click()
    expect(page.locator(".cell-details dl")).to_be_visible()
    assert list_cut_names(page) == []
    assert overflow(page)[0] == 0
    phone.close()


def test_on_a_phone_the_image_is_within_the_first_screen(browser, server):
    phone = browser.new_context(
        base_url=server.url, viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True
    )
    page = phone.new_page()
    page.set_default_timeout(60_000)
    page.goto("/segment?dataset=Synthetic&image=012")
    wait_for_viewer(page, 2)
    page.wait_for_timeout(500)
    assert overflow(page)[0] == 0
    assert all(box["y"] + box["height"] <= 844 for box in boxes(page))
    # The details follow below. A finger on the image scrolls to them while the whole image is in view.
    main = page.locator("[data-testid=stMain]")
    box, touch = boxes(page)[0], phone.new_cdp_session(page)
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2

    def finger(kind, *points):
        touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": [{"x": px, "y": py} for px, py in points]})

    finger("touchStart", (x, y))
    for step in range(1, 16):
        finger("touchMove", (x, y - 14 * step))
        page.wait_for_timeout(30)
    finger("touchEnd")
    wait_until(page, lambda: main.evaluate("main => main.scrollTop") > 100)
    assert float(page.locator(".panels").get_attribute("data-view").split()[0]) == 1
    phone.close()
