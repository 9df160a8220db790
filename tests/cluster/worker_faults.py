"""Faults for the workers of the tests: an image that ends the process, and a file system that often fails."""

from __future__ import annotations

import os
from typing import Any

import fsspec
from fsspec.implementations.local import LocalFileSystem

from wbcseg.scale import addresses

FAILURES_BEFORE_SUCCESS = 2

addresses.FIRST_PAUSE = 0.01  # type: ignore[misc]
_failures: dict[str, int] = {}
_read = addresses.read_address


class FlakyFileSystem(LocalFileSystem):
    """Files whose opening fails twice."""

    protocol = "flaky"

    def _open(self, path: str, mode: str = "rb", **options: Any) -> Any:
        _failures[path] = _failures.get(path, 0) + 1
        if _failures[path] <= FAILURES_BEFORE_SUCCESS:
            raise TimeoutError("slow down")
        return super()._open(path, mode, **options)

    @classmethod
    def _strip_protocol(cls, path: Any) -> Any:
        return LocalFileSystem._strip_protocol(str(path).removeprefix("flaky://"))

    def unstrip_protocol(self, name: str) -> str:
        return f"flaky://{name}"


fsspec.register_implementation("flaky", FlakyFileSystem, clobber=True)


def read_or_die(address: str) -> tuple[bytes, int]:
    """End the process, as the kernel does when memory is short, at an image called ``poison``."""
    if "poison" in address:
        os._exit(9)
    return _read(address)


def dask_setup(worker: Any) -> None:
    """Called by Dask in every worker when it starts."""
    from wbcseg.scale import worker as scale_worker

    scale_worker.read_address = read_or_die
