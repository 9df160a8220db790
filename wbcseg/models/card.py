"""Model cards: the description of a trained model in its folder, ``card.json``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Final

from wbcseg.errors import ErrorCode, ModelError
from wbcseg.io.atomic import write_json
from wbcseg.io.foreign import make_folder_name, read_json_object
from wbcseg.io.records import read_record
from wbcseg.labels import CLASS_NAMES
from wbcseg.models import ARCHITECTURES, get_spec
from wbcseg.models.card_errors import CARD_FILE, translate_card_errors
from wbcseg.models.card_records import CardBasics, CardSplit, CrossSiteSummary, HeldoutMetrics, TrainingRecord
from wbcseg.models.file_record import FileRecord
from wbcseg.models.method_registry import METHODS
from wbcseg.splitting.thesis import get_original_id
from wbcseg.transforms.config import get_augmentation

MODEL_FILE: Final = "model.tflite"
WEIGHTS_FILE: Final = "weights.safetensors"
METHOD_FILE: Final = "method.safetensors"
"""What a method without a deep network has learned."""

FORMAT_VERSION: Final = 1
MAX_INPUT_SIZE: Final = 960
"""Maximum side of a model's input in pixels."""

DEFAULT_CELL_FRACTION: Final = 0.5
"""Cell fraction of models whose card does not state one."""

NOTICE: Final = "For research and teaching. Not a medical device: do not use it for diagnosis or treatment decisions."


