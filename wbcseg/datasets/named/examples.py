"""The data set ``examples``: real cells to try the program with, always available."""

from __future__ import annotations

from wbcseg.datasets.base import Dataset
from wbcseg.datasets.download import ProgressCallback
from wbcseg.datasets.examples import DATASET_NAME, TITLE, list_examples, open_examples
from wbcseg.datasets.registry import DatasetAvailability, register_dataset


@register_dataset(
    name=DATASET_NAME,
    title=TITLE,
    short_title="Examples",
    description="Real blood cells, easy and hard, and fields of view. Without masks. Always available.",
    source="doi:10.17632/snkd93bnjr.1",
    kind="examples",
    get_availability=lambda: DatasetAvailability("comes with the program", len(list_examples())),
    sample_count=len(list_examples()),
    order=5,
)
def open_shipped(*, download: bool, progress: ProgressCallback | None) -> Dataset:  # noqa: ARG001
    """Open the data set; nothing is downloaded."""
    return open_examples()
