"""What the app adds to Streamlit's server: compressed scripts, addresses for the images of viewers, a warm start.

``app.py`` builds the server with it. Where the pages run without, as in tests, messages carry scripts and images.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from typing import Any, Final

import streamlit as st
from starlette.middleware import Middleware
from starlette.routing import BaseRoute
from streamlit import config
from streamlit.file_util import get_static_dir

from wbcseg.ui import gc_thread
from wbcseg.ui.navigation import list_pages
from wbcseg.ui.server import routes, scripts, upload_addresses, warm_up
from wbcseg.ui.server.payloads import PayloadStore
from wbcseg.ui.server.static_files import CompressedStaticFiles, StaticFileIndex
from wbcseg.ui.visitors.identity import VisitorCookieMiddleware
from wbcseg.ui.visitors.session import UPLOAD_BUDGET, VISITS
from wbcseg.ui.visitors.upload_budget import UploadBudgetMiddleware
from wbcseg.ui.visitors.visits import VisitMiddleware
from wbcseg.visualization import RgbImage

_STORE_KEY: Final = "payloads"

_running_servers: list[object] = []


def is_running() -> bool:
    """Return whether the pages run in a server that was built with this module."""
    return bool(_running_servers)


@asynccontextmanager
async def run(app: object) -> AsyncGenerator[dict[str, Any], None]:
    """Be a part of a server as long as it runs; its ``lifespan``."""
    _running_servers.append(app)
    gc_thread.freeze_imports()
    upload_addresses.keep_addresses()
    warm_up.start()
    try:
        yield {}
    finally:
        _running_servers.remove(app)


def create_middleware() -> Sequence[Middleware]:
    """Return what every request passes before it reaches Streamlit."""
    pages = frozenset({"", *(spec.script.stem for spec in list_pages())})
    index = StaticFileIndex(get_static_dir())
    return [
        Middleware(VisitorCookieMiddleware),
        Middleware(CompressedStaticFiles, index=index, base_path=get_base_path(), pages=pages),
        Middleware(UploadBudgetMiddleware, budget=UPLOAD_BUDGET),
        Middleware(VisitMiddleware, visits=VISITS),
    ]


def create_routes() -> Sequence[BaseRoute]:
    """Return the addresses that the app answers itself."""
    return routes.create_routes(get_base_path())


def get_base_path() -> str:
    """Return the path that all addresses begin with: empty, or ``/`` and a name."""
    base_path = str(config.get_option("server.baseUrlPath") or "").strip("/")
    return f"/{base_path}" if base_path else ""


def serve_script(name: str, source: str) -> str:
    """Return the source of a component that loads a script from an address of its own, or the script itself.

    Args:
        name: Name of the component.
        source: The script, a module.
    """
    return scripts.serve(name, source) if is_running() else source


def publish(digest: str, payload: bytes, image: RgbImage | None = None) -> bytes | list[str]:
    """Make a payload available to the browser of this visitor, and to nobody else.

    Args:
        digest: Identifies the content.
        payload: From :func:`wbcseg.ui.viewer.payload.encode_payload`, with ``digest`` in its header.
        image: The image to answer requests for tiles with.

    Returns:
        The data for the component that receives it: the digest and the address, or the payload itself.
    """
    if not is_running():
        return payload
    if _STORE_KEY not in st.session_state:
        st.session_state[_STORE_KEY] = PayloadStore()
    store: PayloadStore = st.session_state[_STORE_KEY]
    return [digest, store.add(digest, payload, image)]
