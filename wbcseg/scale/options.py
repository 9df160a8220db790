"""How the images are segmented, the same for all of them."""

from __future__ import annotations

import hashlib
import json
import math
from dataclasses import asdict, dataclass

from wbcseg import __version__
from wbcseg.celltypes import PriorName, load_type_model
from wbcseg.counting import DEFAULT_EDGE_RULE, get_edge_rule
from wbcseg.errors import ConfigError
from wbcseg.inference import Catalog
from wbcseg.io import PageChoice


@dataclass(frozen=True)
class ScaleOptions:
    """The model and the options of a run.

    Attributes:
        model: Name of the model.
        tta: Whether to use test-time averaging.
        types: Whether to say what each cell is.
        prior: How common the types are taken to be; an image is a sample.
        page: Page of TIFF files with several, from 0, or ``"rgb"``.
        pixel_size: Pixel size in µm; without it, measurements are in pixels.
        edge_rule: Which of the cells cut by the image edge count.
        label_images: Whether to write a 16-bit label image (PNG) of every image.

    Raises:
        ConfigError: If a value is not acceptable.
    """

    model: str
    tta: bool = False
    types: bool = False
    prior: PriorName | None = None
    page: PageChoice = None
    pixel_size: float | None = None
    edge_rule: str = DEFAULT_EDGE_RULE
    label_images: bool = True

    def __post_init__(self) -> None:
        """Check the values."""
        get_edge_rule(self.edge_rule)
        if self.pixel_size is not None and not 0 < self.pixel_size < math.inf:
            raise ConfigError(f"The pixel size must be more than 0, and finite. Received: {self.pixel_size}")
        if self.prior and not self.types:
            raise ConfigError("A prior needs types.")

    def compute_digest(self) -> str:
        """Return what changes when results may change: options, model files and version of the package.

        Raises:
            ModelError: If there is no such model.
        """
        files = [Catalog().get(self.model).card.files["model"].sha256]
        if self.types:
            files.append(load_type_model().card.files["network"].sha256)
        parts = [json.dumps(asdict(self), sort_keys=True), *files, __version__]
        return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:16]
