"""The marks of networks in Vega-Lite charts and legends: the same as in Plotly's."""

from __future__ import annotations

from typing import Final

RING: Final = "M-1,0A1,1,0,1,1,1,0A1,1,0,1,1,-1,0ZM-0.6,0A0.6,0.6,0,1,0,0.6,0A0.6,0.6,0,1,0,-0.6,0Z"

MARKS: Final = {
    "circle": ("circle", "●"),
    "square": ("square", "■"),
    "diamond": ("diamond", "◆"),
    "cross": ("cross", "✚"),
    "triangle-up": ("triangle-up", "▲"),
    "triangle-down": ("triangle-down", "▼"),
    "triangle-left": ("triangle-left", "◀"),
    "triangle-right": ("triangle-right", "▶"),
    "circle-open": (RING, "○"),
    "square-open": ("M-0.9,-0.9H0.9V0.9H-0.9ZM-0.5,-0.5V0.5H0.5V-0.5Z", "□"),
    "diamond-open": ("M0,-1.1L1.1,0L0,1.1L-1.1,0ZM0,-0.6L-0.6,0L0,0.6L0.6,0Z", "◇"),
    "pentagon": ("M0,-1L0.95,-0.31L0.59,0.81L-0.59,0.81L-0.95,-0.31Z", "⬟"),
    "hexagon": ("M0,-1L0.87,-0.5L0.87,0.5L0,1L-0.87,0.5L-0.87,-0.5Z", "⬢"),
    "star": (
        "M0,-1.2L0.28,-0.39L1.14,-0.37L0.45,0.15L0.71,0.97L0,0.48L-0.71,0.97L-0.45,0.15L-1.14,-0.37L-0.28,-0.39Z",
        "★",
    ),
    "bowtie": ("M-1,-0.9L1,0.9V-0.9L-1,0.9Z", "⧓"),
    "hourglass": ("M-0.9,-1L0.9,1H-0.9L0.9,-1Z", "⧗"),
    "x": (
        "M-1,-0.6L-0.6,-1L0,-0.4L0.6,-1L1,-0.6L0.4,0L1,0.6L0.6,1L0,0.4L-0.6,1L-1,0.6L-0.4,0Z",
        "✖",
    ),
    "star-triangle-up": ("M0,-1.2Q0.2,0.3,1.05,0.8Q0,0.45,-1.05,0.8Q-0.2,0.3,0,-1.2Z", "⯅"),
}
"""Plotly's name of a mark: its shape in Vega-Lite, and a character for legends."""


def get_mark(symbol: str) -> tuple[str, str]:
    """Return a mark's shape in Vega-Lite and its character; a circle for one that has none."""
    closed = symbol.removesuffix("-open")
    return MARKS.get(symbol) or MARKS.get(closed) or MARKS["circle"]
