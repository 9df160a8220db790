"""Check a whole data set before training."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace

from wbcseg.datasets.base import Dataset
from wbcseg.errors import DatasetError, ErrorCode, ManifestError, Problem, WbcsegError

_MAX_LISTED = 20


def find_problems(dataset: Dataset, *, progress: Callable[[int, int], None] | None = None) -> list[Problem]:
    """Read every sample and return all problems.

    Args:
        dataset: Any data set.
        progress: Called after each sample with done, total.

    Returns:
        The files that were skipped when the data set was opened, then samples that cannot be read or have no mask.
    """
    problems = list(dataset.problems)
    for done, info in enumerate(dataset.sample_infos, 1):
        try:
            if info.read().mask is None:
                problems.append(
                    Problem(
                        f"{info.id}: the image has no mask.",
                        info.id,
                        "The image has no mask.",
                        ErrorCode.IMAGE_WITHOUT_MASK,
                    )
                )
        except WbcsegError as error:
            problems.append(replace(error.to_problem(), message=f"{info.id}: {error.message}"))
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
        problems.append(Problem("It has no samples.", reason="It has no samples.", code=ErrorCode.NO_IMAGES))
    if problems:
        raise DatasetError(
            f"Data set {dataset.name} cannot be used for training until these problems are fixed:\n"
            f"{_format_problems(problems)}",
            code=problems[0].code,
        )


def check_manifest(name: str, recorded: Mapping[str, str], current: Mapping[str, str]) -> None:
    """Check that samples have not changed since a split was recorded.

    Args:
        name: Name of the data set.
        recorded: SHA-256 of every sample's content then, by id, from :meth:`Dataset.compute_manifest`.
        current: The same now; samples that were not recorded are ignored.

    Raises:
        ManifestError: If a recorded sample is missing or has other content; all are listed.
    """
    problems = []
    for sample_id, digest in recorded.items():
        if sample_id not in current:
            problems.append(f"{sample_id} is missing.")
        elif current[sample_id] != digest:
            problems.append(f"{sample_id} has another image or mask.")
    if problems:
        raise ManifestError(
            f"Data set {name} has changed since it was recorded. Restore the original files, or start over with a new "
            f"split:\n{_format_problems(problems)}"
        )


def _format_problems(problems: Iterable[object]) -> str:
    lines = [f"- {problem}" for problem in problems]
    if len(lines) > _MAX_LISTED:
        lines[_MAX_LISTED:] = [f"- and {len(lines) - _MAX_LISTED} more."]
    return "\n".join(lines)
