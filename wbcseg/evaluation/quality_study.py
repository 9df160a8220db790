"""Fit and test the quality check of a general model on held-out images of several laboratories.

The images of Zheng's data sets have expert masks. Those of ``pbc`` have boxes: a result counts by the overlap of its
box, and the copies of a good one by the overlap with it. Copies of another stain, light, focus and background give
results that are bad.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from wbcseg.datasets import Dataset
from wbcseg.datasets.fields import FieldInfo, choose_by_type, load_detector_split, open_pbc
from wbcseg.evaluation.heldout import list_heldout_ids
from wbcseg.inference import Segmenter
from wbcseg.inference.postprocess import keep_main_cell
from wbcseg.labels import Labels, find_bounds
from wbcseg.metrics import CELL, score
from wbcseg.metrics.boxes import compute_iou
from wbcseg.models.card_records import LaboratoryTest
from wbcseg.quality.features import compute_quality_features
from wbcseg.quality.fit import Example, find_flagged, fit_quality_model
from wbcseg.quality.model import QualityModel
from wbcseg.quality.negatives import generate_negative_images
from wbcseg.transforms.acquisition import jitter_acquisition
from wbcseg.transforms.background import vary_background

MASKED_COPIES: Final = 8
BOXED_COPIES: Final = 2
"""Varied copies of each image with a mask, and with a box."""

CELLS_PER_TYPE: Final = 25
"""Number of held-out images of ``pbc`` of each type."""

PBC_SIDE: Final = 200
"""Side of the square that is cut out around a cell of ``pbc``: a crop, as the data sets of crops have them."""

MIN_BOX_IOU: Final = 0.88
"""Least overlap with the box from which a result on an image with a box is taken for the truth of its copies."""

GOOD_DICE: Final = 0.93
BAD_DICE: Final = 0.85
"""Dice of the whole cell from which a result is good, and below which it is bad, in the tests by laboratory."""

Rgb = NDArray[np.uint8]


def study_quality(segmenter: Segmenter, datasets: Sequence[Dataset]) -> QualityModel:
    """Fit the quality check of a model, and test it on each laboratory with a check that was fitted to the others.

    Args:
        segmenter: A general model.
        datasets: The data sets with masks that it was trained on, one for each laboratory.

    Raises:
        DatasetError: If ``pbc`` is not on this computer, or a data set has none of the held-out images.
    """
    return fit_by_laboratory(list(_iter_examples(segmenter, datasets)))


def fit_by_laboratory(examples: Sequence[Example]) -> QualityModel:
    """Fit the quality check to examples, whose groups begin with the name of their laboratory, and test it likewise."""
    by_laboratory = defaultdict(list)
    for example in examples:
        if example.dice is not None:
            by_laboratory[_get_laboratory(example)].append(example)
    tests = []
    for laboratory, own in by_laboratory.items():
        others = [example for example in examples if example.dice is None or _get_laboratory(example) != laboratory]
        is_flagged = find_flagged(fit_quality_model(others), own)
        dice = np.array([example.dice for example in own], np.float64)
        good, bad = dice >= GOOD_DICE, dice < BAD_DICE
        tests.append(
            LaboratoryTest(
                laboratory, int(good.sum()), _average(is_flagged[good]), int(bad.sum()), _average(is_flagged[bad])
            )
        )
    model = fit_quality_model(examples)
    return replace(model, metrics=replace(model.metrics, laboratories=tuple(tests)))


def _get_laboratory(example: Example) -> str:
    return str(example.group).partition("/")[0]


def _iter_examples(segmenter: Segmenter, datasets: Sequence[Dataset]) -> Iterator[Example]:
    for dataset in datasets:
        for sample_id in list_heldout_ids(segmenter, dataset):
            sample = dataset.read(sample_id)
            if sample.mask is not None:
                yield from _build_examples(segmenter, sample.image, sample.mask, sample_id, MASKED_COPIES)
    for info in _choose_pbc():
        yield from _build_boxed_examples(segmenter, info)
    for kind, image in generate_negative_images():
        yield Example(_segment(segmenter, image)[1], kind, None)


def _choose_pbc() -> list[FieldInfo]:
    held_out = load_detector_split().pbc_held_out
    return choose_by_type((info for info in open_pbc() if info.name in held_out), CELLS_PER_TYPE)


def _build_examples(
    segmenter: Segmenter, image: Rgb, mask: Labels, group: str, copies: int, first: int = 0
) -> Iterator[Example]:
    """Yield the results on an image (unless ``first`` is 1) and on varied copies of it."""
    rng = np.random.default_rng(sum(group.encode()))
    for index in range(first, copies + 1):
        varied = image if index == 0 else _vary(image, mask, rng)
        labels, features = _segment(segmenter, varied)
        yield Example(features, group, score(mask, labels).dice[CELL], is_original=index == 0)


def _build_boxed_examples(segmenter: Segmenter, info: FieldInfo) -> Iterator[Example]:
    (cell,) = info.cells or ()
    image, group = info.read(), f"pbc/{info.name}"
    x, y = (round((a + b) / 2) for a, b in ((cell.box[0], cell.box[2]), (cell.box[1], cell.box[3])))
    top, left = max(0, y - PBC_SIDE // 2), max(0, x - PBC_SIDE // 2)
    crop = image[top : top + PBC_SIDE, left : left + PBC_SIDE]
    labels, features = _segment(segmenter, crop)
    bounds, iou = find_bounds(labels > 0), 0.0
    if bounds is not None:
        box = np.array([cell.box], np.float32) - np.array([left, top, left, top], np.float32)
        iou = float(compute_iou(np.array([bounds], np.float32), box)[0, 0])
    # Of two regions of the same area, IoU and Dice tell the same.
    yield Example(features, group, 2 * iou / (1 + iou), is_original=True)
    if iou >= MIN_BOX_IOU:
        yield from _build_examples(segmenter, crop, labels, group, BOXED_COPIES, first=1)


def _vary(image: Rgb, mask: Labels, rng: np.random.Generator) -> Rgb:
    """Return a copy as if from another laboratory: another stain, light and camera, sometimes another background."""
    values = image.astype(np.float32) / np.float32(255.0)
    if rng.random() < 0.5:
        values = vary_background(values, mask, rng)
    batch = jitter_acquisition(values[None], rng)
    if rng.random() < 0.7:
        batch = jitter_acquisition(batch, rng)
    return np.asarray(np.rint(batch[0] * 255.0), np.uint8)


def _segment(segmenter: Segmenter, image: Rgb) -> tuple[Labels, NDArray[np.float32]]:
    """Return the main cell of a crop and the features of the result."""
    segmentation = segmenter.predict(image)
    labels = keep_main_cell(segmentation.labels)
    return labels, compute_quality_features(image, segmentation.probabilities, labels)


def _average(flags: NDArray[np.bool_]) -> float | None:
    return round(float(flags.mean()), 4) if flags.size else None
