"""Download a published data set file by file: resumable, verified, several files at once."""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path
from typing import Final
from urllib.parse import quote

from wbcseg.errors import DownloadError, ErrorCode, ManifestError

ProgressCallback = Callable[[int, int, str], None]
"""Called with the number of files done, the number of all files, and the name of the last one."""

MAX_CONNECTIONS: Final = 8
TIMEOUT_SECONDS: Final = 30
"""Seconds without an answer after which a download fails."""
MAX_RETRIES: Final = 2
"""Number of retries after a temporary failure."""
RETRY_DELAY_SECONDS: Final = 1.0
"""Seconds before the first retry; the second waits twice as long."""

_RETRYABLE_STATUS_CODES: Final = frozenset((408, 429, 500, 502, 503, 504))


def list_missing_files(folder: Path, names: Sequence[str]) -> list[str]:
    """Return the names of files that are not in the folder yet.

    Args:
        folder: Folder of the files.
        names: Names relative to the folder, with forward slashes.
    """
    present: dict[str, set[str]] = {}
    for parent in {name.rpartition("/")[0] for name in names}:
        try:
            present[parent] = set(os.listdir(folder / parent))  # noqa: PTH208 (as fast for 600 files as for one)
        except OSError:
            present[parent] = set()
    return [name for name in names if name.rpartition("/")[2] not in present[name.rpartition("/")[0]]]


def download_files(
    folder: Path,
    hashes: Mapping[str, str],
    base_urls: Sequence[str],
    *,
    advice: str,
    progress: ProgressCallback | None = None,
) -> None:
    """Download missing files and verify each against its SHA-256.

    Every file is written next to its target under another name and moved once it is complete and verified, so an
    interrupted download resumes where it stopped, and a partial file is never read.

    Args:
        folder: Folder for the files; created if missing.
        hashes: SHA-256 by name, with forward slashes.
        base_urls: Addresses of the folder on the server, in order of preference: the next one is tried for a file that
            is not found (404).
        advice: Sentences for the error message: what to do without a network.
        progress: Called after each file.

    Raises:
        DownloadError: If the server cannot be reached or does not have a file. Files downloaded so far are kept.
        ManifestError: If a file is not the published one.
    """
    missing = list_missing_files(folder, list(hashes))
    done = len(hashes) - len(missing)
    if not missing:
        return
    try:
        for parent in {(folder / name).parent for name in missing}:
            parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DownloadError(
            f"Folder {folder} for the data could not be created: {error.strerror}.",
            file=str(folder),
            code=ErrorCode.WRITE_FAILED,
            hint="Set WBCSEG_CACHE to a folder with write access.",
        ) from error
    stop_event = threading.Event()
    # The first file on its own: without a network, it fails once, not once per thread.
    first, rest = missing[0], missing[1:]
    try:
        _download_file(folder, first, hashes[first], base_urls, stop_event)
        done += 1
        _report_progress(progress, done, len(hashes), first)
        with ThreadPoolExecutor(MAX_CONNECTIONS, thread_name_prefix="wbcseg-download") as pool:
            futures = {
                pool.submit(_download_file, folder, name, hashes[name], base_urls, stop_event): name for name in rest
            }
            try:
                for future in as_completed(futures):
                    future.result()
                    done += 1
                    _report_progress(progress, done, len(hashes), futures[future])
            except BaseException:
                # Ctrl-C, a failed file or an error in `progress`: start no further downloads.
                stop_event.set()
                pool.shutdown(wait=False, cancel_futures=True)
                raise
    except _FileDownloadError as error:
        completed = len(hashes) - len(list_missing_files(folder, list(hashes)))
        raise DownloadError(
            f"File {error.name} could not be downloaded from {base_urls[0]}: {error.reason}. "
            f"{completed} of {len(hashes)} files are complete; the next attempt continues from there.",
            file=error.name,
            reason=f"The download failed: {error.reason}.",
            hint=advice,
        ) from error


class _FileDownloadError(Exception):
    def __init__(self, name: str, reason: str, *, permanent: bool = False) -> None:
        super().__init__(name, reason)
        self.name = name
        self.reason = reason
        self.permanent = permanent


def _report_progress(progress: ProgressCallback | None, done: int, total: int, name: str) -> None:
    if progress is not None:
        progress(done, total, name)


def _download_file(
    folder: Path, name: str, expected_sha256: str, base_urls: Sequence[str], stop_event: threading.Event
) -> None:
    """Download one file from the first server folder that has it."""
    # Both are slow to import, and rarely needed.
    import pooch
    import requests

    pooch.get_logger().setLevel(logging.CRITICAL)
    parent, _, file_name = name.rpartition("/")
    for attempt in range(MAX_RETRIES + 1):
        for base_url in base_urls:
            if stop_event.is_set():
                return
            try:
                pooch.retrieve(
                    f"{base_url}/{quote(name)}",
                    known_hash=f"sha256:{expected_sha256}",
                    fname=file_name,
                    path=folder / parent,
                    downloader=pooch.HTTPDownloader(timeout=TIMEOUT_SECONDS, chunk_size=1 << 16),
                )
                return
            except requests.HTTPError as error:
                status_code = 0 if error.response is None else error.response.status_code
                failure = _FileDownloadError(
                    name,
                    f"the server answered with code {status_code}",
                    permanent=status_code not in _RETRYABLE_STATUS_CODES,
                )
                if status_code == 404:
                    continue
            except requests.Timeout:
                failure = _FileDownloadError(name, f"no answer within {TIMEOUT_SECONDS} seconds")
            except requests.RequestException:
                failure = _FileDownloadError(name, "no connection, or it was interrupted")
            except OSError as error:
                failure = _FileDownloadError(
                    name, f"it could not be written to {folder} ({error.strerror})", permanent=True
                )
            except ValueError as error:
                raise ManifestError(
                    f"File {name} from {base_url} is not the published one: its SHA-256 should be {expected_sha256}. "
                    "It was discarded.",
                    file=name,
                    reason="The file is not the published one.",
                    hint="A proxy or a changed repository may be the cause: try again later or from another network.",
                ) from error
            break
        if failure.permanent or attempt == MAX_RETRIES or stop_event.wait(RETRY_DELAY_SECONDS * (attempt + 1)):
            raise failure
