"""The results that the thesis published, as data.

Source: *Semantic segmentation of peripheral blood leukocytes using neural networks* (hdl.handle.net/10609/90265) and
its notebooks (github.com/dIcarusb/Master_project), whose printed numbers are in ``results.json``.

What the numbers mean, which is not always what they are called:

- *Accuracy* is Keras' binary accuracy: the fraction of rounded class probabilities (three for each pixel) that equal
  the one-hot target. It is higher than the fraction of pixels whose class is correct.
- *Loss* is the binary cross-entropy, averaged over the same three numbers for each pixel.
- *Validation* and *test* are the same 30 images. For 24 of them, a flipped copy is in the training set.
- The published *Jaccard* is the fraction of correct numbers (accuracy), computed by scikit-learn's old
  ``jaccard_similarity_score``. The Jaccard index of the same masks follows from their Dice D: D / (2 − D).
- The published *Jaccard* and *Dice* are not those of cytoplasm and nucleus, but those of the middle and the lower third
  of the image, with its three classes together. The printed pairs show it: if J and D are of the same image, target and
  prediction had 14,400 (1 − J) / (1 − D) ones in total (:meth:`ThesisResult.count_ones`). These are 9,520 for
  "cytoplasm" and 9,282 for "nucleus", within 31 and 11, for every image and network, although cells differ several-fold
  in size. A one-hot image of 120×120×3 numbers without its last row and column (a bug of the notebooks) has 4,760 ones
  in its upper and in its middle forty rows, and 4,641 in its lower ones. The thirds become the classes 0, 1 and 2 when
  the array is reshaped to (3, 120, 120) instead of transposed. The accuracies agree: that of the image is the mean of
  its thirds, which leaves 0.992, 0.980 and 0.979 (U-Net, SegNet-Basic, DeconvNet) for the upper third, more than in the
  middle, where the cell is. As most pixels are easy, these numbers are higher than those of a class.
- A ± in the thesis is the standard error over the images, σ/√n, with the population standard deviation (divided by n,
  not n − 1). Its tables truncate numbers after the last digit instead of rounding them.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType
from typing import Final

from wbcseg.errors import ConfigError

__all__ = ["SCORED_CLASSES", "THESIS_ARCHITECTURES", "THESIS_EPOCHS", "ThesisResult", "load_thesis_result"]

THESIS_ARCHITECTURES: Final = ("unet", "segnet", "deconvnet")
"""Networks that the thesis trained."""

SCORED_CLASSES: Final = ("cytoplasm", "nucleus")
"""Classes that the thesis names for its scores."""

THESIS_EPOCHS: Final = 30

PIXELS_PER_IMAGE: Final = 120 * 120
"""Number of pixels of an image."""

_EPOCH_FIELDS: Final = ("loss", "accuracy", "val_loss", "val_accuracy", "seconds_per_epoch")
_IMAGE_FIELDS: Final = ("thesis_dice", "thesis_jaccard")


@dataclass(frozen=True)
class ThesisResult:
    """Results that a notebook of the thesis printed for one network with 64 base filters, trained with flipped copies.

    Attributes:
        architecture: ``unet``, ``segnet`` or ``deconvnet``.
        parameters: Number of parameters.
        trainable_parameters: Number of trainable parameters.
        annex: ``accuracy``, ``val_accuracy``, ``loss`` and ``val_loss`` of the training without flipped copies, after
            its last epoch.
        loss: Binary cross-entropy of the 417 training images in each epoch.
        accuracy: Binary accuracy of the training images in each epoch, 0 to 1.
        val_loss: Binary cross-entropy of the 30 test images in each epoch.
        val_accuracy: Binary accuracy of the test images in each epoch, 0 to 1.
        seconds: Time of the whole training on a GPU of Google Colab.
        seconds_per_epoch: Time of each epoch in whole seconds; the first includes the start-up.
        test_loss: Loss of the test images after the last epoch.
        test_accuracy: Binary accuracy of the test images after the last epoch.
        thesis_dice: What is printed as Dice of each test image, 0 to 1, by the class that it names
            (:data:`SCORED_CLASSES`); see the text of this module.
        thesis_jaccard: What is printed as Jaccard, likewise.
    """

    architecture: str
    parameters: int
    trainable_parameters: int
    annex: Mapping[str, float]
    loss: tuple[float, ...] = field(repr=False)
    accuracy: tuple[float, ...] = field(repr=False)
    val_loss: tuple[float, ...] = field(repr=False)
    val_accuracy: tuple[float, ...] = field(repr=False)
    seconds: float
    seconds_per_epoch: tuple[int, ...] = field(repr=False)
    test_loss: float
    test_accuracy: float
    thesis_dice: Mapping[str, tuple[float, ...]] = field(repr=False)
    thesis_jaccard: Mapping[str, tuple[float, ...]] = field(repr=False)

    def count_ones(self, class_name: str) -> tuple[float, ...]:
        """Return the number of ones in target and prediction of each image together, up to rounding.

        A fraction 1 − J of the 14,400 numbers is wrong, and the Dice is 1 − wrong / (number of ones).

        Args:
            class_name: One of :data:`SCORED_CLASSES`.
        """
        pairs = zip(self.thesis_jaccard[class_name], self.thesis_dice[class_name], strict=True)
        return tuple(PIXELS_PER_IMAGE * (1.0 - jaccard) / (1.0 - dice) for jaccard, dice in pairs)


@lru_cache
def load_thesis_result(architecture: str) -> ThesisResult:
    """Return the published results of a network.

    Args:
        architecture: A name in :data:`THESIS_ARCHITECTURES`.

    Raises:
        ConfigError: If the thesis did not train this network.
    """
    if architecture not in THESIS_ARCHITECTURES:
        raise ConfigError(f"The thesis trained {', '.join(THESIS_ARCHITECTURES)}. Received: {architecture!r}")
    text = Path(__file__).with_name("results.json").read_text(encoding="utf-8")
    values = json.loads(text)[architecture]
    values |= {name: tuple(values[name]) for name in _EPOCH_FIELDS}
    values["annex"] = MappingProxyType(values["annex"])
    for name in _IMAGE_FIELDS:
        values[name] = MappingProxyType({class_name: tuple(values[name][class_name]) for class_name in SCORED_CLASSES})
    return ThesisResult(architecture, **values)
