"""How an entry of a comparison looks in every chart: one colour and one mark for each network and each method.

A registered network brings its look along (:class:`wbcseg.models.registry.ArchitectureSpec`). What is not a network,
such as a random forest, registers one here with :func:`register_look`. Anything else gets a look that follows from its
name, the same on every page.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final
from zlib import crc32

from wbcseg.errors import ConfigError
from wbcseg.models.registry import ARCHITECTURES


@dataclass(frozen=True)
class Look:
    """Title, colour and mark of an entry.

    Attributes:
        title: Its name in tables and charts.
        color: Hex colour, with a contrast of at least 2.8:1 on the light and the dark page.
        marker: Plotly symbol, so that colour is never the only distinction.
    """

    title: str
    color: str
    marker: str


OPEN_SUFFIX: Final = "-open"
"""Ends Plotly's names of marks that are drawn as outlines."""

RESERVED_LOOKS: Final = (
    ("#2d6996", "cross"),
    ("#964b0f", "x"),
    ("#3c96b4", "hourglass"),
    ("#783ce1", "star-triangle-up"),
)
"""Colours and marks that no network of the package has, for methods that are not networks."""

NEUTRAL_COLOR: Final = "#7f7b92"
"""Colour of further entries of a network where every other colour is taken."""

_LOOKS: Final[dict[str, Look]] = {
    name: Look(title, *look)
    for (name, title), look in zip(
        (
            ("random_forest", "Random forest"),
            ("linear_svm", "Linear SVM"),
            ("self_supervised_svm", "Zheng's method"),
            ("random_forest_crf", "Random forest with CRF"),
        ),
        RESERVED_LOOKS,
        strict=True,
    )
}


def register_look(name: str, title: str, color: str, marker: str) -> None:
    """Give something that is not a network a look.

    Args:
        name: What results call it (``architecture``).
        title: Its name in tables and charts.
        color: Hex colour; :data:`RESERVED_LOOKS` has some that stay apart from those of the networks.
        marker: Plotly symbol.

    Raises:
        ConfigError: If a network has that name.
    """
    if name in ARCHITECTURES:
        raise ConfigError(f"Network {name} has a look already.")
    _LOOKS[name] = Look(title, color, marker)


def get_look(name: str) -> Look:
    """Return the look of a network, a registered method, or anything else that a result names.

    Args:
        name: What the result calls it (``architecture``).
    """
    spec = ARCHITECTURES.get(name)
    if spec is not None:
        return Look(spec.title, spec.color, spec.marker)
    if name in _LOOKS:
        return _LOOKS[name]
    color, marker = RESERVED_LOOKS[crc32(name.encode()) % len(RESERVED_LOOKS)]
    return Look(name.replace("_", " ").capitalize(), color, marker)


def assign_looks(names: Sequence[str]) -> list[Look]:
    """Return the looks of several entries of one chart, of which some may be of the same network.

    The first entry of a network has the network's look. Further ones have its mark, as an outline for every second one,
    and colours that no network in the chart has; where none is left, grey.

    Args:
        names: What the entries' results call their network or method, in an order that stays.
    """
    own = {name: get_look(name) for name in names}
    taken = {look.color for look in own.values()}
    palette = [spec.color for spec in ARCHITECTURES.values()] + [color for color, _ in RESERVED_LOOKS]
    free = [color for color in dict.fromkeys(palette) if color not in taken] or [NEUTRAL_COLOR]
    counts: dict[str, int] = {}
    looks, further = [], 0
    for name in names:
        look, count = own[name], counts.get(name, 0)
        counts[name] = count + 1
        if count:
            marker = look.marker if count % 2 == 0 or look.marker.endswith(OPEN_SUFFIX) else look.marker + OPEN_SUFFIX
            look = replace(look, color=free[further % len(free)], marker=marker)
            further += 1
        looks.append(look)
    return looks
