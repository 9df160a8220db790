"""Types of the cells of many images under one prior: cells of a sample are judged together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from wbcseg.celltypes import PriorName, TypeModel
from wbcseg.pipeline.image_result import ImageResult
from wbcseg.results import CellResult


def assign_sample_types(
    results: Sequence[ImageResult],
    type_model: TypeModel,
    prior: PriorName | None = None,
    samples: Mapping[str, str] | None = None,
) -> list[ImageResult]:
    """Return the results of images with the types of their cells under a prior.

    The network does not look at the cells again. Under the prior ``sample``, the shares of the types are estimated from
    all cells that a model found in all images of a sample. What a person said stays.

    Args:
        results: The results, of one model or several.
        type_model: The type model.
        prior: How common the types are taken to be; by default as the type model's card says.
        samples: Sample of each image by its name; by default, all images are one sample.

    Returns:
        The results, in order; those whose types do not change are the same objects.
    """
    groups: dict[tuple[str, str], list[int]] = {}
    for index, result in enumerate(results):
        groups.setdefault(((samples or {}).get(result.name, ""), result.model), []).append(index)
    typed = list(results)
    for indices in groups.values():
        cells = iter(type_model.assign([cell for index in indices for cell in results[index].cells], prior))
        for index in indices:
            own = [next(cells) for _ in results[index].cells]
            if any(map(_has_other_type, results[index].cells, own)):
                typed[index] = replace(results[index], cells=tuple(own))
    return typed


def _has_other_type(old: CellResult, new: CellResult) -> bool:
    return (old.predicted_type, old.subtype) != (new.predicted_type, new.subtype) or (
        old.type_probabilities is not new.type_probabilities and dict(old.type_probabilities) != new.type_probabilities
    )
