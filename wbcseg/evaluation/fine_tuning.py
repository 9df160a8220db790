"""Whether fine-tuning helped: a model and the one that it started from, on the same held-out images."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Final

import numpy as np

from wbcseg.datasets import Dataset
from wbcseg.errors import RunError
from wbcseg.evaluation.heldout import ImageScore, score_images
from wbcseg.inference import Segmenter
from wbcseg.io.records import read_record
from wbcseg.metrics import FOREGROUND_REGIONS
from wbcseg.training import Run

FINE_TUNING_FILE: Final = "fine_tuning.json"
CONFIDENCE: Final = 0.95


@dataclass(frozen=True)
class Change:
    """How much the Dice of a region changed on the held-out images.

    Attributes:
        images: Number of images in which it is defined.
        before: Mean of the model that the training started from, 0 to 1.
        after: Mean of the trained model.
        difference: Mean difference of the images, after minus before.
        ci_low: Lower bound of its 95% confidence interval (paired t); ``None`` for a single image.
        ci_high: Upper bound.
    """

    images: int
    before: float
    after: float
    difference: float
    ci_low: float | None
    ci_high: float | None

    @property
    def verdict(self) -> str:
        """``better``, ``worse``, or ``unclear`` if the interval contains 0."""
        if self.ci_low is not None and self.ci_low > 0:
            return "better"
        return "worse" if self.ci_high is not None and self.ci_high < 0 else "unclear"


@dataclass(frozen=True)
class FineTuning:
    """A fine-tuned model beside the one that it started from.

    Attributes:
        start: Name of the model that the training started from.
        trained: Number of images that it was fine-tuned on.
        known: Number of held-out images that the first model was trained on, whose figures before are too good.
        changes: Change of each region by its name; regions that no image has are missing.
    """

    start: str
    trained: int
    known: int
    changes: Mapping[str, Change]

    @property
    def summary(self) -> str:
        """What came out, in one or two sentences."""
        cell = self.changes.get("cell")
        if cell is None:
            return "No held-out image has a cell, so nothing can be said."
        figures = (
            f"Dice of the whole cell on {cell.images} held-out images: {cell.before:.3f} before, {cell.after:.3f} now"
        )
        if cell.ci_low is not None and cell.ci_high is not None:
            figures += f" (difference {cell.difference:+.3f}, 95 % interval {cell.ci_low:+.3f} to {cell.ci_high:+.3f})"
        verdict = {
            "better": "The new model is better on these images.",
            "worse": f"The new model is worse: keep using {self.start}.",
            "unclear": "Whether it is better is not certain: more corrected images would tell.",
        }[cell.verdict]
        known = f" {self.start} was trained on {self.known} of them." if self.known else ""
        return f"{figures}. {verdict}{known}"


def compare_with_start(run: Run, dataset: Dataset, start: Segmenter, tuned: Segmenter) -> FineTuning:
    """Score a run's model and the one that it started from on the run's held-out images, and store the result.

    Args:
        run: The run.
        dataset: Its data set.
        start: The model that it started from.
        tuned: The model of the run.
    """
    split = run.load_split()
    before, after = (score_images(model, dataset, split.test) for model in (start, tuned))
    known = sum(dataset.read(row.id).compute_digest() in start.card.training_digests for row in after)
    changes = {region: change for region in FOREGROUND_REGIONS if (change := measure_change(before, after, region))}
    result = FineTuning(start.name, len(split.train), known, changes)
    run.write(FINE_TUNING_FILE, asdict(result))
    return result


def measure_change(before: list[ImageScore], after: list[ImageScore], region: str) -> Change | None:
    """Return the change of the Dice of a region, or ``None`` if no image has it.

    Args:
        before: Scores of the first model.
        after: Scores of the second one on the same images, in the same order.
        region: One of :data:`wbcseg.metrics.FOREGROUND_REGIONS`.
    """
    # Slow to import: imported only where it is needed.
    from scipy import stats

    pairs = np.array([[row.scores.dice[region] for row in rows] for rows in (before, after)]).T
    defined = pairs[~np.isnan(pairs).any(axis=1)]
    if not len(defined):
        return None
    differences = defined[:, 1] - defined[:, 0]
    low = high = None
    if len(defined) > 1:
        error = float(differences.std(ddof=1)) / math.sqrt(len(defined))
        reach = float(stats.t.ppf((1 + CONFIDENCE) / 2, len(defined) - 1)) * error
        low, high = (round(float(differences.mean()) + sign * reach, 4) for sign in (-1, 1))
    mean_before, mean_after = (round(float(value), 4) for value in defined.mean(axis=0))
    return Change(len(defined), mean_before, mean_after, round(float(differences.mean()), 4), low, high)


def load_fine_tuning(run: Run) -> FineTuning | None:
    """Return the stored result of a run, or ``None`` if it has none or it cannot be read."""
    try:
        return read_record(FineTuning, run.read(FINE_TUNING_FILE), FINE_TUNING_FILE)
    except (RunError, ValueError):
        return None
