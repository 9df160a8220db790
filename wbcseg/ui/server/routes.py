"""Addresses that the app answers itself: scripts, the images that the viewer shows, and files that a browser keeps."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from wbcseg.errors import ErrorCode, ImageError
from wbcseg.io import MAX_BYTES
from wbcseg.ui.server import file_store, scripts
from wbcseg.ui.server.payloads import PREFIX, get_store
from wbcseg.ui.server.static_files import IMMUTABLE

NOT_STORED: Final = {
    # An upload must not end up in the browser's cache on disk.
    "Cache-Control": "no-store",
    # Images are compressed already.
    "Content-Encoding": "identity",
    "X-Content-Type-Options": "nosniff",
}


def create_routes(base_path: str) -> Sequence[BaseRoute]:
    """Return the routes below a path; see :func:`wbcseg.ui.server.get_base_path`."""
    root = f"{base_path}/{PREFIX}"
    payload, visit = f"{root}/payloads/{{token}}/{{digest}}", f"{root}/files/{{token}}"
    return [
        Route(f"{root}/scripts/{{name}}", send_script),
        Route(payload, send_payload),
        Route(f"{payload}/{{level:int}}/{{column:int}}/{{row:int}}", send_tile),
        Route(visit, confirm_visit),
        Route(f"{visit}/{{key}}", send_file),
        Route(f"{visit}/{{key}}", receive_file, methods=["PUT"]),
    ]


async def send_script(request: Request) -> Response:
    """Answer with a script; its name changes with its content."""
    source = scripts.get(request.path_params["name"])
    if source is None:
        raise HTTPException(404)
    return Response(source, media_type="text/javascript; charset=utf-8", headers={"Cache-Control": IMMUTABLE})


async def send_payload(request: Request) -> Response:
    """Answer with an image and its results."""
    store = get_store(request.path_params["token"])
    payload = store.get(request.path_params["digest"]) if store else None
    return _answer(payload, "application/octet-stream")


async def send_tile(request: Request) -> Response:
    """Answer with a tile of a large image."""
    parameters = request.path_params
    store = get_store(parameters["token"])
    if store is None:
        raise HTTPException(404)
    place = (parameters["level"], parameters["column"], parameters["row"])
    return _answer(await run_in_threadpool(store.encode_tile, parameters["digest"], *place), "image/png")


async def confirm_visit(request: Request) -> Response:
    """Answer whether the server still has a visit; it has none from before its start."""
    if file_store.get_store(request.path_params["token"]) is None:
        raise HTTPException(404)
    return Response(status_code=204, headers={"Cache-Control": "no-store"})


async def send_file(request: Request) -> Response:
    """Answer with an upload, for the browser to keep it."""
    store = file_store.get_store(request.path_params["token"])
    if store is None:
        raise HTTPException(404)
    return _answer(await run_in_threadpool(store.read, request.path_params["key"]), "application/octet-stream")


async def receive_file(request: Request) -> Response:
    """Take a file that the browser kept back into memory."""
    store = file_store.get_store(request.path_params["token"])
    if store is None:
        raise HTTPException(404)
    data = bytearray()
    async for chunk in request.stream():
        data += chunk
        if len(data) > MAX_BYTES:
            raise HTTPException(413)
    try:
        await run_in_threadpool(store.receive, request.path_params["key"], bytes(data))
    except ImageError as error:
        raise HTTPException(413 if error.code is ErrorCode.TOO_LARGE else 400) from error
    return Response(status_code=204)


def _answer(body: bytes | None, media_type: str) -> Response:
    if body is None:
        raise HTTPException(404)
    return Response(body, media_type=media_type, headers=NOT_STORED)
