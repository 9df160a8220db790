"""Methods without a deep network by name, and how a method registers itself.

A method learns from images and masks in seconds, or from nothing at all. What it has learned is a set of arrays, from
which it makes a function that segments an image. Reading the registry imports neither SciPy nor scikit-learn.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from wbcseg.errors import ConfigError
from wbcseg.labels import Labels
from wbcseg.registry import DEFAULT_ORDER, Registry

METHODS_PACKAGE: Final = "wbcseg.models.methods"

Arrays = Mapping[str, NDArray[Any]]
"""What a method has learned: arrays of numbers by name."""

LabelledImage = tuple[NDArray[np.uint8], Labels]
"""An image ``uint8[H, W, 3]`` and its class ids ``uint8[H, W]``."""

FitMethod = Callable[[Sequence[LabelledImage], int], Arrays]
"""From training images and a random seed to what the method has learned."""

PredictImage = Callable[[NDArray[np.uint8]], NDArray[np.float32]]
"""From ``uint8[H, W, 3]`` to class probabilities ``float32[H, W, 3]``, which sum to 1."""

BuildMethod = Callable[[Arrays], PredictImage]
"""From what the method has learned to a function that segments an image."""


@dataclass(frozen=True)
class MethodSpec:
    """A method without a deep network: what its module declares.

    Attributes:
        name: Short name, that of the decorated function.
        title: Name in the literature.
        summary: What distinguishes it, for a student, in a sentence or two.
        reference: Where it was published.
        deviations: How it differs from the publication, in a sentence or two.
        color: Hex colour in charts.
        marker: Plotly symbol in charts, so that colour is never the only distinction.
        fit: Learns from images; see :data:`FitMethod`.
        build: Makes the function that segments; see :data:`BuildMethod`. It raises ``ValueError`` if the arrays are
            not what ``fit`` returns.
        learns_from_masks: Whether it needs images with masks; otherwise it adjusts to each image by itself.
        ignores_orientation: Whether turning or mirroring an image turns or mirrors the result, so that test-time
            averaging has no effect and is skipped.
        order: Position in lists.
    """

    name: str
    title: str
    summary: str
    reference: str
    deviations: str
    color: str
    marker: str
    fit: FitMethod = field(repr=False)
    build: BuildMethod = field(repr=False)
    learns_from_masks: bool = True
    ignores_orientation: bool = False
    order: int = DEFAULT_ORDER


METHODS: Final[Registry[MethodSpec]] = Registry("method", METHODS_PACKAGE)
"""Every method by its name."""


def register_method(
    *,
    title: str,
    summary: str,
    reference: str,
    deviations: str,
    color: str,
    marker: str,
    fit: FitMethod,
    learns_from_masks: bool = True,
    ignores_orientation: bool = False,
    order: int = DEFAULT_ORDER,
) -> Callable[[BuildMethod], BuildMethod]:
    """Register the decorated function as a method (:attr:`MethodSpec.build`); arguments as in :class:`MethodSpec`.

    Its module must import SciPy and scikit-learn in the bodies of functions, so that importing it stays cheap.
    """

    def decorate(build: BuildMethod) -> BuildMethod:
        METHODS.add(
            MethodSpec(
                name=build.__name__,
                title=title,
                summary=summary,
                reference=reference,
                deviations=deviations,
                color=color,
                marker=marker,
                fit=fit,
                build=build,
                learns_from_masks=learns_from_masks,
                ignores_orientation=ignores_orientation,
                order=order,
            )
        )
        return build

    return decorate


def get_method(name: str) -> MethodSpec:
    """Return a method's specification.

    Raises:
        ConfigError: If no method has that name.
    """
    try:
        return METHODS[name]
    except KeyError:
        raise ConfigError(f"Argument `method` must be one of {', '.join(METHODS)}. Received: {name!r}") from None
