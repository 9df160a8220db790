"""Check a whole data set before training."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace

import numpy as np

from wbcseg.datasets.base import Dataset
from wbcseg.datasets.sample import Sample
from wbcseg.errors import DatasetError, ErrorCode, ManifestError, Problem, WbcsegError
from wbcseg.io import MaskCorrection, check_mask
from wbcseg.labels import CYTOPLASM, NUCLEUS

_MAX_LISTED = 20


def find_problems(
    dataset: Dataset,
    *,
    progress: Callable[[int, int], None] | None = None,
    correction: MaskCorrection | None = None,
) -> list[Problem]:
    """Read every sample and return all problems.

    Args:
        dataset: Any data set.
        progress: Called after each sample with done, total.
        correction: How the masks were corrected when the data set was opened. With ``as_is``, masks that seem to mean
            something else are no problems; with ``as_is`` and ``instances``, a class may be missing.

    Returns:
        The files that were skipped when the data set was opened, then samples that cannot be read, have no mask or one
        whose classes seem to be wrong, then classes that no mask has.
    """
    problems = list(dataset.problems)
    used_classes: set[int] = set()
    has_unread = False
    for done, info in enumerate(dataset.sample_infos, 1):
        try:
            sample = info.read()
        except WbcsegError as error:
            has_unread = True
            problems.append(replace(error.to_problem(), message=f"{info.id}: {error.message}"))
        else:
            problems += _find_mask_problems(sample, used_classes, correction != "as_is")
        if progress is not None:
            progress(done, len(dataset))
    missing = [pixel_class.name for pixel_class in (CYTOPLASM, NUCLEUS) if pixel_class.id not in used_classes]
    if missing and correction not in ("as_is", "instances") and len(dataset) and not has_unread:
        reason = f"No mask has {' or '.join(missing)}, so a network cannot learn to find it."
        code = ErrorCode.MASK_EMPTY if len(missing) == 2 else ErrorCode.MASK_ONE_CLASS
        problems.append(Problem(reason, reason=reason, code=code, hint="Use masks with cytoplasm and nucleus."))
    return problems


def _find_mask_problems(sample: Sample, used_classes: set[int], check_masks: bool) -> list[Problem]:
    """Return what is wrong with the mask of a sample; add its classes to those that were seen."""
    if sample.mask is None:
        reason = "The image has no mask."
        return [Problem(f"{sample.id}: the image has no mask.", sample.id, reason, ErrorCode.IMAGE_WITHOUT_MASK)]
    used_classes.update(np.unique(sample.mask).tolist())
    issue = check_mask(sample.mask, sample.image) if check_masks else None
    if issue is None or not issue.is_wrong:
        return []
    hint = f"{issue.hint} To train anyway, say what the masks mean (setting mask_correction)."
    return [Problem(f"{sample.id}: {issue.reason}", sample.id, issue.reason, issue.code, hint)]


def list_mask_warnings(dataset: Dataset) -> list[str]:
    """Return sentences on masks that can be trained on but lack a class, or a cell, which most others have."""
    counts: Counter[ErrorCode] = Counter()
    for info in dataset.sample_infos:
        sample = info.read()
        issue = check_mask(sample.mask, sample.image) if sample.mask is not None else None
        if issue is not None and not issue.is_wrong:
            counts[issue.code] += 1
    descriptions = {
        ErrorCode.MASK_EMPTY: "have no cell, or no background",
        ErrorCode.MASK_ONE_CLASS: "have cytoplasm or nucleus, not both",
    }
    return [f"{count} of {len(dataset)} masks {descriptions[code]}." for code, count in counts.items()]


def check_dataset(
    dataset: Dataset,
    *,
    progress: Callable[[int, int], None] | None = None,
    correction: MaskCorrection | None = None,
) -> None:
    """Check that a data set can be used for training.

    Args:
        dataset: Any data set.
        progress: Called after each sample with done, total.
        correction: As in :func:`find_problems`.

    Raises:
        DatasetError: If it is empty or anything is wrong with it; all problems are listed.
    """
    problems = find_problems(dataset, progress=progress, correction=correction)
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
