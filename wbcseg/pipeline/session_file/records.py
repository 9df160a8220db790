"""What a session file holds: JSON values with a type each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

VERSION: Final = 1
"""Version of the format."""

JSON_NAME: Final = "session.json"
"""Name of the JSON in the zip."""


@dataclass(frozen=True)
class SessionEdit:
    """A correction; see :class:`wbcseg.pipeline.Edit`."""

    kind: str
    ids: tuple[int, ...] = ()
    points: tuple[tuple[float, ...], ...] = ()
    box: tuple[float, ...] | None = None
    type: str = ""
    mask: str = ""


@dataclass(frozen=True)
class SessionCell:
    """A cell.

    Attributes:
        id: Its id.
        index: Its number in a field of view; 0 in a crop.
        offset: Column and row of its crop; none in a crop.
        centroid: Mean x and y of its pixels; none in a crop.
        features: Its measurements in pixels; those that are not defined are missing.
        square: Side of the square of its tile in pixels of the image; 0 without a tile.
        outline: x and y of the corners of its outline in the tile, one after the other.
        nuclei: The same for the pieces of its nucleus.
        tile: Name of the tile in the zip; empty if it has none.
    """

    id: int
    index: int
    features: Mapping[str, float]
    offset: tuple[int, ...] = ()
    centroid: tuple[float, ...] = ()
    score: float = 1.0
    status: str = ""
    reasons: tuple[str, ...] = ()
    dice: Mapping[str, float] = field(default_factory=dict)
    cut_edges: tuple[bool, ...] = (False, False, False, False)
    origin: str = "model"
    in_region: bool | None = None
    predicted_type: str = ""
    type_probabilities: Mapping[str, float] = field(default_factory=dict)
    subtype: str = ""
    type_evidence: tuple[float, ...] = ()
    assigned_type: str = ""
    square: float = 0.0
    outline: tuple[int, ...] = ()
    nuclei: tuple[tuple[int, ...], ...] = ()
    tile: str = ""


@dataclass(frozen=True)
class SessionImage:
    """An image with its cells.

    Attributes:
        name: Its name.
        digest: Digest of its content, mask included.
        size: Height and width; none if it could not be read.
        cells: Its cells.
        edits: The corrections in force.
        region: Corners of the region to count in.
        as_field: Whether a person made a field of view of a crop.
        problem: Why there is no result; else empty.
        file: Name of the image in the zip; empty if it is not there.
        mask_name: Name of the expert mask.
        mask_file: Name of the expert mask in the zip.
        page: The page of the file that was read: a number from 0, or ``rgb``; empty for its own choice.
        mask_correction: What a person said that the mask means; empty if nothing.
    """

    name: str
    digest: str = ""
    size: tuple[int, ...] = ()
    is_field_of_view: bool = False
    model: str = ""
    cells: tuple[SessionCell, ...] = ()
    edits: tuple[SessionEdit, ...] = ()
    region: tuple[tuple[float, ...], ...] | None = None
    as_field: bool = False
    notices: tuple[str, ...] = ()
    problem: str = ""
    file: str = ""
    mask_name: str = ""
    mask_file: str = ""
    page: str = ""
    mask_correction: str = ""


@dataclass(frozen=True)
class SessionSettings:
    """The settings of the page.

    Attributes:
        model: Name of the model.
        checksum: Checksum of its file.
        tta: Whether test-time averaging was used.
        pixel_size: Pixel size in µm, or ``None``.
        edge_rule: Which of the cells cut by the image edge count.
        sample_rule: How the images form samples.
        sample_pattern: The pattern of names.
        samples: The samples that were assigned by hand, by the name of the image.
        type_prior: How common the types were taken to be; empty for the type model's choice.
    """

    model: str = ""
    checksum: str = ""
    tta: bool = False
    pixel_size: float | None = None
    edge_rule: str = "all"
    sample_rule: str = ""
    sample_pattern: str = ""
    samples: Mapping[str, str] = field(default_factory=dict)
    type_prior: str = ""


@dataclass(frozen=True)
class Session:
    """A session.

    Attributes:
        version: Version of the format.
        wbcseg_version: Version of the program that wrote it.
        settings: The settings.
        images: The images.
    """

    version: int
    wbcseg_version: str
    settings: SessionSettings
    images: tuple[SessionImage, ...]
