"""Results of the studies: what their JSON files hold, as dataclasses."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Literal, Self

from wbcseg.evaluation.entries.extras import PixelRecord
from wbcseg.evaluation.metric_specs import MetricValues
from wbcseg.io.records import read_record
from wbcseg.metrics.calibration import CalibrationResult
from wbcseg.models.card_records import Environment, QualityMetrics

PredictionMode = Literal["single", "tta"]
"""A single pass, or test-time averaging (:meth:`wbcseg.inference.Segmenter.predict`)."""


@dataclass(frozen=True, slots=True)
class TestedImage:
    """The metrics of one image in the test set of one training.

    Attributes:
        id: The image.
        cell_type: Its cell type, or ``None``.
        training: Index of the training that tested it.
        single: Metrics of a single pass, see :func:`wbcseg.evaluation.metric_specs.compute_metrics`.
        tta: Metrics with test-time averaging.
    """

    __test__ = False

    id: str
    cell_type: str | None
    training: int
    single: MetricValues
    tta: MetricValues

    def get_metrics(self, mode: PredictionMode) -> MetricValues:
        """Return the metrics of a prediction mode."""
        return self.single if mode == "single" else self.tta

    def to_dict(self) -> dict[str, Any]:
        """Return JSON values."""
        return {name: getattr(self, name) for name in self.__slots__}


@dataclass(frozen=True, kw_only=True)
class ScoredImages:
    """Metrics of many images.

    Attributes:
        images: One entry for each image and training that tested it.
    """

    images: tuple[TestedImage, ...] = field(repr=False)

    def select_training(self, index: int) -> Self:
        """Return the result with the images of one training only."""
        return replace(self, images=tuple(image for image in self.images if image.training == index))


@dataclass(frozen=True, kw_only=True)
class InDomainResult(ScoredImages):
    """A general model on held-out images of the sites it was trained on; ``training`` is the index of the site.

    Attributes:
        model: Name of the model.
    """

    model: str

    def to_dict(self) -> dict[str, Any]:
        """Return JSON values."""
        return {"model": self.model, "images": [image.to_dict() for image in self.images]}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """Read what :meth:`to_dict` returned."""
        return cls(model=values["model"], images=_read_images(values))


@dataclass(frozen=True)
class FoldTraining:
    """One training of a cross-validation.

    Attributes:
        fold: Fold that is held out.
        split_seed: Seed of the split.
        epochs: Number of epochs.
        seconds: Wall-clock time.
        cpu_seconds: Processor time of all cores, or ``None`` if it was not recorded.
        trained: Number of training images.
        tested: Number of test images.
        model_bytes: Size of the model file.
    """

    fold: int
    split_seed: int
    epochs: int
    seconds: float
    cpu_seconds: float | None
    trained: int
    tested: int
    model_bytes: int


@dataclass(frozen=True)
class SiteTraining:
    """One training of a cross-site study.

    Attributes:
        trained_on: Data set of the training.
        tested_on: Data set of the test.
        trained: Number of training images.
        tested: Number of test images.
        clean_epochs: Final epochs without augmentation.
        cell_fraction: Fraction of the second stage's input that the cell takes.
        epochs: Number of epochs.
        seconds: Wall-clock time.
        cpu_seconds: Processor time of all cores, or ``None`` if it was not recorded.
    """

    trained_on: str
    tested_on: str
    trained: int
    tested: int
    clean_epochs: int
    cell_fraction: float
    epochs: int
    seconds: float
    cpu_seconds: float | None


@dataclass(frozen=True, kw_only=True)
class StudyResult(ScoredImages):
    """The result of one network in a study of several trainings.

    Attributes:
        study: Name of the study.
        architecture: Short name of the network.
        title: Its title in tables.
        parameters: Number of its parameters.
        config: Settings that all trainings share.
        environment: Hardware and software of the first training.
    """

    study: str
    architecture: str
    title: str
    parameters: int
    config: Mapping[str, Any] = field(repr=False)
    environment: Environment = field(repr=False)

    def _head_to_dict(self) -> dict[str, Any]:
        names = ("study", "architecture", "title", "parameters", "config")
        return {**{name: getattr(self, name) for name in names}, "environment": asdict(self.environment)}


@dataclass(frozen=True, kw_only=True)
class CrossValidationResult(StudyResult):
    """The result of a network in a cross-validation.

    Attributes:
        manifest_digest: SHA-256 of the data set's manifest.
        trainings: The trainings.
        pixels: All pixels of the tested images; ``None`` in results from before it was recorded.
        crop_cpu_ms: Median processor time of a single pass over an image in milliseconds, or ``None`` likewise.
        curve: Mean metrics of the trainings after each epoch (:func:`wbcseg.evaluation.entries.extras.average_curves`),
            or nothing likewise.
    """

    manifest_digest: str
    trainings: tuple[FoldTraining, ...]
    pixels: PixelRecord | None = field(default=None, repr=False)
    crop_cpu_ms: float | None = None
    curve: tuple[Mapping[str, float], ...] = field(default=(), repr=False)

    def to_dict(self) -> dict[str, Any]:
        """Return JSON values."""
        return {
            **self._head_to_dict(),
            "manifest_digest": self.manifest_digest,
            "trainings": [vars(training) for training in self.trainings],
            **({"crop_cpu_ms": self.crop_cpu_ms} if self.crop_cpu_ms is not None else {}),
            **({"pixels": self.pixels.to_dict()} if self.pixels is not None else {}),
            **({"curve": [dict(row) for row in self.curve]} if self.curve else {}),
            "images": [image.to_dict() for image in self.images],
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """Read what :meth:`to_dict` returned."""
        pixels = values.get("pixels")
        changes = {
            "environment": _read_environment(values),
            "trainings": tuple(FoldTraining(**training) for training in values["trainings"]),
            "images": _read_images(values),
            "pixels": None if pixels is None else PixelRecord.from_dict(pixels),
            "curve": tuple(values.get("curve", ())),
        }
        return cls(**{**values, **changes})


@dataclass(frozen=True, kw_only=True)
class CrossSiteResult(StudyResult):
    """The result of a network in a cross-site study: trained on one site, tested on the other.

    Attributes:
        trainings: One training for each site.
        calibration: Calibration of the probabilities by test site.
        quality: Metrics of the quality model; ``None`` before it is fitted.
        in_domain: The shipped general model of this network on held-out images of both sites, where there is one.
    """

    trainings: tuple[SiteTraining, ...]
    calibration: Mapping[str, CalibrationResult] = field(repr=False)
    quality: QualityMetrics | None = field(default=None, repr=False)
    in_domain: InDomainResult | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return JSON values."""
        values = {
            **self._head_to_dict(),
            "trainings": [vars(training) for training in self.trainings],
            "calibration": {site: calibration.to_dict() for site, calibration in self.calibration.items()},
            "images": [image.to_dict() for image in self.images],
            "quality": asdict(self.quality) if self.quality else None,
        }
        return values if self.in_domain is None else {**values, "in_domain": self.in_domain.to_dict()}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """Read what :meth:`to_dict` returned."""
        quality, in_domain = values["quality"], values.get("in_domain")
        changes = {
            "environment": _read_environment(values),
            "trainings": tuple(SiteTraining(**training) for training in values["trainings"]),
            "calibration": {
                site: CalibrationResult.from_dict(calibration) for site, calibration in values["calibration"].items()
            },
            "images": _read_images(values),
            "quality": None if quality is None else read_record(QualityMetrics, quality, "quality"),
            "in_domain": None if in_domain is None else InDomainResult.from_dict(in_domain),
        }
        return cls(**{**values, **changes})


