"""Parallel prediction equals sequential prediction, in order and without reading far ahead."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from models import SHIPPED
from numpy.typing import NDArray

from wbcseg.datasets.synthetic import draw_sample
from wbcseg.errors import ImageError
from wbcseg.inference import Catalog, predict_many


@pytest.mark.parametrize("workers", [1, 2, 3])
def test_results_are_in_order_and_unchanged(workers: int) -> None:
    segmenter = Catalog().load(SHIPPED[0])
    images = [draw_sample(4, index, size=(100 + index, 120)).image for index in range(7)]
    segmentations = list(predict_many(segmenter, images, workers=workers))
    assert len(segmentations) == len(images)
    for image, segmentation in zip(images, segmentations, strict=True):
        assert segmentation.labels.shape == image.shape[:2]
        assert (segmentation.labels == segmenter.predict(image).labels).mean() > 0.9995


def test_no_more_images_are_read_than_needed() -> None:
    read_indices = []

    def images() -> Iterator[NDArray[np.uint8]]:
        for index in range(50):
            read_indices.append(index)
            yield draw_sample(4, index % 3, size=(96, 96)).image

    segmentations = predict_many(Catalog().load(SHIPPED[0]), images(), workers=2)
    next(segmentations)
    assert len(read_indices) <= 4
    segmentations.close()


def test_error_is_raised_in_order() -> None:
    good, small = draw_sample(4, 0, size=(96, 96)).image, np.zeros((5, 5, 3), np.uint8)
    segmentations = predict_many(Catalog().load(SHIPPED[0]), [good, small, good], workers=2)
    next(segmentations)
    with pytest.raises(ImageError, match="16×16"):
        next(segmentations)
