"""Visitors of a running server: uploads, results, leaving; with the memory of the server's process.

Start the app, then, with the id of its process:

    python benchmarks/visitors.py --pid 1234 --port 8501 --visitors 30 --crops 20 --minutes 10
    python benchmarks/visitors.py --pid 1234 --port 8501 --visitors 10 --megabytes 70

Each visitor speaks Streamlit's protocol as a browser does: opens *Batch*, uploads synthetic crops (or one large file),
waits for the results, reloads the page now and then, and leaves as a closed tab does.
"""

from __future__ import annotations

import argparse
import asyncio
import io
import time
import urllib.error
import urllib.request
import uuid
from collections.abc import Sequence
from typing import Any

import numpy as np
import psutil
import websockets
from PIL import Image
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

from wbcseg.datasets.synthetic.generator import draw_sample

LEAVE_CODE = 1001


class Visitor:
    """A visit, as a browser makes it.

    Args:
        port: Port of the server.
    """

    def __init__(self, port: int) -> None:
        self.port = port
        self.session_id = ""
        self.elements: dict[str, Any] = {}
        self.texts: list[str] = []
        self.n_errors = 0
        self.n_runs = 0
        self._urls: dict[str, Any] = {}
        self._page_hash = ""
        self._widgets: dict[str, Sequence[Any]] = {}

    async def open(self, page: str = "batch") -> None:
        """Connect and open a page."""
        self._socket = await websockets.connect(
            f"ws://localhost:{self.port}/_stcore/stream", subprotocols=["streamlit", "none"], max_size=None
        )
        self._reader = asyncio.create_task(self._read())
        self._page, self._token = page, await asyncio.to_thread(self._fetch_token)
        await self.run()

    async def run(self) -> None:
        """Run the page with the state of its widgets, and wait until it has finished."""
        message = BackMsg()
        message.rerun_script.page_name = self._page
        for widget_id, files in self._widgets.items():
            state = message.rerun_script.widget_states.widgets.add()
            state.id = widget_id
            for file in files:
                state.file_uploader_state_value.uploaded_file_info.add().CopyFrom(file)
        before = self.n_runs
        await self._socket.send(message.SerializeToString())
        await self._wait(lambda: self.n_runs > before, 300)

    async def upload(self, files: dict[str, bytes]) -> list[int]:
        """Upload files into the page's uploader and run the page. Return the status of each."""
        uploader = next(element for element in self.elements.values() if element.WhichOneof("type") == "file_uploader")
        request = BackMsg()
        request.file_urls_request.request_id = str(uuid.uuid4())
        request.file_urls_request.file_names.extend(files)
        request.file_urls_request.session_id = self.session_id
        await self._socket.send(request.SerializeToString())
        await self._wait(lambda: request.file_urls_request.request_id in self._urls, 60)
        statuses, infos = [], []
        for (name, data), url in zip(files.items(), self._urls[request.file_urls_request.request_id], strict=True):
            statuses.append(await asyncio.to_thread(self._put, url.upload_url, name, data))
            if statuses[-1] < 300:
                infos.append(_build_file_info(url, name, len(data)))
        self._widgets[uploader.file_uploader.id] = infos
        await self.run()
        return statuses

    async def wait_for_results(self, count: int, timeout: float) -> float:
        """Run the page until a batch of images is done. Return the seconds that it took."""
        start = time.monotonic()
        while time.monotonic() - start < timeout:
            self.texts.clear()
            await self.run()
            if any("<table" in text and text.count("<tr") > count for text in self.texts):
                return time.monotonic() - start
            await asyncio.sleep(1)
        return float("nan")

    async def leave(self) -> None:
        """Close the tab."""
        self._reader.cancel()
        await self._socket.close(code=LEAVE_CODE)

    def _put(self, path: str, name: str, data: bytes) -> int:
        boundary = uuid.uuid4().hex
        head = f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\n\r\n'.encode()
        body = head + data + f"\r\n--{boundary}--\r\n".encode()
        request = urllib.request.Request(
            f"http://localhost:{self.port}/{path.lstrip('/')}",
            body,
            {
                "Content-Type": f"multipart/form-data; boundary={boundary}",
                "X-Xsrftoken": self._token,
                "Cookie": f"_streamlit_xsrf={self._token}",
            },
            method="PUT",
        )
        try:
            with urllib.request.urlopen(request, timeout=120) as response:
                return int(response.status)
        except urllib.error.HTTPError as error:
            return error.code

    def _fetch_token(self) -> str:
        with urllib.request.urlopen(f"http://localhost:{self.port}/_stcore/health", timeout=60) as response:
            cookies = response.headers.get_all("Set-Cookie") or []
        return next((cookie.split(";")[0].partition("=")[2] for cookie in cookies if "xsrf" in cookie), "")

    async def _read(self) -> None:
        async for data in self._socket:
            message = ForwardMsg()
            message.ParseFromString(data)
            kind = message.WhichOneof("type")
            if kind == "new_session":
                self.session_id = message.new_session.initialize.session_id
            elif kind == "script_finished":
                self.n_runs += 1
            elif kind == "file_urls_response":
                self._urls[message.file_urls_response.response_id] = list(message.file_urls_response.file_urls)
            elif kind == "delta" and message.delta.WhichOneof("type") == "new_element":
                element = message.delta.new_element
                path = ",".join(map(str, message.metadata.delta_path))
                self.elements[path] = element
                self.n_errors += element.WhichOneof("type") == "exception"
                if element.WhichOneof("type") in ("html", "markdown"):
                    self.texts.append(str(getattr(element, element.WhichOneof("type")).body))

    async def _wait(self, is_done: Any, timeout: float) -> None:
        deadline = time.monotonic() + timeout
        while not is_done():
            if time.monotonic() > deadline:
                raise TimeoutError
            await asyncio.sleep(0.05)