@dataclass(frozen=True)
class ThesisTestImage:
    """Scores of one test image of the thesis.

    Attributes:
        id: The image.
        copy_in_training: Whether its flipped copy is a training image.
        accuracy: Fraction of the three rounded numbers at each pixel that equal the target.
        dice: Dice by class, ``None`` where undefined.
        thesis_dice: What the thesis would print as Dice, by the class it would name.
        thesis_jaccard: What the thesis would print as Jaccard, likewise.
    """

    id: str
    copy_in_training: bool
    accuracy: float
    dice: Mapping[str, float | None]
    thesis_dice: Mapping[str, float | None]
    thesis_jaccard: Mapping[str, float | None]


@dataclass(frozen=True)
class ExperimentResult:
    """The result of a reproduced experiment.

    Attributes:
        experiment: Name of the experiment.
        config: Its settings.
        environment: Hardware and software.
        seconds: Wall-clock time of the training.
        history: Metrics of each epoch.
        images: Scores of each test image.
    """

    experiment: str
    config: Mapping[str, Any] = field(repr=False)
    environment: Environment = field(repr=False)
    seconds: float
    history: tuple[Mapping[str, float], ...] = field(repr=False)
    images: tuple[ThesisTestImage, ...] = field(repr=False)

    def to_dict(self) -> dict[str, Any]:
        """Return JSON values."""
        return {
            **vars(self),
            "environment": asdict(self.environment),
            "history": list(self.history),
            "images": [vars(image) for image in self.images],
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """Read what :meth:`to_dict` returned."""
        images = tuple(ThesisTestImage(**image) for image in values["images"])
        changes = {"environment": _read_environment(values), "history": tuple(values["history"]), "images": images}
        return cls(**{**values, **changes})


def _read_environment(values: Mapping[str, Any]) -> Environment:
    return read_record(Environment, values["environment"], "environment")


def _read_images(values: Mapping[str, Any]) -> tuple[TestedImage, ...]:
    return tuple(TestedImage(**image) for image in values["images"])
