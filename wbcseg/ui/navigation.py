"""The navigation bar, built from the scripts in ``pages/``.

Each page declares itself: its script calls :func:`declare_page`. There is no list of pages, so a script in ``pages/``
is all that a new page needs (see ``docs/howto/page.md``).
"""

from __future__ import annotations

import ast
import functools
from dataclasses import dataclass
from pathlib import Path

import streamlit as st
from streamlit.navigation.page import StreamlitPage

from wbcseg import paths
from wbcseg.errors import WbcsegError
from wbcseg.ui import gc_thread
from wbcseg.ui.visitors import identity, session


@dataclass(frozen=True)
class PageSpec:
    """What a page says about itself.

    Attributes:
        script: Its script. The address of the page is the script's name.
        title: Its title in the navigation bar and the browser tab.
        purpose: What one can do there, in a sentence; the tooltip of its link in the navigation bar.
        order: Its place in the navigation bar. The page with the lowest number is the start page.
    """

    script: Path
    title: str
    purpose: str
    order: int


_is_set_up = False


def declare_page(*, title: str, purpose: str, order: int) -> None:
    """Declare a page. Each script in ``pages/`` calls this first, with literal arguments (see :class:`PageSpec`).

    :func:`read_page_spec` reads the arguments from the source, without running the script. The call itself makes sure
    that the page runs inside the navigation. Until a server has called ``st.navigation`` for the first time, Streamlit
    takes the folder ``pages/`` for a multipage app of the older kind and answers a link to a page by running its script
    alone. The widgets of such a run are not those of the next, so the first click would be lost: hence the rerun.
    """
    del title, purpose, order
    if not _is_set_up:
        setup_navigation()
        st.rerun()


def list_pages() -> list[PageSpec]:
    """Return the pages in the order of the navigation bar."""
    scripts = paths.get_pages_folder().glob("*.py")
    specs = [read_page_spec(script, script.stat().st_mtime_ns) for script in scripts]
    return sorted(specs, key=lambda spec: (spec.order, spec.title))


@functools.lru_cache(maxsize=128)
def read_page_spec(script: Path, mtime_ns: int) -> PageSpec:  # noqa: ARG001 (part of the cache key)
    """Read what a page says about itself from the source of its script.

    Args:
        script: The script.
        mtime_ns: When it was modified; a changed script is read again.

    Raises:
        WbcsegError: If the script does not call :func:`declare_page` with literal arguments.
    """
    try:
        for statement in ast.parse(script.read_bytes()).body:
            match statement:
                case ast.Expr(ast.Call(ast.Attribute(attr="declare_page") | ast.Name(id="declare_page")) as call):
                    return PageSpec(script, **{str(kw.arg): ast.literal_eval(kw.value) for kw in call.keywords})
    except (SyntaxError, ValueError, TypeError) as error:
        raise WbcsegError(f"Cannot read the declare_page(…) of {script.name}: {error}") from error
    raise WbcsegError(f"{script.name} must call declare_page(title=…, purpose=…, order=…); see docs/howto/page.md.")


def setup_navigation() -> StreamlitPage:
    """Show the navigation bar and configure the browser tab. Return the requested page."""
    global _is_set_up
    _is_set_up = True
    gc_thread.start_gc_thread()
    session.register_visit()
    identity.start()
    # No icons in the navigation bar: to show one in the browser tab, Streamlit makes the browser load it from another
    # server.
    page = st.navigation(
        [
            st.Page(spec.script, title=spec.title, help=spec.purpose, default=position == 0)
            for position, spec in enumerate(list_pages())
        ],
        position="top",
    )
    st.set_page_config(
        page_title=f"{page.title} · White blood cell segmentation",
        page_icon=Path(__file__).with_name("icon.png"),
        layout="wide",
        menu_items={
            "About": "Segmentation of white blood cells in blood-smear images. For research, not for diagnosis."
        },
    )
    session.show_ended_notice()
    return page
