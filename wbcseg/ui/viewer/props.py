"""The data that a page gives to the viewer with an image; the JavaScript reads it by these names."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Final, Literal

from wbcseg.pipeline.edits import Edit, Point
from wbcseg.results import ImageEdges
from wbcseg.ui.viewer.type_props import TYPE_CHOICES, TypeChoice

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
class StatusBadge:
    """A badge for the quality status of a result. A click explains it.

    Attributes:
        kind: The status, one of :data:`wbcseg.quality.STATUSES`; empty if quality was not assessed.
        text: What the badge says.
        help: The explanation: a paragraph each.
    """

    kind: str
    text: str
    help: tuple[str, ...]


@dataclass(frozen=True)
class DisagreementProps:
    """Where models disagree.

    Attributes:
        text: On what, in one line.
        outlines: The places to mark, in pixels of the image.
    """

    text: str
    outlines: tuple[tuple[Point, ...], ...]


@dataclass(frozen=True)
class CellProps:
    """A cell of a field of view. Coordinates are pixels of the image from its upper left corner.

    Attributes:
        id: Its id, by which an edit names it; it stays the same under corrections.
        number: The number to show, as in tables and files.
        outline: Corners of its outline, x and y, not closed.
        nuclei: Outlines of the pieces of its nucleus.
        centroid: Its centroid, x and y.
        status: Quality status, one of :data:`wbcseg.quality.STATUSES`; empty if quality was not assessed.
        status_label: The status for people.
        cut_off: Whether the image's edge cuts it off.
        origin: Whether the model detected it, or a person added or changed it.
        type: Place of its type among :attr:`ViewerProps.types`; -1 without one.
    """

    id: int
    number: int
    outline: tuple[Point, ...]
    nuclei: tuple[tuple[Point, ...], ...]
    centroid: Point
    status: str
    status_label: str
    cut_off: bool
    origin: Literal["model", "person"]
    type: int = -1


@dataclass(frozen=True)
class PanelProps:
    """A panel that can be shown.

    A model's panel whose ``cells`` is not ``None`` can be corrected. The browser owns the list of edits: it sends the
    whole list as the value ``edits`` of the component (see :mod:`wbcseg.ui.viewer.message`), and takes over
    ``edits`` from the props of the next run, which lacks an edit that did nothing; ``problem`` then says why.

    Attributes:
        key: Identifies it, also in links and in messages from the browser.
        kind: What it shows.
        title: Its caption.
        alt: Its text for screen readers.
        part: Part of the payload that holds its map, or ``None``.
        map_digest: Digest of the payload whose ``part`` holds its map after corrections. It may arrive after the props.
            Empty if the map is in the payload of the image.
        help: A tooltip for the caption.
        badge: A remark on its scores, or ``None``.
        quality: The quality status of the cell of a crop, or ``None`` for panels without a result.
        status_badges: In a field of view, the statuses that its cells can have.
        cells: The cells that the model found in a field of view, after corrections; ``None`` for a crop of one cell and
            for panels without cells of their own.
        edits: The corrections in force, in order.
        problem: Why the last edit that was sent did nothing, or ``None``.
        region: Corners of the region to count in, or ``None``.
        count_text: How many cells there are, by the edge rule and in the region, in one line.
        type: Place of the type of a crop's cell among :attr:`ViewerProps.types`; -1 without one.
    """

    key: str
    kind: PanelKind
    title: str
    alt: str
    part: str | None = None
    map_digest: str = ""
    help: str = ""
    badge: PanelBadge | None = None
    quality: StatusBadge | None = None
    status_badges: tuple[StatusBadge, ...] = ()
    cells: tuple[CellProps, ...] | None = None
    edits: tuple[Edit, ...] = ()
    problem: str | None = None
    region: tuple[Point, ...] | None = None
    count_text: str = ""
    type: int = -1


@dataclass(frozen=True)
class EdgeRuleProps:
    """A rule by which cells cut off by the image's edge are counted.

    Attributes:
        key: Its name, as in messages from the browser.
        title: Its name for people.
        phrase: What follows a count by this rule; empty if all cells count.
        excluded_edges: A cell that one of these edges cuts off does not count: top, bottom, left, right.
    """

    key: str
    title: str
    phrase: str
    excluded_edges: ImageEdges


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
class MaskButtonProps:
    """The button that sends an edited mask to the page.

    Attributes:
        text: What it says.
        help: Its tooltip.
    """

    text: str
    help: str


TRAINING_SET_BUTTON: Final = MaskButtonProps(
    "Apply mask", "Measure with it, and keep it with the image for a training run"
)


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
        edge_rules: The rules to choose from for counting the cells of a field of view.
        edge_rule: Key of the chosen one.
        disagreement: Where the models disagree by more than the usual, or ``None``.
        mask_button: The button that sends an edited mask to the page.
        starts_editing: Whether the mask of the first model's panel is edited from the start, as in the quiz.
        types: The types that cells can have.
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
    edge_rules: tuple[EdgeRuleProps, ...] = ()
    edge_rule: str = "all"
    disagreement: DisagreementProps | None = None
    mask_button: MaskButtonProps = TRAINING_SET_BUTTON
    starts_editing: bool = False
    types: tuple[TypeChoice, ...] = TYPE_CHOICES

    def to_dict(self) -> dict[str, Any]:
        """Return the props as JSON values.

        An edit has its keys ``kind``, ``ids``, ``points`` and ``box``, and ``type`` where it gives one.
        """
        values = asdict(self)
        for panel in values["panels"]:
            for edit in panel["edits"]:
                for name in ("type", "mask"):
                    if not edit[name]:
                        del edit[name]
        return values
