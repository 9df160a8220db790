"""The navigation bar is built from the page scripts."""

from pathlib import Path

import pytest

from wbcseg import paths
from wbcseg.errors import WbcsegError
from wbcseg.ui import routes
from wbcseg.ui.navigation import PageSpec, list_pages

NEW_PAGE = """
from wbcseg.ui import navigation

navigation.declare_page(title="Hello", purpose="Says hello.", order={order})
raise RuntimeError("The navigation bar must not run the script.")
"""


@pytest.fixture
def pages_folder(tmp_path, monkeypatch):
    monkeypatch.setattr(paths, "get_pages_folder", lambda: tmp_path)
    return tmp_path


def test_home_is_the_start_page_and_each_page_has_its_own_place():
    pages = list_pages()
    assert pages[0].script.stem == "home"
    assert len({page.order for page in pages}) == len({page.title for page in pages}) == len(pages)


def test_a_new_page_is_one_new_file(pages_folder):
    script = pages_folder / "hello.py"
    script.write_text(NEW_PAGE.format(order=7))
    assert list_pages() == [PageSpec(script, "Hello", "Says hello.", 7)]


def test_a_changed_page_is_read_again(pages_folder):
    script = pages_folder / "hello.py"
    for order in (7, 8):
        script.write_text(NEW_PAGE.format(order=order))
        assert list_pages()[0].order == order


@pytest.mark.parametrize(
    "source",
    [
        "import streamlit as st",
        "declare_page(title=f'Page {1}', purpose='x', order=1)",
        "declare_page(title='Hello')",
        "declare_page(",
    ],
)
def test_a_page_that_does_not_declare_itself_is_refused(pages_folder, source):
    (pages_folder / "hello.py").write_text(source)
    with pytest.raises(WbcsegError, match=r"declare_page.* of hello\.py|hello\.py must call declare_page"):
        list_pages()


def test_every_route_leads_to_a_page():
    scripts = {f"pages/{page.script.name}" for page in list_pages()}
    assert {value for name, value in vars(routes).items() if name.isupper() and not name.endswith("_TAB")} <= scripts


def test_every_page_has_a_test():
    folder = Path(__file__).parents[1] / "pages"
    assert not [page.script.stem for page in list_pages() if not (folder / f"test_{page.script.stem}_page.py").exists()]
