"""Loads what the first result needs while the server starts, so that the first visitor does not wait for it."""

from __future__ import annotations

import contextlib
from threading import Thread

from wbcseg.errors import WbcsegError
from wbcseg.ui import gc_thread


def start() -> Thread:
    """Segment an example in the background. Return the thread."""
    thread = Thread(target=segment_example, name="warm-up", daemon=True)
    thread.start()
    return thread


def segment_example() -> None:
    """Segment an example with the recommended model, and drop the result.

    What stays is what all results need: imported libraries, the cell detector, the quality check and the type model.
    """
    # Sets how memory is returned to the system, which must come first.
    gc_thread.start_gc_thread()
    # Imported here: the server answers before it has them.
    from wbcseg.api import segment
    from wbcseg.celltypes import has_type_model
    from wbcseg.datasets.examples import open_examples
    from wbcseg.inference import Catalog

    # A model that cannot be used is the pages' to report.
    with contextlib.suppress(WbcsegError):
        catalog, examples = Catalog(), open_examples()
        entry = catalog.default_model
        if entry is not None:
            image = examples.read(examples.ids[0]).image
            segment(image, catalog.load(entry.name), types=has_type_model())
    gc_thread.request_collection()
