"""Checks of a whole data set before a training."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from wbcseg.datasets.base import Dataset
from wbcseg.errors import DatasetError, ManifestError, WbcsegError

_MAX_LISTED = 20


def find_problems(dataset: Dataset, *, progress: Callable[[int, int], None] | None = None) -> list[str]:
    """Read every sample and return what is wrong, each sentence with its file.

    Args:
        dataset: Any data set.
        progress: Called after each sample with done, total.

    Returns:
        The data set's own list of files that were left out, then samples that cannot be read or have no mask.
    """
    problems = list(dataset.problems)
    for done, info in enumerate(dataset.sample_infos, 1):
        try:
            if info.read().mask is None:
                problems.append(f"{info.id}: the image has no mask.")
        except WbcsegError as error:
            problems.append(f"{info.id}: {error}")
        if progress is not None:
            progress(done, len(dataset))
    return problems


def check_dataset(dataset: Dataset, *, progress: Callable[[int, int], None] | None = None) -> None:
    """Check that a data set can be used for training.

    Args:
        dataset: Any data set.
        progress: Called after each sample with done, total.

    Raises:
        DatasetError: If it is empty or anything is wrong with it; all problems are listed.
    """
    problems = find_problems(dataset, progress=progress)
    if not len(dataset):
        problems.append("It has no samples.")
    if problems:
        raise DatasetError(
            f"Data set {dataset.name} cannot be trained on before this is put right:\n{_format_problems(problems)}"
        )


def check_manifest(name: str, recorded: Mapping[str, str], current: Mapping[str, str]) -> None:
    """Check that samples have not changed since a split or a model was made.

    Args:
        name: Name of the data set.
        recorded: SHA-256 of every sample's content then, by id, from :meth:`Dataset.compute_manifest`.
        current: The same now; samples that were not recorded are ignored.

    Raises:
        ManifestError: If a recorded sample is gone or shows something else; all are listed.
    """
    problems = []
    for sample_id, digest in recorded.items():
        if sample_id not in current:
            problems.append(f"{sample_id} is missing.")
        elif current[sample_id] != digest:
            problems.append(f"{sample_id} has another image or mask.")
    if problems:
        raise ManifestError(
            f"Data set {name} has changed since it was recorded:\n{_format_problems(problems)}\n"
            "Put the original files back, or start anew with a new split."
        )


def _format_problems(problems: list[str]) -> str:
    lines = [f"- {problem}" for problem in problems[:_MAX_LISTED]]
    if len(problems) > _MAX_LISTED:
        lines.append(f"- and {len(problems) - _MAX_LISTED} more.")
    return "\n".join(lines)
