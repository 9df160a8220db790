"""Parts of a model card: scores, the training, and what the cross-site study says about its network."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from wbcseg.metrics import FOREGROUND_REGIONS, REGIONS
from wbcseg.metrics.calibration import CalibrationResult

NORMAL_QUANTILE: Final = 1.96
"""Standard errors on each side of a mean that make a 95 % interval."""


@dataclass(frozen=True)
class RegionScores:
    """Mean scores of a region over images; ``None`` where they are not defined.

    Attributes:
        dice: Mean Dice, 0 to 1.
        dice_se: Its standard error.
        jaccard: Mean Jaccard, 0 to 1.
        jaccard_se: Its standard error.
        n: Number of images in which the region is defined.
    """

    dice: float | None
    dice_se: float | None
    jaccard: float | None
    jaccard_se: float | None
    n: int

    def compute_interval(self) -> tuple[float, float] | None:
        """Return the 95 % interval of the mean Dice, from its standard error; ``None`` without one."""
        if self.dice is None or self.dice_se is None or self.n < 2:
            return None
        margin = NORMAL_QUANTILE * self.dice_se
        return max(0.0, self.dice - margin), min(1.0, self.dice + margin)


@dataclass(frozen=True)
class HeldoutMetrics:
    """Scores of a model on held-out images.

    Attributes:
        images: Number of images.
        accuracy: Fraction of pixels whose class is correct; ``None`` without images.
        regions: Scores of background, cytoplasm, nucleus and cell.

    Raises:
        ValueError: If a region is missing or unknown.
    """

    images: int
    accuracy: float | None
    regions: Mapping[str, RegionScores]

    def __post_init__(self) -> None:
        _check_regions(self.regions, REGIONS)


@dataclass(frozen=True)
class Environment:
    """Hardware and software of a training.

    Attributes:
        python: Version of Python.
        system: Operating system.
        processor: Name of the processor.
        cores: Number of its cores.
        features: Vector extensions that it has, such as ``avx512f``.
        precision: ``float32`` or ``bfloat16``.
        packages: Versions of packages by name.
    """

    python: str
    system: str
    processor: str
    cores: int
    features: tuple[str, ...]
    precision: str
    packages: Mapping[str, str]


@dataclass(frozen=True)
class TrainingRecord:
    """How a model was trained.

    Attributes:
        epochs: Number of epochs.
        seconds: Wall-clock time of all epochs.
        environment: Hardware and software.
    """

    epochs: int
    seconds: float
    environment: Environment


@dataclass(frozen=True)
class MeanDice:
    """The mean Dice of a region over images.

    Attributes:
        dice: Mean, 0 to 1; ``None`` if it is not defined.
        dice_se: Its standard error.
    """

    dice: float | None
    dice_se: float | None


@dataclass(frozen=True)
class SiteTest:
    """A network trained on one site (laboratory) and tested on another.

    Attributes:
        trained_on: Data set of the training.
        tested_on: Data set of the test.
        trained: Number of training images.
        tested: Number of test images.
        epochs: Number of epochs.
        single: Mean Dice by region, of a single pass.
        tta: Mean Dice by region, with test-time averaging.
        calibration: Calibration of the probabilities.
    """

    trained_on: str
    tested_on: str
    trained: int
    tested: int
    epochs: int
    single: Mapping[str, MeanDice]
    tta: Mapping[str, MeanDice]
    calibration: CalibrationResult

    def __post_init__(self) -> None:
        _check_regions(self.single, FOREGROUND_REGIONS)
        _check_regions(self.tta, FOREGROUND_REGIONS)


@dataclass(frozen=True)
class InDomainTest:
    """A general model on held-out images of one of the sites that it was trained on.

    Attributes:
        site: Data set of the site.
        images: Number of images.
        single: Mean Dice by region, of a single pass.
        tta: Mean Dice by region, with test-time averaging.
    """

    site: str
    images: int
    single: Mapping[str, MeanDice]
    tta: Mapping[str, MeanDice]

    def __post_init__(self) -> None:
        _check_regions(self.single, FOREGROUND_REGIONS)
        _check_regions(self.tta, FOREGROUND_REGIONS)


@dataclass(frozen=True)
class LaboratoryTest:
    """A quality check that was fitted without a laboratory, on results of this laboratory.

    Attributes:
        name: Name of its data set.
        good: Number of good results, with a Dice of the whole cell of at least 0.93.
        good_flagged: Fraction of them that is flagged for review or as out of range; ``None`` without any.
        bad: Number of bad results, with a Dice below 0.85.
        bad_flagged: The same of these.
    """

    name: str
    good: int
    good_flagged: float | None
    bad: int
    bad_flagged: float | None


@dataclass(frozen=True)
class QualityMetrics:
    """How accurate a quality model is, by cross-validation. A result is bad if the whole cell's Dice is below 0.8.

    Attributes:
        smears: Number of smears.
        negatives: Number of images that are not smears.
        out_of_range_auroc: Area under the ROC curve of telling these apart.
        out_of_range_negatives: Fraction of the negatives that are classified as out of range.
        out_of_range_smears: The same of the smears.
        images: Number of results on original images.
        bad: Number of bad ones.
        bad_flagged: Fraction of them whose status is not ``ok``; ``None`` without any.
        good_flagged: The same of the others.
        bad_auroc: Area under the ROC curve of telling bad from good; ``None`` without both.
        varied_images: The same five of results on varied copies of the images.
        varied_bad: See ``bad``.
        varied_bad_flagged: See ``bad_flagged``.
        varied_good_flagged: See ``good_flagged``.
        varied_bad_auroc: See ``bad_auroc``.
        laboratories: Tests on laboratories that the check was not fitted to.
    """

    smears: int
    negatives: int
    out_of_range_auroc: float
    out_of_range_negatives: float
    out_of_range_smears: float
    images: int
    bad: int
    bad_flagged: float | None
    good_flagged: float | None
    bad_auroc: float | None
    varied_images: int
    varied_bad: int
    varied_bad_flagged: float | None
    varied_good_flagged: float | None
    varied_bad_auroc: float | None
    laboratories: tuple[LaboratoryTest, ...] = ()


@dataclass(frozen=True)
class CrossSiteSummary:
    """Results of the cross-site study of a network.

    Attributes:
        tests: Its trainings, each tested on the other site.
        quality: Metrics of the network's quality model.
        in_domain: The shipped general model of the network on held-out images of each site, if there is one.
    """

    tests: tuple[SiteTest, ...]
    quality: QualityMetrics
    in_domain: tuple[InDomainTest, ...] = field(default=())


def _check_regions(scores: Mapping[str, object], expected: tuple[str, ...]) -> None:
    if set(scores) != set(expected):
        raise ValueError(f"regions must be {', '.join(expected)}. Received: {', '.join(scores)}")


@dataclass(frozen=True)
class CardBasics:
    """The values of a card that are plain text or numbers."""

    title: str
    architecture: str
    base_filters: int
    parameters: int
    input_size: int
    created: str
    acknowledgement: str
    notice: str
    wbcseg_version: str


@dataclass(frozen=True)
class CardSplit:
    """What is read of a card's split."""

    dataset: str
    train: tuple[str, ...]
    test: tuple[str, ...]
    groups: tuple[tuple[str, ...], ...]
    manifest: Mapping[str, str]
