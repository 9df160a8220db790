"""Finished runs that come with the package, trained on synthetic smears: curves and film, without a model.

A fresh installation has something to look at. ``python -m wbcseg.training.runs.examples RUN …`` stores finished runs
here.
"""

from __future__ import annotations

from wbcseg.paths import get_example_runs_folder
from wbcseg.training.jobs.queue import list_runs
from wbcseg.training.runs.summary import RunSummary, summarise_run

__all__ = ["list_examples"]


def list_examples() -> list[RunSummary]:
    """Return the summaries of the runs that come with the package, by name."""
    return [summarise_run(run) for run in list_runs(get_example_runs_folder())]
