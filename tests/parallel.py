"""Tests in several processes (``pytest -n 2``): files stay whole, slow files start first, timings run alone."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from filelock import FileLock, ReadWriteLock

SLOW_MARKERS = {"training", "browser"}


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Hand out whole files, so that a module's fixtures are made once, in the order of collection."""
    from xdist.scheduler import LoadFileScheduling

    config.option.loadscopereorder = False
    return LoadFileScheduling(config, log)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Start with the files that train or drive a browser; the many short ones then end at about the same time."""
    if get_shared_folder(config):
        slow_paths = {item.path for item in items if SLOW_MARKERS & {marker.name for marker in item.iter_markers()}}
        items.sort(key=lambda item: item.path not in slow_paths)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """While a test marked ``timing`` runs, the other processes wait."""
    folder = get_shared_folder(item.config)
    if folder is None:
        return (yield)
    lock = ReadWriteLock(folder / "running.lock")
    with lock.write_lock() if item.get_closest_marker("timing") else lock.read_lock():
        return (yield)


def get_shared_folder(config: pytest.Config) -> Path | None:
    """Return the temporary folder that the processes share, or ``None`` if there is only one."""
    if not hasattr(config, "workerinput"):
        return None
    folder: Path = config._tmp_path_factory.getbasetemp().parent  # type: ignore[attr-defined]
    return folder


@contextmanager
def lock_shared_folder(factory: pytest.TempPathFactory, config: pytest.Config, name: str) -> Iterator[Path]:
    """Yield the path of a folder that the processes share. Whoever finds it missing makes it; the others wait."""
    folder = (get_shared_folder(config) or factory.getbasetemp()) / name
    with FileLock(folder.with_suffix(".lock")):
        yield folder
