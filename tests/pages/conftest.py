"""Page tests run the real app with fast models."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache as memoize

import pytest
from quick_app import APP, OpenPage, QuickCatalog, go_to
from streamlit.components.v2 import manifest_scanner
from streamlit.runtime.pages_manager import PagesManager
from streamlit.testing.v1 import AppTest

from wbcseg.ui import cache

PAGES_WITH_A_DATA_SET = ("segment", "datasets", "architectures")


@pytest.fixture(autouse=True, scope="session")
def scan_components_once() -> Iterator[None]:
    """Search the installed packages for components once, as a server does, rather than for every AppTest."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(manifest_scanner, "scan_component_manifests", memoize(manifest_scanner.scan_component_manifests))
        yield


@pytest.fixture(autouse=True)
def warm_server(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make every run go through ``app.py``, as on a server that has called ``st.navigation``; AppTest resets that."""
    original_init = PagesManager.__init__

    def init_warm(self: PagesManager, *args: object, **kwargs: object) -> None:
        original_init(self, *args, **kwargs)
        PagesManager.uses_pages_directory = False

    monkeypatch.setattr(PagesManager, "__init__", init_warm)


@pytest.fixture(autouse=True)
def models(monkeypatch: pytest.MonkeyPatch) -> None:
    """Give the pages the fast models."""
    monkeypatch.setattr(cache, "Catalog", QuickCatalog)


@pytest.fixture
def open_page() -> OpenPage:
    """Return a function that opens a page like a link with the given query parameters.

    Where the link names no data set, synthetic cells are shown: they have exact masks.
    """

    def open_it(page: str, /, **parameters: str) -> AppTest:
        at = AppTest.from_file(str(APP), default_timeout=120)
        at.run()
        if page != "home":
            go_to(at, page)
        if page in PAGES_WITH_A_DATA_SET and "source" not in parameters:
            parameters = {"dataset": "Synthetic", **({} if "dataset" in parameters else {"image": "032"}), **parameters}
        for name, value in parameters.items():
            at.query_params[name] = value
        at.run()
        assert not at.exception
        return at

    return open_it
