"""Many pictures at once give what each gives alone, in order and without reading far ahead."""

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
def test_they_come_in_order_and_are_the_same(workers: int) -> None:
    segmenter = Catalog().load(SHIPPED[0])
    images = [draw_sample(4, index, size=(100 + index, 120)).image for index in range(7)]
    found = list(predict_many(segmenter, images, workers=workers))
    assert len(found) == len(images)
    for image, one in zip(images, found, strict=True):
        assert one.labels.shape == image.shape[:2]
        assert (one.labels == segmenter.predict(image).labels).mean() > 0.9995


def test_no_more_are_read_than_are_needed() -> None:
    read = []

    def images() -> Iterator[NDArray[np.uint8]]:
        for index in range(50):
            read.append(index)
            yield draw_sample(4, index % 3, size=(96, 96)).image

    found = predict_many(Catalog().load(SHIPPED[0]), images(), workers=2)
    next(found)
    assert len(read) <= 4
    found.close()


def test_what_is_wrong_is_raised_in_its_turn() -> None:
    good, small = draw_sample(4, 0, size=(96, 96)).image, np.zeros((5, 5, 3), np.uint8)
    found = predict_many(Catalog().load(SHIPPED[0]), [good, small, good], workers=2)
    next(found)
    with pytest.raises(ImageError, match="16×16"):
        next(found)