@dataclass(frozen=True)
class ModelCard:
    """Description of a trained model.

    Attributes:
        title: Title on pages.
        architecture: A name in :data:`wbcseg.models.ARCHITECTURES` or
            :data:`wbcseg.models.method_registry.METHODS`.
        base_filters: Filters of its first stage; 0 for a method without a network.
        parameters: Number of parameters.
        input_size: Side in pixels of its square input.
        classes: Names of its output channels, in order.
        config: Training settings.
        split: The images that it was trained and tested on (:meth:`wbcseg.splitting.splits.Split.to_dict`).
        test_metrics: Scores on the held-out images.
        training: How long it was trained, and where.
        created: Date and time, ISO 8601, UTC.
        files: The exported model and the trainable weights, by role (``model``, ``weights``). The weights may be
            missing: most models that come with the program are without them. A method has a model only.
        acknowledgement: Acknowledgement of the training data.
        notice: Intended use.
        wbcseg_version: Version of wbcseg that created it.
        notes: Further notes for users, such as what was tried and did not help, a few sentences each.
        cross_site: Results of the cross-site study of its network, with the metrics of its quality model; see
            :func:`wbcseg.evaluation.cross_site.summarise_cross_site`. ``None`` if there is none.
        cell_fraction: Fraction of the second stage's side that the cell fills (0.2 to 1), for a two-stage model.
    """

    title: str
    architecture: str
    base_filters: int
    parameters: int
    input_size: int
    classes: tuple[str, ...]
    config: Mapping[str, Any] = field(repr=False)
    split: Mapping[str, Any] = field(repr=False)
    test_metrics: HeldoutMetrics = field(repr=False)
    training: TrainingRecord = field(repr=False)
    created: str
    files: Mapping[str, FileRecord] = field(repr=False)
    acknowledgement: str
    notice: str
    wbcseg_version: str
    notes: tuple[str, ...] = ()
    cross_site: CrossSiteSummary | None = field(default=None, repr=False)
    cell_fraction: float = DEFAULT_CELL_FRACTION

    @property
    def dataset(self) -> str:
        """Name of the training data set."""
        return str(self.split["dataset"])

    @cached_property
    def training_ids(self) -> frozenset[str]:
        """Ids of the images that it was trained on, and of other images of the same cells."""
        trained_ids = {get_original_id(sample_id) for sample_id in self.split["train"]}
        for group in self.split["groups"]:
            if trained_ids & set(group):
                trained_ids |= set(group)
        return frozenset(trained_ids)

    @cached_property
    def training_digests(self) -> frozenset[str]:
        """Digests of those images and their masks (:meth:`wbcseg.datasets.Sample.compute_digest`)."""
        manifest = self.split["manifest"]
        return frozenset(manifest[sample_id] for sample_id in self.training_ids if sample_id in manifest)

    def trained_on(self, sample_id: str, digest: str = "") -> bool:
        """Return whether the model was trained on an image, or on another image of the same cell.

        Args:
            sample_id: The image's id.
            digest: Digest of the image and its mask, which identifies it under any id.
        """
        return get_original_id(sample_id) in self.training_ids or digest in self.training_digests

    @property
    def is_method(self) -> bool:
        """Whether it is a method without a deep network."""
        return self.architecture in METHODS

    @property
    def two_stage(self) -> bool:
        """Whether it is made for cells of any size and predicts in two stages."""
        return get_augmentation(self.config["augmentation"]).cell_fraction is not None

    @property
    def is_leaky(self) -> bool:
        """Whether test images have a flipped copy in its training data, as in the thesis."""
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
            "cross_site": asdict(self.cross_site) if self.cross_site else {},
            "test_metrics": asdict(self.test_metrics),
            "training": asdict(self.training),
            "files": {role: asdict(record) for role, record in self.files.items()},
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
            ModelError: If it is missing or not a valid card: unknown format or network, other classes, a cell fraction
                out of range, or a value of the wrong type; the message names the value.
        """
        path, label = folder / CARD_FILE, make_folder_name(folder)
        with translate_card_errors(folder, "model"):
            values = read_json_object(path)
            if values["format"] != FORMAT_VERSION:
                raise ModelError(
                    f"The card of model {label} has format {values['format']!r}; this program reads format "
                    f"{FORMAT_VERSION}.",
                    file=CARD_FILE,
                    code=ErrorCode.INCOMPATIBLE,
                    hint="Update the program, or train the model again.",
                )
            basics = read_record(CardBasics, {name: values[name] for name in _REQUIRED_FIELDS})
            split = read_record(CardSplit, {name: values["split"][name] for name in _SPLIT_FIELDS}, "split")
            files = {role: read_record(FileRecord, record, f"files.{role}") for role, record in values["files"].items()}
            roles = ("model",) if basics.architecture in METHODS else ("model", "weights")
            if set(files) != set(roles) or any(
                Path(record.name).name != record.name or not record.name for record in files.values()
            ):
                raise ModelError(
                    f"The card of model {label} must list the files `{'` and `'.join(roles)}` in its folder.",
                    file=CARD_FILE,
                    code=ErrorCode.INVALID_VALUE,
                )
            card = cls(
                **{name: getattr(basics, name) for name in _REQUIRED_FIELDS},
                config=_read_object(values["config"], "config"),
                split={**values["split"], **vars(split)},
                classes=tuple(values["classes"]),
                notes=tuple(map(str, values.get("notes", ()))),
                test_metrics=read_record(HeldoutMetrics, values["test_metrics"], "test_metrics"),
                training=read_record(TrainingRecord, values["training"], "training"),
                cross_site=_read_cross_site(values.get("cross_site")),
                cell_fraction=float(values.get("cell_fraction", DEFAULT_CELL_FRACTION)),
                files=files,
            )
            _ = card.dataset, card.training_ids, card.training_digests, card.two_stage, card.is_leaky
        card._check(folder)
        return card

    def _check(self, folder: Path) -> None:
        label = make_folder_name(folder)
        if self.architecture not in ARCHITECTURES and not self.is_method:
            raise ModelError(
                f"The network or method of model {label} must be one of {', '.join([*ARCHITECTURES, *METHODS])}. "
                f"Received: {self.architecture!r}",
                file=CARD_FILE,
                code=ErrorCode.INCOMPATIBLE,
            )
        if self.classes != CLASS_NAMES:
            raise ModelError(
                f"Model {label} must have the classes {', '.join(CLASS_NAMES)}. "
                f"Received: {', '.join(map(str, self.classes))}",
                file=CARD_FILE,
                code=ErrorCode.INCOMPATIBLE,
            )
        multiple = 1 if self.is_method else get_spec(self.architecture).size_multiple
        if not 0 < self.input_size <= MAX_INPUT_SIZE or self.input_size % multiple:
            raise ModelError(
                f"The input size of model {label} must be a multiple of {multiple} up to {MAX_INPUT_SIZE}. "
                f"Received: {self.input_size}",
                file=CARD_FILE,
                code=ErrorCode.INVALID_VALUE,
            )
        if not 0.2 <= self.cell_fraction <= 1.0:
            raise ModelError(
                f"The cell fraction of model {label} must be from 0.2 to 1. Received: {self.cell_fraction}",
                file=CARD_FILE,
                code=ErrorCode.INVALID_VALUE,
            )


def _read_object(values: object, name: str) -> Mapping[str, Any]:
    if not isinstance(values, dict):
        raise ValueError(f"{name} must be an object. Received: {values!r:.40}")
    return values


def _read_cross_site(values: object) -> CrossSiteSummary | None:
    return read_record(CrossSiteSummary, values, "cross_site") if values else None


_SPLIT_FIELDS: Final = ("dataset", "train", "test", "groups", "manifest")

_REQUIRED_FIELDS: Final = (
    "title",
    "architecture",
    "base_filters",
    "parameters",
    "input_size",
    "created",
    "acknowledgement",
    "notice",
    "wbcseg_version",
)
