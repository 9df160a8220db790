"""The networks by name, and how a network registers itself.

Reading the registry does not import TensorFlow; :func:`build_model` does.
"""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeVar

from wbcseg.errors import ConfigError
from wbcseg.models.structure import NetworkStructure, load_structure
from wbcseg.registry import DEFAULT_ORDER, Registry

if TYPE_CHECKING:
    import keras

Builder = Callable[..., "keras.Model"]
BuilderT = TypeVar("BuilderT", bound=Builder)

NETWORKS_PACKAGE: Final = "wbcseg.models.networks"

POOL_SIZES: Final = (2, 2, 2, 3)
"""Factors by which the encoder stages of the thesis' networks reduce the feature maps."""

SIZE_MULTIPLE: Final = math.prod(POOL_SIZES)
"""Input sizes are multiples of this unless a network declares another."""

BASE_FILTERS_RANGE: Final = (4, 128)
"""Smallest and largest number of base filters (filters of the first stage)."""

COMPARED_PARAMETERS: Final = 1_500_000
"""Number of parameters, about, at which the networks are compared with each other."""


@dataclass(frozen=True)
class ArchitectureSpec:
    """A network that can be built: what its module declares, and what follows from its structure.

    Attributes:
        name: Short name, that of the builder function.
        title: Name in the literature.
        summary: What distinguishes it, for a student, in a sentence or two.
        reference: Where it was published.
        has_skips: Whether its decoder also receives the encoder's feature maps.
        color: Hex colour in charts.
        marker: Plotly symbol in charts, so that colour is never the only distinction.
        builder: Builds it, see :func:`build_model`.
        deviations: How it differs from the publication, in a sentence or two; empty if it does not.
        auxiliary_layers: Names of layers with maps of the image's size that deep supervision also trains to segment.
        uses_int8: Whether it is exported in 8-bit integers; otherwise in float16.
        has_readable_export: Whether feature maps can be read from its exported file, in which its stages then follow
            one another.
        size_multiple: Height and width of its input are multiples of this.
        thesis_parameters: Parameters at the thesis' 64 base filters, as its notebooks printed them; ``None`` if the
            thesis does not have it.
        order: Position in lists.
    """

    name: str
    title: str
    summary: str
    reference: str
    has_skips: bool
    color: str
    marker: str
    builder: Builder = field(repr=False)
    deviations: str = ""
    auxiliary_layers: tuple[str, ...] = ()
    uses_int8: bool = True
    has_readable_export: bool = False
    size_multiple: int = SIZE_MULTIPLE
    thesis_parameters: int | None = None
    order: int = DEFAULT_ORDER

    @property
    def structure(self) -> NetworkStructure:
        """Its layers, computed from the built model."""
        return load_structure(self.name, self._find_source_file())

    @property
    def is_in_package(self) -> bool:
        """Whether it is a module of :mod:`wbcseg.models.networks`, so that its structure is stored in the package."""
        return self.builder.__module__.startswith(f"{NETWORKS_PACKAGE}.")

    def count_parameters(self, base_filters: int) -> int:
        """Return the number of parameters, trainable or not."""
        return self.structure.count_parameters(base_filters)

    def find_base_filters(self, parameters: int) -> int:
        """Return the number of base filters that comes closest to a number of parameters."""
        smallest, largest = BASE_FILTERS_RANGE
        return min(range(smallest, largest + 1), key=lambda count: abs(self.count_parameters(count) - parameters))

    def count_multiply_adds(self, base_filters: int, input_size: int) -> int:
        """Return the multiply-adds for one image.

        Args:
            base_filters: Filters of the first stage.
            input_size: Side of the image in pixels, a multiple of :attr:`size_multiple`.
        """
        return self.structure.count_multiply_adds(base_filters, input_size)

    def count_activations(self, base_filters: int, input_size: int) -> int:
        """Return the number of values in all layers' outputs for one image; arguments as for multiply-adds."""
        return self.structure.count_activations(base_filters, input_size)

    def _find_source_file(self) -> Path:
        file = inspect.getsourcefile(inspect.unwrap(self.builder))
        if file is None:
            raise ConfigError(f"Network {self.name} must be defined in a Python file.")
        return Path(file)


ARCHITECTURES: Final[Registry[ArchitectureSpec]] = Registry("network", NETWORKS_PACKAGE)
"""Every network by its name."""


def register(
    *,
    title: str,
    summary: str,
    reference: str,
    has_skips: bool,
    color: str,
    marker: str,
    deviations: str = "",
    auxiliary_layers: tuple[str, ...] = (),
    uses_int8: bool = True,
    has_readable_export: bool = False,
    size_multiple: int = SIZE_MULTIPLE,
    thesis_parameters: int | None = None,
    order: int = DEFAULT_ORDER,
) -> Callable[[BuilderT], BuilderT]:
    """Register the decorated builder as a network; arguments as in :class:`ArchitectureSpec`.

    The builder takes the keywords ``base_filters``, ``dropout`` and ``bn_momentum`` and returns a ``keras.Model``. It
    must import Keras in its body, so that importing its module stays cheap. Channels of every layer are a whole
    multiple of ``base_filters``, plus a constant.
    """

    def decorate(builder: BuilderT) -> BuilderT:
        ARCHITECTURES.add(
            ArchitectureSpec(
                name=builder.__name__,
                title=title,
                summary=summary,
                reference=reference,
                has_skips=has_skips,
                color=color,
                marker=marker,
                builder=builder,
                deviations=deviations,
                auxiliary_layers=auxiliary_layers,
                uses_int8=uses_int8,
                has_readable_export=has_readable_export,
                size_multiple=size_multiple,
                thesis_parameters=thesis_parameters,
                order=order,
            )
        )
        return builder

    return decorate


def get_spec(name: str) -> ArchitectureSpec:
    """Return a network's specification.

    Raises:
        ConfigError: If no network has that name.
    """
    try:
        return ARCHITECTURES[name]
    except KeyError:
        raise ConfigError(
            f"Argument `architecture` must be one of {', '.join(ARCHITECTURES)}. Received: {name!r}"
        ) from None


def build_model(name: str, *, base_filters: int = 64, dropout: float = 0.0, bn_momentum: float = 0.99) -> keras.Model:
    """Build a network with fresh weights. Imports TensorFlow.

    Args:
        name: A name in :data:`ARCHITECTURES`.
        base_filters: Filters of the first stage; every other stage is a multiple of it. The thesis has 64.
        dropout: Fraction of the last feature maps that training silences, from 0 up to but not including 1.
        bn_momentum: Weight of the old value in batch normalisation's running averages.

    Returns:
        A model from ``float32[N, H, W, 3]`` in 0 to 1 (H and W multiples of the network's ``size_multiple``) to class
        probabilities ``float32[N, H, W, 3]``.

    Raises:
        ConfigError: If an argument is unknown or out of range.
    """
    spec = get_spec(name)
    smallest, largest = BASE_FILTERS_RANGE
    if not isinstance(base_filters, int) or not smallest <= base_filters <= largest:
        raise ConfigError(
            f"Argument `base_filters` must be a whole number from {smallest} to {largest}. Received: {base_filters!r}"
        )
    if not 0 <= dropout < 1:
        raise ConfigError(f"Argument `dropout` must be at least 0 and less than 1. Received: {dropout!r}")
    if not 0 < bn_momentum < 1:
        raise ConfigError(f"Argument `bn_momentum` must lie between 0 and 1. Received: {bn_momentum!r}")
    return spec.builder(base_filters=base_filters, dropout=dropout, bn_momentum=bn_momentum)
