"""Scripts, styles and the start page are sent compressed; everything else reaches Streamlit as it came."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest
from asgi import send_request
from starlette.responses import Response
from streamlit.file_util import get_static_dir

from wbcseg.ui.server import create_middleware
from wbcseg.ui.server.static_files import CompressedStaticFiles, StaticFileIndex

SCRIPT = b"console.log('cell')\n" * 100
PAGE = (
    b'<html><link\n  rel="preload"\n  href="./a.woff2"\n  as="font"\n/><script src="./static/js/a.js"></script></html>'
)


@pytest.fixture
def static_folder(tmp_path: Path) -> Path:
    (tmp_path / "static" / "js").mkdir(parents=True)
    (tmp_path / "static" / "js" / "a.js").write_bytes(SCRIPT)
    (tmp_path / "static" / "font.woff2").write_bytes(b"font")
    (tmp_path / "index.html").write_bytes(PAGE)
    return tmp_path


def request(
    folder: Path, path: str, *, base_path: str = "", method: str = "GET", accept: str = "br, gzip", **headers: str
) -> tuple[dict[str, str], bytes] | None:
    """Send a request. Return the headers and the body, or ``None`` if it was passed on."""
    passed_on = Response(status_code=418)
    index = StaticFileIndex(folder)
    app = CompressedStaticFiles(passed_on, index=index, base_path=base_path, pages=frozenset({"", "segment"}))
    answer = send_request(app, path, method=method, headers={"accept-encoding": accept, **headers})
    return None if answer.status_code == 418 else (answer.headers, answer.content)


@pytest.mark.parametrize("base_path", ["", "/cells"])
def test_a_script_is_compressed_and_kept_by_the_browser(static_folder: Path, base_path: str) -> None:
    answer = request(static_folder, f"{base_path}/static/js/a.js", base_path=base_path)
    assert answer is not None
    headers, body = answer
    assert gzip.decompress(body) == SCRIPT
    assert headers["content-encoding"] == "gzip"
    assert headers["vary"] == "Accept-Encoding"
    assert "immutable" in headers["cache-control"]
    assert headers["content-type"].startswith("text/javascript")


def test_styles_name_no_font_that_pages_would_load_before_the_theme_arrives(static_folder: Path) -> None:
    code = b'@font-face{font-family:Source Code;src:url(code.woff2)format("woff2")}'
    sans = b'@font-face{font-family:Source Sans;font-weight:100 900;src:url(sans.woff2)format("woff2")}'
    (static_folder / "static" / "a.css").write_bytes(code + sans + b"p{color:red}")
    answer = request(static_folder, "/static/a.css")
    assert answer is not None
    assert gzip.decompress(answer[1]) == code + b"p{color:red}"


def test_the_fonts_that_are_left_out_are_those_of_streamlit() -> None:
    index = StaticFileIndex(get_static_dir())
    folder = Path(get_static_dir(), "static", "css")
    names = [f"static/css/{path.name}" for path in folder.glob("*.css") if b"Source Sans" in path.read_bytes()]
    assert names
    assert not [name for name in names if b"Source Sans" in gzip.decompress(index.compress(name))]


@pytest.mark.parametrize("path", ["/", "/segment"])
def test_the_start_page_loads_no_font_and_is_always_asked_for_again(static_folder: Path, path: str) -> None:
    answer = request(static_folder, path)
    assert answer is not None
    headers, body = answer
    assert gzip.decompress(body) == b'<html><script src="./static/js/a.js"></script></html>'
    assert headers["cache-control"] == "no-cache"


@pytest.mark.parametrize("accepted", ["gzip", "br"])
def test_the_start_page_has_the_apps_styles_before_a_page_runs(static_folder: Path, accepted: str) -> None:
    (static_folder / "index.html").write_bytes(b"<html><head></head></html>")
    answer = request(static_folder, "/segment", accept=accepted)
    assert answer is not None
    headers, body = answer
    assert headers.get("content-encoding") == ("gzip" if accepted == "gzip" else None)
    page = gzip.decompress(body) if accepted == "gzip" else body
    assert b".st-key-workspace" in page.partition(b"</head>")[0]


@pytest.mark.parametrize(
    ("path", "headers"),
    [
        ("/static/js/a.js", {"accept": "br"}),
        ("/static/js/a.js", {"accept": "gzip;q=0"}),
        ("/static/js/a.js", {"range": "bytes=0-9"}),
        ("/static/js/a.js", {"method": "POST"}),
        ("/static/font.woff2", {}),
        ("/static/../index.html", {}),
        ("/static/js/missing.js", {}),
        ("/_stcore/health", {}),
        ("/no-such-page", {}),
    ],
)
def test_other_requests_are_passed_on(static_folder: Path, path: str, headers: dict[str, str]) -> None:
    assert request(static_folder, path, **headers) is None


def test_streamlits_own_start_page_and_scripts_are_known() -> None:
    middleware = next(entry for entry in create_middleware() if entry.cls is CompressedStaticFiles)
    index: StaticFileIndex = middleware.kwargs["index"]
    page = gzip.decompress(index.compress_page()).decode()
    assert 'as="font"' not in page
    assert "segment" in middleware.kwargs["pages"]
    scripts = [part.partition('"')[0].removeprefix("./") for part in page.split('src="')[1:]]
    assert scripts
    assert all(script in index for script in scripts)
    folder = Path(get_static_dir())
    assert all(len(index.compress(script)) < (folder / script).stat().st_size / 2 for script in scripts)
