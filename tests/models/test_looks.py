"""Colours and marks of the networks: each has its own, apart also for people who see fewer colours."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from numpy.typing import NDArray

from wbcseg.models import ARCHITECTURES
from wbcseg.models.looks import assign_looks, get_look
from wbcseg.models.method_registry import METHODS

MIN_DISTANCE = 15.0
MIN_CONTRAST = 2.8
LOOKS = {name: get_look(name) for name in (*ARCHITECTURES, *METHODS)}

# Machado, Oliveira and Fernandes (2009), severity 1, on linear RGB.
VISION = {
    "all colours": np.eye(3),
    "protanopia": np.array(
        [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]]
    ),
    "deuteranopia": np.array(
        [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]]
    ),
}
TO_XYZ = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])
WHITE = np.array([0.9505, 1.0, 1.089])


def to_linear(color: str) -> NDArray[np.float64]:
    values = np.array([int(color[i : i + 2], 16) for i in (1, 3, 5)]) / 255
    return np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)


def to_lab(linear: NDArray[np.float64]) -> NDArray[np.float64]:
    xyz = TO_XYZ @ linear / WHITE
    x, y, z = np.where(xyz > 0.008856, np.cbrt(xyz), 7.787 * xyz + 16 / 116)
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


def test_each_network_has_its_own_title_colour_and_mark() -> None:
    for attribute in ("title", "color", "marker"):
        values = [getattr(look, attribute) for look in LOOKS.values()]
        assert len(set(values)) == len(values), attribute


@pytest.mark.parametrize("vision", VISION)
def test_colours_are_apart(vision: str) -> None:
    seen = {name: to_lab(np.clip(VISION[vision] @ to_linear(look.color), 0, 1)) for name, look in LOOKS.items()}
    distances = {(a, b): float(np.linalg.norm(seen[a] - seen[b])) for a, b in itertools.combinations(seen, 2)}
    closest = min(distances, key=distances.__getitem__)
    assert distances[closest] >= MIN_DISTANCE, (closest, distances[closest])


@pytest.mark.parametrize("page", ["#ffffff", "#15141c"])
def test_colours_are_seen_on_a_light_and_a_dark_page(page: str) -> None:
    for name, look in LOOKS.items():
        darker, lighter = sorted(float(TO_XYZ[1] @ to_linear(value)) for value in (look.color, page))
        assert (lighter + 0.05) / (darker + 0.05) >= MIN_CONTRAST, name


def test_what_is_not_registered_has_a_look_that_stays() -> None:
    other = get_look("a_method_of_a_test")
    assert other == get_look("a_method_of_a_test")
    assert other.title == "A method of a test"
    assert other.marker not in {look.marker for look in LOOKS.values()}
    # The beginning of a name is not the name.
    assert get_look("unetplusplus").color != get_look("unet").color


def test_each_network_says_its_source_and_how_it_differs() -> None:
    for spec in ARCHITECTURES.values():
        assert any(word in spec.reference for word in ("doi", "arXiv")), spec.name
        assert spec.deviations, spec.name


def test_entries_of_one_network_share_its_mark_and_differ_in_colour() -> None:
    names = ["unet", "segnet", "unet", "unet", "unetplusplus"]
    looks = assign_looks(names)
    assert looks[0] == get_look("unet")
    assert looks[1] == get_look("segnet")
    assert looks[4] == get_look("unetplusplus")
    assert len({look.color for look in looks}) == len(looks)
    assert looks[2].marker == "circle-open"
    assert looks[3].marker == "circle"
