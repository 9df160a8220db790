"""What the thesis published, as data.

Source: *Semantic segmentation of peripheral blood leukocytes using neural networks* (hdl.handle.net/10609/90265) and
its notebooks (github.com/dIcarusb/Master_project), whose printed figures ``results.json`` holds.

What the figures are, which is not always what they are called:

- *Accuracy* is Keras' binary accuracy: the share of the rounded class probabilities (three a pixel) that equal the
  one-hot target. It lies above the share of pixels whose class is right.
- *Loss* is binary cross-entropy, the mean over the same three numbers a pixel.
- *Validation* and *test* are the same 30 pictures. Of 24 of them a mirrored copy was in training.
- *Jaccard* as published is the share of numbers that are right (accuracy), from scikit-learn's old
  ``jaccard_similarity_score``. From the Dice D of the same pair, its Jaccard index is D / (2 − D).
- *Jaccard* and *Dice* as published are not of cytoplasm and nucleus, but of the middle and the lower third of a picture
  with its three classes together. The printed pairs show it: with J and D of one picture, both sides of its comparison
  had 14,400 (1 − J) / (1 − D) ones together (see :meth:`ThesisResult.compared`). These are 9,520 for "cytoplasm" and
  9,282 for "nucleus", within 31 and 11, for every picture and network, although cells differ several-fold in size.
  A one-hot picture of 120×120×3 numbers without its last row and column (a quirk) has 4,760 ones on either side in its
  upper and its middle forty rows, and 4,641 in the lower ones: what comes out, as the classes 0, 1 and 2, if it is
  reordered to (3, 120, 120) without moving its axes. That the cytoplasm (class 1) is the middle fits the accuracies,
  too: the whole picture's is the mean of its thirds, which leaves .992, .980 and .979 (U-Net, SegNet-Basic, DeconvNet)
  for the upper one, more than the same network has in the middle, where the cell lies. Where most pixels are easily
  right, such figures lie above those of a class.
- A ± in the thesis is the standard error over the pictures, σ/√n with σ of the pictures themselves (divided by n, not
  n − 1), and its tables cut figures off after the last digit, not round them.
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
"""Short names of the networks that the thesis trained."""

SCORED_CLASSES: Final = ("cytoplasm", "nucleus")
"""The classes that it says it scored."""

THESIS_EPOCHS: Final = 30

PIXELS_PER_IMAGE: Final = 120 * 120
"""Of a picture."""

_EPOCH_FIELDS: Final = ("loss", "accuracy", "val_loss", "val_accuracy", "seconds_per_epoch")
_IMAGE_FIELDS: Final = ("thesis_dice", "thesis_jaccard")


@dataclass(frozen=True)
class ThesisResult:
    """What a notebook of the thesis printed of one network, of width 64, with mirrored copies of the pictures.

    Attributes:
        architecture: ``unet``, ``segnet`` or ``deconvnet``.
        parameters: Numbers that the network holds.
        trainable_parameters: Numbers of them that training changes by gradient.
        annex: Of the training without mirrored copies, after its last epoch: ``accuracy``, ``val_accuracy``, ``loss``
            and ``val_loss``.
        loss: Binary cross-entropy of the 417 training pictures, one value an epoch.
        accuracy: Binary accuracy of the training pictures (0 to 1), one value an epoch.
        val_loss: Binary cross-entropy of the 30 test pictures, one value an epoch.
        val_accuracy: Binary accuracy of the test pictures (0 to 1), one value an epoch.
        seconds: Time of the whole training on a graphics processor of Google Colab.
        seconds_per_epoch: Time of each epoch there, in whole seconds; the first sets the processor up.
        test_loss: Loss of the test pictures after the last epoch.
        test_accuracy: Binary accuracy of the test pictures after the last epoch.
        thesis_dice: What is printed as Dice (0 to 1) of each test picture in test order, by the class
            (:data:`SCORED_CLASSES`) that it is said to be of; see this module's text.
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
        """Return how many ones both sides of each picture's comparison had together, up to rounding.

        Of 14,400 numbers, the share 1 − J is wrong; Dice is 1 − wrong / (ones of both sides).

        Args:
            class_name: One of :data:`SCORED_CLASSES`.
        """
        pairs = zip(self.thesis_jaccard[class_name], self.thesis_dice[class_name], strict=True)
        return tuple(PIXELS_PER_IMAGE * (1.0 - jaccard) / (1.0 - dice) for jaccard, dice in pairs)


@lru_cache
def load_thesis_result(architecture: str) -> ThesisResult:
    """Return what the thesis published of a network.

    Args:
        architecture: A name in :data:`THESIS_ARCHITECTURES`.

    Raises:
        ConfigError: If the thesis has no such network.
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