def _build_file_info(url: Any, name: str, size: int) -> Any:
    from streamlit.proto.Common_pb2 import UploadedFileInfo

    info = UploadedFileInfo()
    info.file_id, info.name, info.size = url.file_id, name, size
    info.file_urls.CopyFrom(url)
    return info


def draw_crops(count: int, seed: int) -> dict[str, bytes]:
    """Return synthetic crops as PNG files by name."""
    files = {}
    for index in range(count):
        buffer = io.BytesIO()
        Image.fromarray(draw_sample(seed, index).image).save(buffer, "PNG")
        files[f"cell-{seed}-{index}.png"] = buffer.getvalue()
    return files


def measure_memory(pid: int) -> float:
    """Return the resident memory of the server's process in MB."""
    return float(psutil.Process(pid).memory_info().rss) / 1e6


async def watch_memory(pid: int, peak: list[float]) -> None:
    """Keep the peak of the server's memory."""
    while True:
        peak[0] = max(peak[0], measure_memory(pid))
        await asyncio.sleep(0.2)


async def visit(options: argparse.Namespace, number: int, until: float, results: list[dict[str, Any]]) -> None:
    """Visit the app again and again until it is time."""
    while True:
        visitor = Visitor(options.port)
        await visitor.open()
        if options.megabytes:
            files = {f"large-{number}.bmp": np.random.default_rng(number).bytes(options.megabytes * 1_000_000)}
        else:
            files = await asyncio.to_thread(draw_crops, options.crops, number)
        statuses = await visitor.upload(files)
        seconds = 0.0 if options.megabytes else await visitor.wait_for_results(options.crops, 600)
        if options.megabytes:
            await asyncio.sleep(20)
        await visitor.leave()
        results.append({"statuses": statuses, "seconds": seconds, "errors": visitor.n_errors})
        if time.monotonic() > until:
            return


async def run(options: argparse.Namespace) -> None:
    """Run the visitors and print what the server needed."""
    before, peak, results = measure_memory(options.pid), [0.0], []
    watcher = asyncio.create_task(watch_memory(options.pid, peak))
    until = time.monotonic() + 60 * options.minutes
    start = time.monotonic()
    done = await asyncio.gather(
        *(visit(options, number, until, results) for number in range(options.visitors)), return_exceptions=True
    )
    print(f"{len(results)} visits by {options.visitors} visitors in {time.monotonic() - start:.0f} s")
    print(f"failed: {[repr(item) for item in done if item is not None]}")
    refused = sum(status == 413 for result in results for status in result["statuses"])
    print(f"uploads refused: {refused}; exceptions on pages: {sum(result['errors'] for result in results)}")
    seconds = sorted(result["seconds"] for result in results) or [float("nan")]
    print(f"seconds to all results: median {seconds[len(seconds) // 2]:.1f}, longest {seconds[-1]:.1f}")
    for wait in options.after:
        await asyncio.sleep(wait)
        print(f"memory {wait} s later: {measure_memory(options.pid):.0f} MB")
    watcher.cancel()
    print(f"memory before: {before:.0f} MB, peak: {peak[0]:.0f} MB")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pid", type=int, required=True)
    parser.add_argument("--port", type=int, default=8501)
    parser.add_argument("--visitors", type=int, default=30)
    parser.add_argument("--crops", type=int, default=20)
    parser.add_argument("--megabytes", type=int, default=0, help="upload one file of this size instead of crops")
    parser.add_argument("--minutes", type=float, default=0.0, help="visit again until then")
    parser.add_argument("--after", type=int, nargs="*", default=[60, 60], help="seconds of the waits afterwards")
    asyncio.run(run(parser.parse_args()))
