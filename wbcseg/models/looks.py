"""How an entry of a comparison looks in every chart: one colour and one mark for each network and each method.

Networks and methods declare title, colour and mark when they register. Anything else that a result names gets those
that follow from its name, the same on every page.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final
from zlib import crc32

from wbcseg.models.method_registry import METHODS
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

NEUTRAL_COLOR: Final = "#7f7b92"
"""Colour of what is not registered, and of further entries of a network where every other colour is taken."""

SPARE_MARKERS: Final = ("triangle-up", "hexagram", "diamond-tall", "y-up-open")
"""Marks that no network or method of the package has."""


def is_registered(name: str) -> bool:
    """Return whether a name is that of a network or method."""
    return name in ARCHITECTURES or name in METHODS


def get_look(name: str) -> Look:
    """Return the look of a network, a method, or anything else that a result names.

    Args:
        name: What the result calls it (``architecture``).
    """
    spec = ARCHITECTURES.get(name) or METHODS.get(name)
    if spec is not None:
        return Look(spec.title, spec.color, spec.marker)
    marker = SPARE_MARKERS[crc32(name.encode()) % len(SPARE_MARKERS)]
    return Look(name.replace("_", " ").capitalize(), NEUTRAL_COLOR, marker)


def assign_looks(names: Sequence[str]) -> list[Look]:
    """Return the looks of several entries of one chart, of which some may be of the same network.

    The first entry of a network has the network's look. Further ones have its mark, as an outline for every second one,
    and colours that no network in the chart has; where none is left, grey.

    Args:
        names: What the entries' results call their network or method, in an order that stays.
    """
    own = {name: get_look(name) for name in names}
    taken = {look.color for look in own.values()}
    palette = [spec.color for registry in (ARCHITECTURES, METHODS) for spec in registry.values()]
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
