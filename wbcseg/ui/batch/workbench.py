"""The workbench of a batch: its cells in a gallery, filed by type."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Final

from wbcseg.api import Batch
from wbcseg.inference import Catalog
from wbcseg.pipeline import ImageResult
from wbcseg.ui.batch.field_view import apply_corrections, make_key, show_field
from wbcseg.ui.batch.options import PredictionOptions
from wbcseg.ui.batch.result_table import show_result_table
from wbcseg.ui.workbench import view

VIEWER_KEY: Final = "workbench_viewer"


def show_workbench(batch: Batch, options: PredictionOptions, catalog: Catalog) -> None:
    """Show the cells of a batch that is done, to sort, file and correct. Call it at the top level of a page.

    Args:
        batch: The batch.
        options: Its settings.
        catalog: The models.
    """

    def get_results() -> Sequence[ImageResult]:
        # Here, because a click in the workbench does not run the page.
        apply_corrections(batch, options, catalog)
        return batch.get_results()

    view.show(
        view.WorkbenchSource(
            id=str(id(batch)),
            get_results=get_results,
            get_key=partial(make_key, options=options),
            pixel_size=options.pixel_size,
            show_field=lambda result: show_field(batch, result, options, catalog, VIEWER_KEY),
            reading_context=batch.cache_last_image,
            show_table=partial(show_result_table, batch, options),
        )
    )
