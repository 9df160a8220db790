"""Whether an image is a crop or a field of view follows from its cells; those of a field never overlap."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from numpy.typing import NDArray
from smears import compose_smear, list_grid_places

from wbcseg.inference import Catalog, Segmentation, Segmenter
from wbcseg.inference.close_up import CloseUpModel
from wbcseg.inference.detection import Detection
from wbcseg.inference.field_of_view import is_crop_of_one_cell, segment_field_of_view
from wbcseg.labels import Labels
from wbcseg.metrics import score

SIDE = 160
"""Side of the close-ups of :func:`build_perfect_model`: they are not resized."""


@pytest.fixture(scope="module")
def segmenter() -> Segmenter:
    return Catalog().load("unet-general")


def build_perfect_model(labels: Labels) -> tuple[NDArray[np.uint8], CloseUpModel]:
    """Return a field whose pixels encode their index, and a model that looks up a close-up's class ids by them."""
    address = np.arange(labels.size).reshape(labels.shape)
    marked = np.dstack([address >> 16 & 255, address >> 8 & 255, address & 255]).astype(np.uint8)

    def predict_squares(squares: NDArray[np.uint8]) -> NDArray[np.float32]:
        index = squares[..., 0].astype(int) << 16 | squares[..., 1].astype(int) << 8 | squares[..., 2]
        return np.eye(3, dtype=np.float32)[labels.ravel()[index]]

    return marked, CloseUpModel(predict_squares, SIDE, 0.5, None)


def detect_perfectly(instances: NDArray[np.uint16], size: float = SIDE / 2) -> list[Detection]:
    """Return square boxes of one size around the cells."""
    centres = [np.argwhere(instances == number).mean(axis=0) for number in range(1, instances.max() + 1)]
    return [Detection(x - size / 2, y - size / 2, x + size / 2, y + size / 2, 0.9) for y, x in centres]


def at(y: float, x: float, size: float) -> Detection:
    return Detection(x - size / 2, y - size / 2, x + size / 2, y + size / 2, 0.9)


@pytest.mark.parametrize(
    ("detections", "size", "expected"),
    [
        ([at(400, 400, 400)], (800, 800), True),
        ([at(60, 62, 100)], (120, 120), True),
        ([at(180, 180, 120), Detection(320, 160, 360, 200, 0.9)], (360, 360), True),
        ([at(180, 180, 120), Detection(260, 120, 360, 240, 0.9)], (360, 360), False),
        ([at(180, 180, 120), at(180, 290, 100)], (360, 360), False),
        ([at(80, 80, 60), at(150, 150, 60), at(230, 200, 60)], (300, 300), False),
        ([at(150, 60, 100)], (300, 300), False),
        ([at(288, 360, 80)], (576, 720), False),
        ([], (300, 300), False),
    ],
)
def test_crop_shows_one_large_cell_in_the_middle(
    detections: list[Detection], size: tuple[int, int], expected: bool
) -> None:
    assert is_crop_of_one_cell(detections, *size) is expected


def test_size_does_not_tell_crops_from_fields(segmenter: Segmenter) -> None:
    large_crop, labels, _ = compose_smear([(0, 0)], (120, 120), scale=6.5)
    result = segmenter.predict(large_crop)
    assert not result.is_field_of_view
    assert score(labels, result.labels).dice["cell"] > 0.9
    small_field, labels, _ = compose_smear([(0, 0), (0, 130), (130, 70)], (260, 260))
    result = segmenter.predict(small_field)
    assert (result.is_field_of_view, len(result.cells)) == (True, 3)
    assert score(labels, result.labels).dice["cell"] > 0.9


def test_crop_with_a_second_cell_at_its_border_is_a_crop_of_the_middle_cell(segmenter: Segmenter) -> None:
    crop, _, instances = compose_smear([(60, 60), (60, 200)], (240, 240))
    result = segmenter.predict(crop)
    assert not result.is_field_of_view
    assert score((instances == 1).astype(np.uint8), (result.labels > 0).astype(np.uint8)).dice["cell"] > 0.9


@pytest.mark.parametrize("size", [(200, 200), (600, 800)])
def test_image_without_a_cell_is_an_empty_field(segmenter: Segmenter, size: tuple[int, int]) -> None:
    plain = np.clip(np.random.default_rng(0).normal((230, 225, 210), 3, (*size, 3)), 0, 255).astype(np.uint8)
    result = segmenter.predict(plain)
    assert result.is_field_of_view
    assert result.cells == ()
    assert not result.labels.any()
    assert not result.instances.any()
    np.testing.assert_allclose(result.probabilities.sum(axis=-1), 1.0)


