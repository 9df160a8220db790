"""Read corrections of cells that the viewer sends.

The value ``edits`` of the viewer's component is a mapping::

    {"digest": "…",             # of the props that were shown, ViewerProps.digest
     "model": "unet-general",   # key of the model's panel
     "list": [{"kind": "add_point", "ids": [], "points": [[x, y]], "box": null}, …],
     "region": [[x, y], …],     # or null
     "edge_rule": "all"}        # a key of ViewerProps.edge_rules

The list is always the whole list. A shorter one undoes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from wbcseg.errors import EditError
from wbcseg.pipeline.edit_values import parse_edits, parse_points
from wbcseg.pipeline.edits import Edit, Point


@dataclass(frozen=True)
class CorrectionMessage:
    """What the browser sent.

    Attributes:
        digest: Digest of the props that were shown.
        model: Key of the model's panel.
        edits: All corrections, in order.
        region: Corners of the region to count in, or ``None``.
        edge_rule: How cells cut off by the image's edge are counted.
    """

    digest: str
    model: str
    edits: tuple[Edit, ...]
    region: tuple[Point, ...] | None
    edge_rule: str


def read_message(value: object) -> CorrectionMessage:
    """Read what the browser sent.

    Args:
        value: Anything.

    Raises:
        EditError: If it is not such a message.
    """
    if not isinstance(value, Mapping):
        raise EditError("Corrections must be a mapping.")
    texts = {key: value.get(key) for key in ("digest", "model", "edge_rule")}
    digest, model, edge_rule = (text if isinstance(text, str) else "" for text in texts.values())
    region = value.get("region")
    return CorrectionMessage(
        digest, model, parse_edits(value.get("list")), parse_points(region, at_least=3) if region else None, edge_rule
    )
