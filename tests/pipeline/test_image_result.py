"""Results of images."""

from __future__ import annotations

import numpy as np

from wbcseg.datasets.synthetic import draw_sample
from wbcseg.datasets.uploads import InputImage
from wbcseg.inference import Catalog
from wbcseg.io import encode_png
from wbcseg.pipeline import ImageResult, LastImageCache, PipelineConfig, analyze_image
from wbcseg.quality import EMPTY_FIELD_REASON, REVIEW


def analyze(image: np.ndarray) -> ImageResult:
    png = encode_png(image)
    return analyze_image(
        InputImage("a.png", "a", lambda: png), PipelineConfig(Catalog().load("unet-16")), LastImageCache()
    )


def test_field_without_a_cell_is_a_result_to_review() -> None:
    for size in ((200, 240), (500, 600)):
        empty = analyze(np.full((*size, 3), 225, np.uint8))
        assert (empty.is_field_of_view, empty.cells, empty.problem) == (True, (), None)
        assert (empty.status, empty.message) == (REVIEW, EMPTY_FIELD_REASON)


def test_crop_with_a_cell_has_the_status_of_its_cell() -> None:
    crop = analyze(draw_sample(3, 0).image)
    assert (crop.status, crop.message, len(crop.cells)) == ("", "", 1)
