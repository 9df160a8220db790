"""Keep garbage collections short, as in a process of its own for each file.

The app collects garbage every second while its pages run. In a process that has imported TensorFlow, searching what
was imported takes a quarter of a second each time, four times as long as most tests of pages.
"""

from __future__ import annotations

import gc

import pytest


@pytest.hookimpl(trylast=True)
def pytest_collection_finish() -> None:
    """Leave what the files of tests imported out of collections."""
    freeze_what_is_in_use()


@pytest.hookimpl(trylast=True)
def pytest_runtest_teardown(item: pytest.Item, nextitem: pytest.Item | None) -> None:
    """Leave what a file's tests imported out of the collections of the next file."""
    if nextitem is None or nextitem.path != item.path:
        freeze_what_is_in_use()


def freeze_what_is_in_use() -> None:
    """Collect garbage once more, and never search again what remains; it is still freed with its last reference."""
    gc.collect()
    gc.freeze()
