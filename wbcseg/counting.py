"""Count cells, with a rule for those that the edge of the image cuts."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from wbcseg.errors import ConfigError
from wbcseg.results import CellResult, ImageEdges

EDGE_NAMES: Final = ("top", "bottom", "left", "right")
"""Names of the image edges, in the order of :data:`wbcseg.results.ImageEdges`."""


@dataclass(frozen=True)
class EdgeRule:
    """Which of the cells that the image edge cuts count.

    Attributes:
        name: Name in options and files.
        label: Name for people.
        phrase: What follows a count, such as “30 by the two-edge rule”; empty if all cells count.
        description: What it counts, in a sentence.
        excluded_edges: A cell that one of these edges cuts does not count: top, bottom, left, right.
    """

    name: str
    label: str
    phrase: str
    description: str
    excluded_edges: ImageEdges


EDGE_RULES: Final[dict[str, EdgeRule]] = {
    rule.name: rule
    for rule in (
        EdgeRule("all", "All cells", "", "Every cell counts, also those cut by the image edge.", (False,) * 4),
        EdgeRule(
            "two_edges",
            "Two-edge rule",
            "by the two-edge rule",
            "Cells cut by the top or left edge count; cells cut by the bottom or right edge do not.",
            (False, True, False, True),
        ),
        EdgeRule(
            "complete",
            "Complete cells only",
            "not cut by the edge",
            "Cells cut by any edge of the image do not count.",
            (True,) * 4,
        ),
    )
}
"""The edge rules by name."""

DEFAULT_EDGE_RULE: Final = "all"

EDGE_RULE_LABEL: Final = "Cells at the edge"
"""What the setting is called on pages and in reports."""

EDGE_RULE_DESCRIPTION: Final = (
    "Which of the cells cut by the image edge count. "
    + " ".join(f"{rule.label}: {rule.description}" for rule in EDGE_RULES.values())
    + " Laboratories use the two-edge rule because it counts a cell on the border of two neighbouring fields once: "
    "counting all cut cells makes a count per area too high, and leaving all of them out makes it too low. Cells that "
    "do not count stay in the table and in the exports."
)
"""Help for the setting, and its glossary entry."""


@dataclass(frozen=True)
class CellCounts:
    """How many cells there are, and how many of them count.

    Attributes:
        detected: All cells.
        cut_by_edge: Those that the image edge cuts.
        counted: Those that count by the edge rule.
    """

    detected: int
    cut_by_edge: int
    counted: int


def get_edge_rule(name: str) -> EdgeRule:
    """Return an edge rule.

    Args:
        name: A key of :data:`EDGE_RULES`.

    Raises:
        ConfigError: If there is no such rule.
    """
    if name not in EDGE_RULES:
        raise ConfigError(f"An edge rule must be one of {', '.join(EDGE_RULES)}. Received: {name!r}")
    return EDGE_RULES[name]


def is_counted(cell: CellResult, edge_rule: str = DEFAULT_EDGE_RULE) -> bool:
    """Return whether a cell counts. A crop in which no cell was found does not.

    Args:
        cell: The cell.
        edge_rule: A key of :data:`EDGE_RULES`.

    Raises:
        ConfigError: If there is no such rule.
    """
    excluded_edges = get_edge_rule(edge_rule).excluded_edges
    is_excluded = any(is_cut and excludes for is_cut, excludes in zip(cell.cut_edges, excluded_edges, strict=True))
    return cell.features is not None and not is_excluded


def count_cells(cells: Iterable[CellResult], edge_rule: str = DEFAULT_EDGE_RULE) -> CellCounts:
    """Count cells.

    A cell in a corner of the image is cut by two edges, and one excluded edge is enough to leave it out.

    Args:
        cells: The cells of one or more images, by one model.
        edge_rule: A key of :data:`EDGE_RULES`.

    Raises:
        ConfigError: If there is no such rule.
    """
    get_edge_rule(edge_rule)
    detected = [cell for cell in cells if cell.features is not None]
    return CellCounts(
        len(detected),
        sum(any(cell.cut_edges) for cell in detected),
        sum(is_counted(cell, edge_rule) for cell in detected),
    )


def list_cut_edges(cell: CellResult) -> tuple[str, ...]:
    """Return the names of the image edges that cut a cell, such as ``("top", "left")``."""
    return tuple(name for name, is_cut in zip(EDGE_NAMES, cell.cut_edges, strict=True) if is_cut)
