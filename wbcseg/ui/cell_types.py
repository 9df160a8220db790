"""Types of cells on pages: how common the types are taken to be, and the types that follow from it."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

import streamlit as st

from wbcseg.celltypes import PRIORS, PriorName, TypeModel, has_type_model, load_type_model
from wbcseg.errors import ConfigError, WbcsegError
from wbcseg.pipeline import ImageResult, assign_sample_types
from wbcseg.results import CellResult
from wbcseg.ui.glossary import GLOSSARY
from wbcseg.ui.state import BATCH_KEY, get_saved_choices
from wbcseg.ui.workbench.samples import find_samples

PRIOR_KEY: Final = "type_prior"
"""Key of the saved choice of the prior, which is the same on all pages."""

PRIOR_TITLES: Final[dict[str, str]] = {
    "adult": "Adult",
    "none": "None",
    "sample": "Sample",
}

_LAST_KEY: Final = "last_typed"


@dataclass(frozen=True, eq=False)
class _Typed:
    """What types were given to last, so that they are not computed again.

    Attributes:
        made_with: The prior and the samples.
        probabilities: The probabilities that were given to the cells of all images, in order.
    """

    made_with: object
    probabilities: tuple[object, ...]


def get_type_model() -> TypeModel | None:
    """Return the type model; ``None`` if there is none that can be used."""
    with contextlib.suppress(WbcsegError):
        return load_type_model() if has_type_model() else None
    return None


def get_types_key() -> str:
    """Return the checksum of the type model; empty without one."""
    model = get_type_model()
    return "" if model is None else model.card.files["network"].sha256


def get_prior() -> PriorName | None:
    """Return how common the types are taken to be; ``None`` without a type model."""
    model = get_type_model()
    if model is None:
        return None
    chosen = get_saved_choices().get(PRIOR_KEY)
    return next((name for name in PRIORS if name == chosen), model.card.calibration.prior)


def select_prior(key: str) -> None:
    """Ask how common the types are; nothing without a type model.

    Args:
        key: Key of the widget, which differs between pages, because the choice is the same on all of them.
    """
    prior = get_prior()
    if prior is None:
        return
    st.session_state[key] = prior
    st.selectbox(
        "Prior of types",
        list(PRIOR_TITLES),
        format_func=PRIOR_TITLES.__getitem__,
        key=key,
        on_change=_save_prior,
        args=(key,),
        width=150,
        help=GLOSSARY["Prior"],
    )


def _save_prior(key: str) -> None:
    get_saved_choices()[PRIOR_KEY] = st.session_state[key]


def assign_types(results: Sequence[ImageResult]) -> list[ImageResult]:
    """Return the results of a batch with types under the chosen prior and samples; unchanged ones are the same objects.

    Args:
        results: The results of all images, with the types of any prior.
    """
    model, prior = get_type_model(), get_prior()
    if model is None or prior is None:
        return list(results)
    samples: dict[str, str] = {}
    if prior == "sample":
        # The page says why a pattern of names cannot be used.
        with contextlib.suppress(ConfigError):
            samples = find_samples([result.name for result in results], get_saved_choices())
    made_with = (prior, samples, id(model))
    last: _Typed | None = st.session_state.get(_LAST_KEY)
    if last is not None and last.made_with == made_with and _are_same(last.probabilities, _list_probabilities(results)):
        return list(results)
    typed = assign_sample_types(results, model, prior, samples)
    st.session_state[_LAST_KEY] = _Typed(made_with, _list_probabilities(typed))
    return typed


def assign_types_in_image(cells: Sequence[CellResult], digest: str) -> tuple[CellResult, ...]:
    """Return the cells of one image with types under the chosen prior.

    Under the prior ``sample``, the cells of the other images of its sample in the batch count, too.

    Args:
        cells: The cells that a model found in the image.
        digest: Digest of the image.
    """
    model, prior = get_type_model(), get_prior()
    if model is None or prior is None:
        return tuple(cells)
    others = list(_iter_sample_mates(cells, digest)) if prior == "sample" else []
    return model.assign([*cells, *others], prior)[: len(cells)]


def _iter_sample_mates(cells: Sequence[CellResult], digest: str) -> Iterable[CellResult]:
    """Yield the cells of the other images of the sample that an image of the batch is part of."""
    current = st.session_state.get(BATCH_KEY)
    results: list[ImageResult] = current[1].get_results() if current is not None else []
    own = next((result for result in results if result.digest == digest), None)
    if own is None or not cells or own.model != cells[0].model:
        return
    samples: dict[str, str] = {}
    with contextlib.suppress(ConfigError):
        samples = find_samples([result.name for result in results], get_saved_choices())
    for result in results:
        if result is not own and samples.get(result.name) == samples.get(own.name):
            yield from result.cells


def _list_probabilities(results: Iterable[ImageResult]) -> tuple[object, ...]:
    return tuple(cell.type_probabilities for result in results for cell in result.cells)


def _are_same(first: Sequence[object], second: Sequence[object]) -> bool:
    return len(first) == len(second) and all(one is other for one, other in zip(first, second, strict=True))
