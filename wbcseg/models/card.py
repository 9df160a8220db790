"""What a model's folder says of itself, in ``card.json``."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Final

from wbcseg.errors import ChecksumError, ConfigError, ModelError
from wbcseg.io.atomic import compute_sha256, write_json
from wbcseg.labels import CLASS_NAMES
from wbcseg.models import ARCHITECTURES
from wbcseg.splitting.thesis import get_original_id
from wbcseg.transforms.config import get_augmentation

CARD_FILE: Final = "card.json"
MODEL_FILE: Final = "model.tflite"
WEIGHTS_FILE: Final = "weights.safetensors"
FORMAT_VERSION: Final = 1
DEFAULT_CELL_FRACTION: Final = 0.5
"""The share of models whose card, from an earlier version, has none."""

NOTICE: Final = (
    "For research and teaching. Not a medical device: not to be used for diagnosis or for decisions on treatment."
)


@dataclass(frozen=True)
class FileRecord:
    """A file of a model's folder.

    Attributes:
        name: Its name in the folder.
        size: Bytes.
        sha256: Checksum of its content.
    """

    name: str
    size: int
    sha256: str

    @classmethod
    def from_path(cls, path: Path) -> FileRecord:
        """Describe a file as it is now."""
        return cls(path.name, path.stat().st_size, compute_sha256(path))

    def check(self, data: bytes, folder: Path) -> None:
        """Check that ``data`` is this file's content.

        Raises:
            ChecksumError: If it is not.
        """
        digest = hashlib.sha256(data).hexdigest()
        if len(data) != self.size or digest != self.sha256:
            raise ChecksumError(
                f"File {self.name} of model {folder.name} is damaged or was replaced: it must have {self.size} bytes "
                f"and the checksum {self.sha256[:12]}…. Received: {len(data)} bytes, {digest[:12]}…. "
                "Copy the model's folder again from where it came from."
            )


@dataclass(frozen=True)
class ModelCard:
    """What is known of a model.

    Attributes:
        title: What the page calls it.
        architecture: A name in :data:`wbcseg.models.ARCHITECTURES`.
        base_filters: Filters of its first stage.
        parameters: How many numbers it has learned.
        input_size: Side in pixels of the square that it was trained on.
        classes: Names of its output channels, in order.
        config: The settings of its training.
        split: Which pictures trained and tested it (:meth:`wbcseg.splitting.splits.Split.to_dict`).
        test_metrics: Figures on the pictures that it was not trained with: ``pictures``, ``accuracy`` and ``regions``
            with, for background, cytoplasm, nucleus and cell, ``dice``, ``dice_se``, ``jaccard``, ``jaccard_se``
            and ``n``.
        training: ``epochs``, ``seconds`` and the environment.
        created: Date and time, ISO 8601, UTC.
        files: The exported model and the trainable weights, by role (``model``, ``weights``).
        acknowledgement: What whoever uses the model has to say of its data.
        notice: What it may be used for.
        wbcseg_version: Version of this program that made it.
        notes: What else whoever uses it should know, such as what was tried and did not help, a sentence or two each.
        cross_site: How networks of its kind do on a laboratory's pictures that they were not trained on, and how well
            their results are judged; see :func:`wbcseg.evaluation.cross_site.summarise_cross_site`. Empty where nobody measured.
        cell_fraction: Of a model for any laboratory: of the close look's side, what the cell takes (0.2 to 1).
    """

    title: str
    architecture: str
    base_filters: int
    parameters: int
    input_size: int
    classes: tuple[str, ...]
    config: Mapping[str, Any] = field(repr=False)
    split: Mapping[str, Any] = field(repr=False)
    test_metrics: Mapping[str, Any] = field(repr=False)
    training: Mapping[str, Any] = field(repr=False)
    created: str
    files: Mapping[str, FileRecord] = field(repr=False)
    acknowledgement: str
    notice: str
    wbcseg_version: str
    notes: tuple[str, ...] = ()
    cross_site: Mapping[str, Any] = field(default_factory=dict, repr=False)
    cell_fraction: float = DEFAULT_CELL_FRACTION

    @property
    def dataset(self) -> str:
        """Name of the data set that it was trained on."""
        return str(self.split["dataset"])

    @cached_property
    def training_ids(self) -> frozenset[str]:
        """Ids of the pictures that it was trained with, and of further pictures of the same cells."""
        trained_ids = {get_original_id(sample_id) for sample_id in self.split["train"]}
        for group in self.split["groups"]:
            if trained_ids & set(group):
                trained_ids |= set(group)
        return frozenset(trained_ids)

    @cached_property
    def training_digests(self) -> frozenset[str]:
        """Digests of those pictures with their masks, :meth:`wbcseg.datasets.Sample.digest`, which no name can hide."""
        manifest = self.split["manifest"]
        return frozenset(manifest[sample_id] for sample_id in self.training_ids if sample_id in manifest)

    def trained_on(self, sample_id: str, digest: str = "") -> bool:
        """Return whether the model was trained with a picture, or with another picture of the same cell.

        Args:
            sample_id: The picture's id.
            digest: That of the picture with its mask, which tells it under another id, too.
        """
        return get_original_id(sample_id) in self.training_ids or digest in self.training_digests

    @property
    def two_stage(self) -> bool:
        """Whether it is made for cells of any size, and looks twice."""
        return get_augmentation(self.config["augmentation"]).cell_fraction is not None

    @property
    def is_leaky(self) -> bool:
        """Whether pictures that it was measured on have a flipped copy in its training, as in the thesis."""
        return any(self.trained_on(sample_id) for sample_id in self.split["test"])

    @property
    def size_bytes(self) -> int:
        """Size of the exported model in bytes."""
        return self.files["model"].size

    def to_dict(self) -> dict[str, Any]:
        """Return the card as JSON values."""
        return {
            "format": FORMAT_VERSION,
            "title": self.title,
            "architecture": self.architecture,
            "base_filters": self.base_filters,
            "parameters": self.parameters,
            "input_size": self.input_size,
            "cell_fraction": self.cell_fraction,
            "classes": list(self.classes),
            "created": self.created,
            "wbcseg_version": self.wbcseg_version,
            "notice": self.notice,
            "acknowledgement": self.acknowledgement,
            "notes": list(self.notes),
            "cross_site": dict(self.cross_site),
            "test_metrics": dict(self.test_metrics),
            "training": dict(self.training),
            "files": {role: vars(record) for role, record in self.files.items()},
            "config": dict(self.config),
            "split": dict(self.split),
        }

    def write(self, folder: Path) -> None:
        """Write ``card.json`` atomically."""
        write_json(folder / CARD_FILE, self.to_dict())

    @classmethod
    def read(cls, folder: Path) -> ModelCard:
        """Read ``card.json`` of a folder.

        Raises:
            ModelError: If it is missing, no card of this format, of an unknown network, other classes, or a share
                out of range.
        """
        path = folder / CARD_FILE
        try:
            values = json.loads(path.read_text(encoding="utf-8"))
            if values["format"] != FORMAT_VERSION:
                raise ModelError(
                    f"The card of model {folder.name} has format {values['format']!r}; this program reads format "
                    f"{FORMAT_VERSION}. Update the program, or train the model again."
                )
            files = {role: FileRecord(**record) for role, record in values["files"].items()}
            if set(files) != {"model", "weights"} or any(
                Path(record.name).name != record.name for record in files.values()
            ):
                raise ModelError(
                    f"The card of model {folder.name} must name its files `model` and `weights` in its folder."
                )
            card = cls(
                **{name: values[name] for name in _REQUIRED_FIELDS},
                classes=tuple(values["classes"]),
                # Cards of earlier versions have none.
                notes=tuple(map(str, values.get("notes", ()))),
                cross_site=dict(values.get("cross_site", {})),
                cell_fraction=float(values.get("cell_fraction", DEFAULT_CELL_FRACTION)),
                files=files,
            )
            _ = card.dataset, card.training_ids, card.two_stage
        except FileNotFoundError:
            raise ModelError(f"Folder {folder.name} holds no model: it has no {CARD_FILE}.") from None
        except (OSError, ValueError, KeyError, TypeError, AttributeError, ConfigError) as error:
            raise ModelError(
                f"The card of model {folder.name} cannot be read ({type(error).__name__}: {error})."
            ) from None
        card._check(folder)
        return card

    def _check(self, folder: Path) -> None:
        if self.architecture not in ARCHITECTURES:
            raise ModelError(
                f"Model {folder.name} must be one of {', '.join(ARCHITECTURES)}. Received: {self.architecture!r}"
            )
        if self.classes != CLASS_NAMES:
            raise ModelError(
                f"Model {folder.name} must tell apart {len(CLASS_NAMES)} classes: {', '.join(CLASS_NAMES)}. "
                f"Received: {len(self.classes)}: {', '.join(map(str, self.classes))}"
            )
        if not 0.2 <= self.cell_fraction <= 1.0:
            raise ModelError(f"The share of model {folder.name} must be from 0.2 to 1. Received: {self.cell_fraction}")


_REQUIRED_FIELDS: Final = (
    "title",
    "architecture",
    "base_filters",
    "parameters",
    "input_size",
    "config",
    "split",
    "test_metrics",
    "training",
    "created",
    "acknowledgement",
    "notice",
    "wbcseg_version",
)
