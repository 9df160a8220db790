"""The data that a page gives to the viewer with an image; the JavaScript reads it by these names."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal

PanelKind = Literal["image", "mask", "model", "agreement", "errors", "uncertainty"]


@dataclass(frozen=True)
class ClassProps:
    """A class of pixels.

    Attributes:
        id: Its number in label maps.
        title: Its name.
    """

    id: int
    title: str


@dataclass(frozen=True)
class PaletteProps:
    """A palette.

    Attributes:
        key: Its name.
        title: Its name for people.
        colours: A colour for each class, as ``#rrggbb``.
    """

    key: str
    title: str
    colours: tuple[str, ...]


@dataclass(frozen=True)
class PanelBadge:
    """A remark on a panel's scores.

    Attributes:
        text: A few words.
        help: The explanation, for a tooltip.
        caption: The remark in a saved figure.
    """

    text: str
    help: str
    caption: str


@dataclass(frozen=True)
class PanelProps:
    """A panel that can be shown.

    Attributes:
        key: Identifies it, also in links.
        kind: What it shows.
        title: Its caption.
        alt: Its text for screen readers.
        part: Part of the payload that holds its map, or ``None``.
        help: A tooltip for the caption.
        badge: A remark on its scores, or ``None``.
    """

    key: str
    kind: PanelKind
    title: str
    alt: str
    part: str | None = None
    help: str = ""
    badge: PanelBadge | None = None


@dataclass(frozen=True)
class StripItem:
    """An image in the strip.

    Attributes:
        id: Its sample id.
        title: Its caption.
    """

    id: str
    title: str


@dataclass(frozen=True)
class ViewerProps:
    """What the viewer shows.

    Attributes:
        digest: Digest of the payload that holds the image.
        image_id: Sample id of the image.
        name: What the page calls the image.
        file_stem: What saved files are called.
        notice: The notice in saved figures.
        classes: The classes, in the order of their numbers.
        palettes: The palettes to choose from.
        panels: All panels.
        default_panels: Keys of the panels that are shown at first.
        previous_id: Sample id of the image before, or ``None``.
        next_id: Sample id of the image after, or ``None``.
        strip: The images of the strip; none for an upload.
        prefetch_key: Identifies the models that the strip's scores are from.
    """

    digest: str
    image_id: str
    name: str
    file_stem: str
    notice: str
    classes: tuple[ClassProps, ...]
    palettes: tuple[PaletteProps, ...]
    panels: tuple[PanelProps, ...]
    default_panels: tuple[str, ...]
    previous_id: str | None
    next_id: str | None
    strip: tuple[StripItem, ...]
    prefetch_key: str

    def to_dict(self) -> dict[str, Any]:
        """Return the props as JSON values."""
        return asdict(self)
