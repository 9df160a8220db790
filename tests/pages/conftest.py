"""Pages with quick models."""

from __future__ import annotations

import pytest
from quick_app import APP, OpenPage, QuickCatalog, go_to
from streamlit.runtime.pages_manager import PagesManager
from streamlit.testing.v1 import AppTest

from wbcseg.ui import cache


@pytest.fixture(autouse=True)
def warm_server(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make every run go through ``app.py``, as on a server whose router has run; AppTest forgets that it has."""
    begin = PagesManager.__init__

    def begin_warm(self: PagesManager, *args: object, **kwargs: object) -> None:
        begin(self, *args, **kwargs)
        PagesManager.uses_pages_directory = False

    monkeypatch.setattr(PagesManager, "__init__", begin_warm)


@pytest.fixture(autouse=True)
def models(monkeypatch: pytest.MonkeyPatch) -> None:
    """Give the pages the quick models."""
    monkeypatch.setattr(cache, "Catalog", QuickCatalog)


@pytest.fixture
def open_page() -> OpenPage:
    """Return a function that opens a page as a link with the given parameters does."""

    def open_it(page: str, /, **parameters: str) -> AppTest:
        at = AppTest.from_file(str(APP), default_timeout=120)
        at.run()
        if page != "home":
            go_to(at, page)
        for name, value in parameters.items():
            at.query_params[name] = value
        at.run()
        assert not at.exception
        return at

    return open_it
