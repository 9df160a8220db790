"""Scripts of components that the browser loads once and keeps.

Streamlit sends the script of a component with each of its messages. A script that is served has an address of its own
instead, and the component is a line that loads it.
"""

from __future__ import annotations

import hashlib
from typing import Final

from wbcseg.ui.server.payloads import PREFIX

# The address of Streamlit's own script tells where the server is, also behind a proxy that changes paths.
_LOADER: Final = """
const start = document.querySelector('script[type="module"][src*="/static/js/"]').src
const module = await import(new URL("../../{path}", start))
export default module.default
"""

_scripts: dict[str, bytes] = {}


def serve(name: str, source: str) -> str:
    """Serve a module. Return the source of a module that loads it and has the same default export.

    Args:
        name: Name of the component.
        source: The module.
    """
    body = source.encode()
    filename = f"{name}-{hashlib.sha256(body).hexdigest()[:16]}.js"
    _scripts[filename] = body
    return _LOADER.format(path=f"{PREFIX}/scripts/{filename}")


def get(filename: str) -> bytes | None:
    """Return a script that is served, or ``None``."""
    return _scripts.get(filename)
