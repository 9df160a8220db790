"""Parameters of the networks at the sizes of their publications."""

from __future__ import annotations

import pytest

from wbcseg.models import get_spec


@pytest.mark.parametrize(
    ("name", "base_filters", "published", "tolerance"),
    [
        ("segnet_unpooling", 64, 29.5e6, 0.01),
        ("deconvnet_unpooling", 64, 252e6, 0.01),
        ("fcn8s", 64, 134e6, 0.01),
        # The transposed convolution from the smallest maps has a kernel of 3×3 instead of 2×2.
        ("unetplusplus", 32, 9.04e6, 0.08),
        # The layers that the paper describes have 1.4 million; it says 1.5.
        ("fcdensenet56", 12, 1.5e6, 0.08),
        ("fcdensenet67", 16, 3.5e6, 0.01),
        # The two narrowest bottlenecks are wider inside, and convolutions have biases.
        ("enet", 16, 0.37e6, 0.04),
    ],
)
def test_parameters_are_those_of_the_paper(name: str, base_filters: int, published: float, tolerance: float) -> None:
    assert get_spec(name).count_parameters(base_filters) == pytest.approx(published, rel=tolerance)


@pytest.mark.parametrize("parameters", [1_500_000, 3_000_000])
def test_base_filters_for_a_number_of_parameters_are_the_closest(parameters: int) -> None:
    spec = get_spec("unet")
    count = spec.find_base_filters(parameters)
    distance = abs(spec.count_parameters(count) - parameters)
    assert all(abs(spec.count_parameters(other) - parameters) >= distance for other in (count - 1, count + 1))
