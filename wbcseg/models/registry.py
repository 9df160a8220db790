"""The networks, registered by name.

Importing this package does not import TensorFlow: names and descriptions are for everyone, :func:`build_model` is for
training processes only.
"""

from __future__ import annotations

import importlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from wbcseg.errors import ConfigError

if TYPE_CHECKING:
    import keras

SIZE_MULTIPLE: Final = 24
"""Height and width that a network takes are multiples of this: it halves them three times and then takes a third."""

BASE_FILTERS_RANGE: Final = (4, 128)
"""Least and greatest width (filters of the first stage)."""


@dataclass(frozen=True)
class ArchitectureSpec:
    """What is known of a network without building it.

    Attributes:
        name: Short name; the module of the same name in this package has its builder.
        title: The name in the literature.
        summary: What is particular to it, for a student, in a sentence or two.
        reference: Where it was published.
        has_skips: Whether its last stages see the first ones' feature maps.
        thesis_parameters: Parameters at the thesis' width of 64, as its notebooks printed them.
        parameter_coefficients: Parameters as a polynomial in the width: the factors of its square, of itself, and a constant.
        multiply_add_coefficients: Likewise, the multiplications followed by an addition for a square of 24×24 pixels.
        activation_coefficients: Likewise, the numbers in the outputs of all layers for a square of 24×24 pixels.
    """

    name: str
    title: str
    summary: str
    reference: str
    has_skips: bool
    thesis_parameters: int
    parameter_coefficients: tuple[int, int, int] = field(repr=False)
    multiply_add_coefficients: tuple[int, int, int] = field(repr=False)
    activation_coefficients: tuple[int, int, int] = field(repr=False)

    def count_parameters(self, base_filters: int) -> int:
        """Return how many numbers the network holds at a width, without building it."""
        return _evaluate_polynomial(self.parameter_coefficients, base_filters)

    def count_multiply_adds(self, base_filters: int, input_size: int) -> int:
        """Return the multiplications followed by an addition for one picture.

        Args:
            base_filters: Filters of the first stage.
            input_size: Side of the picture in pixels, a multiple of 24.
        """
        return _evaluate_polynomial(self.multiply_add_coefficients, base_filters) * (input_size // SIZE_MULTIPLE) ** 2

    def count_activations(self, base_filters: int, input_size: int) -> int:
        """Return how many numbers all layers together put out for one picture; arguments as for multiply-adds."""
        return _evaluate_polynomial(self.activation_coefficients, base_filters) * (input_size // SIZE_MULTIPLE) ** 2


def _evaluate_polynomial(coefficients: tuple[int, int, int], base_filters: int) -> int:
    quadratic, linear, constant = coefficients
    return quadratic * base_filters**2 + linear * base_filters + constant


ARCHITECTURES: Final[dict[str, ArchitectureSpec]] = {
    spec.name: spec
    for spec in (
        ArchitectureSpec(
            "unet",
            "U-Net",
            "An encoder and a decoder of the same depth; every decoder stage also sees the encoder's feature maps of "
            "its own resolution, which keeps edges sharp.",
            "Ronneberger, Fischer and Brox (2015), doi 10.1007/978-3-319-24574-4_28",
            True,
            26_242_627,
            (6_399, 505, 3),
            (73_664, 17_280, 0),
            (0, 16_556, 3_456),
        ),
        ArchitectureSpec(
            "segnet",
            "SegNet-Basic",
            "Four stages of one wide (7×7) convolution each, mirrored in the decoder; nothing but the smallest feature "
            "maps passes from the one to the other.",
            "Badrinarayanan, Kendall and Cipolla (2017), doi 10.1109/TPAMI.2016.2644615",
            False,
            29_723_395,
            (7_252, 300, 3),
            (239_904, 86_400, 0),
            (0, 5_660, 3_456),
        ),
        ArchitectureSpec(
            "deconvnet",
            "DeconvNet",
            "The thirteen convolutions of VGG-16, two dense layers over the smallest feature maps, and the mirror "
            "image of it all: the deepest and slowest of the three.",
            "Noh, Hong and Han (2015), doi 10.1109/ICCV.2015.178",
            False,
            67_218_563,
            (16_398, 818, 3),
            (434_880, 17_280, 0),
            (0, 38_800, 3_456),
        ),
    )
}


def get_spec(name: str) -> ArchitectureSpec:
    """Return what is known of a network.

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
        dropout: Share of the last layer's outputs that training silences, from 0 up to but not including 1.
        bn_momentum: Share of the old value in the running averages of batch normalisation.

    Returns:
        A model from ``float32[N, H, W, 3]`` in 0 to 1 (H and W multiples of 24) to class probabilities
        ``float32[N, H, W, 3]``.

    Raises:
        ConfigError: If an argument is unknown or out of range.
    """
    get_spec(name)
    if not isinstance(base_filters, int) or not BASE_FILTERS_RANGE[0] <= base_filters <= BASE_FILTERS_RANGE[1]:
        raise ConfigError(
            f"Argument `width` must be a whole number from {BASE_FILTERS_RANGE[0]} to {BASE_FILTERS_RANGE[1]}. Received: {base_filters!r}"
        )
    if not 0 <= dropout < 1:
        raise ConfigError(f"Argument `dropout` must be at least 0 and less than 1. Received: {dropout!r}")
    if not 0 < bn_momentum < 1:
        raise ConfigError(f"Argument `bn_momentum` must lie between 0 and 1. Received: {bn_momentum!r}")
    module = importlib.import_module(f"wbcseg.models.{name}")
    model: keras.Model = getattr(module, name)(base_filters=base_filters, dropout=dropout, bn_momentum=bn_momentum)
    return model