def test_every_cell_is_segmented_once_at_its_position() -> None:
    _, labels, instances = compose_smear(list_grid_places(12, 4), (430, 560))
    marked, model = build_perfect_model(labels)
    cells = segment_field_of_view(marked, detect_perfectly(instances), model)
    assert [cell.id for cell in cells] == list(range(1, 13))
    assert all(first.centroid[1] < second.centroid[1] + 60 for first, second in pairwise(cells))
    result = Segmentation.from_cells(cells, labels.shape, "perfect")
    assert score(labels, result.labels).dice["cell"] > 0.99
    assert (result.probabilities.argmax(axis=-1) == result.labels).all()
    assert ((result.instances > 0) == (result.labels > 0)).all()
    assert all(cell.score == 0.9 for cell in cells)


def test_pixel_has_the_probabilities_of_its_cell() -> None:
    """Close-ups overlap: a close-up's probabilities of a neighbouring cell do not count."""
    _, labels, instances = compose_smear([(20, 20), (20, 95)], (160, 240))
    marked, model = build_perfect_model(labels)
    cells = segment_field_of_view(marked, detect_perfectly(instances), model)
    assert len(cells) == 2
    result = Segmentation.from_cells(cells, labels.shape, "perfect")
    for cell in cells:
        assert (result.probabilities[cell.bbox.slices][cell.cell_mask] == cell.probabilities[cell.cell_mask]).all()
        assert (result.instances[cell.bbox.slices][cell.cell_mask] == cell.id).all()
    assert sum(int(cell.cell_mask.sum()) for cell in cells) == np.count_nonzero(result.instances)
    assert ((result.probabilities_u8 / 255 - result.probabilities[..., 1:]) < 0.002).all()


@pytest.mark.parametrize("distance", [78, 68, 58])
def test_overlapping_cells_are_told_apart(distance: int) -> None:
    """A model that takes both cells for one in each close-up: the boxes divide them."""
    rows, columns = np.mgrid[:200, :300]
    centres = ((100, 110), (100, 110 + distance))
    distances = np.array([np.hypot(rows - y, columns - x) for y, x in centres])
    labels = ((distances < 40).any(axis=0)).astype(np.uint8) + (distances < 20).any(axis=0)
    truth = np.where(labels > 0, distances.argmin(axis=0) + 1, 0)
    marked, model = build_perfect_model(labels.astype(np.uint8))
    cells = segment_field_of_view(marked, [at(y, x, 80) for y, x in centres], model)
    result = Segmentation.from_cells(cells, labels.shape, "perfect")
    for number in (1, 2):
        assert (
            score((truth == number).astype(np.uint8), (result.instances == number).astype(np.uint8)).dice["cell"] > 0.97
        )


def test_close_up_grows_until_its_cell_fits() -> None:
    _, labels, instances = compose_smear([(100, 100)], (320, 320))
    (middle,) = detect_perfectly(instances, size=30)
    marked, model = build_perfect_model(labels)
    (cell,) = segment_field_of_view(marked, [middle], CloseUpModel(model.predict_squares, 60, 0.5, None))
    assert cell.bbox.bottom - cell.bbox.top > 60
    assert cell.edges == (False, False, False, False)


def test_cells_cut_by_the_image_edge_are_marked(segmenter: Segmenter) -> None:
    field, _, _ = compose_smear([(-45, 200), (150, 330), (200, 100), (250, -40)], (400, 410))
    cells = segmenter.predict(field).cells
    assert [cell.edges for cell in cells] == [
        (True, False, False, False),
        (False, False, False, True),
        (False, False, False, False),
        (False, False, True, False),
    ]


def test_detection_without_a_cell_is_dropped() -> None:
    _, labels, _ = compose_smear([(20, 20)], (160, 300))
    marked, model = build_perfect_model(labels)
    assert len(segment_field_of_view(marked, [at(80, 80, 80), at(80, 240, 80)], model)) == 1


def test_shipped_models_segment_the_cells_of_a_field() -> None:
    field, labels, _ = compose_smear(list_grid_places(12, 4), (430, 560), first=20)
    for name in ("unet-16", "unet-general"):
        result = Catalog().load(name).predict(field)
        assert len(result.cells) == 12
        assert score(labels, result.labels).dice["cell"] > 0.85
        assert result.labels[:15].sum() == 0


@pytest.mark.parametrize("distance", [75, 62])
def test_shipped_model_tells_touching_cells_apart(segmenter: Segmenter, distance: int) -> None:
    field, _, instances = compose_smear([(60, 60), (75, 60 + distance)], (260, 320), first=3)
    result = segmenter.predict(field)
    assert len(result.cells) == 2
    for number in (1, 2):
        truth, own = instances == number, result.instances == number
        assert 2 * (truth & own).sum() / (truth.sum() + own.sum()) > 0.9
