"""Fields of view: every white cell is detected once, and nothing else."""

from __future__ import annotations

import time

import numpy as np
import pytest
from numpy.typing import NDArray

from wbcseg.datasets.synthetic.generator import draw_sample
from wbcseg.inference import BBox, Catalog, DetectedCell, Segmentation, threshold_rule
from wbcseg.inference.threshold_rule import detect_nuclei, segment_field_of_view
from wbcseg.labels import Labels
from wbcseg.metrics import score

SIDE = 130


def compose_field(
    numbers: list[int], columns: int, *, stain: str = "white", scale: int = 1
) -> tuple[NDArray[np.uint8], Labels]:
    """Return synthetic cells on plain plasma, and their masks."""
    samples = [draw_sample(4, number, size=(120, 120), stain=stain) for number in numbers]
    first = samples[0]
    assert first.mask is not None
    plasma = np.median(first.image[first.mask == 0], axis=0)
    rows = -(-len(samples) // columns)
    field = np.empty((rows * SIDE + 40, columns * SIDE + 40, 3), np.uint8)
    field[:] = plasma.astype(np.uint8)
    mask = np.zeros(field.shape[:2], np.uint8)
    for bbox, sample in enumerate(samples):
        assert sample.mask is not None
        top, left = 20 + bbox // columns * SIDE, 20 + bbox % columns * SIDE
        # Only the cell's pixels of each crop, so that nothing is cut off at the crop's edge.
        is_cell = sample.mask > 0
        field[top : top + 120, left : left + 120][is_cell] = sample.image[is_cell]
        mask[top : top + 120, left : left + 120] = sample.mask
    return (np.repeat(np.repeat(item, scale, axis=0), scale, axis=1) for item in (field, mask))  # type: ignore[return-value]


def build_perfect_model(field: NDArray[np.uint8], mask: Labels):  # type: ignore[no-untyped-def]
    """Return a field whose pixels encode their index, and a model that looks up a crop's mask by them."""
    address = np.arange(field.shape[0] * field.shape[1]).reshape(field.shape[:2])
    marked = np.dstack([address >> 16 & 255, address >> 8 & 255, address & 255]).astype(np.uint8)

    def predict_crop(crop: NDArray[np.uint8]) -> NDArray[np.float32]:
        bboxes = crop[..., 0].astype(int) << 16 | crop[..., 1].astype(int) << 8 | crop[..., 2]
        return np.eye(3, dtype=np.float32)[mask.ravel()[bboxes]]

    return marked, predict_crop


@pytest.mark.parametrize("stain", ["white", "yellow"])
@pytest.mark.parametrize("scale", [1, 3])
def test_every_nucleus_is_detected_at_any_scale(stain: str, scale: int) -> None:
    field, mask = compose_field(list(range(12)), 4, stain=stain, scale=scale)
    bboxes = detect_nuclei(field)
    for number in range(12):
        y, x = (20 + number // 4 * SIDE + 60) * scale, (20 + number % 4 * SIDE + 60) * scale
        assert any(p.top <= y < p.bottom and p.left <= x < p.right for p in bboxes), number
    assert mask.any()


def test_empty_field_has_no_cell() -> None:
    rng = np.random.default_rng(0)
    plain = np.clip(rng.normal((230, 225, 210), 3, (600, 800, 3)), 0, 255).astype(np.uint8)
    assert not detect_nuclei(np.full((600, 800, 3), 230, np.uint8))
    cells = segment_field_of_view(plain, lambda crop: np.zeros((*crop.shape[:2], 3), np.float32))
    labels = Segmentation.from_cells(cells, plain.shape, "unet").labels
    assert not cells
    assert (labels == 0).all()
    np.testing.assert_allclose(Segmentation(labels, None, "unet").probabilities.sum(axis=-1), 1.0)


def test_every_cell_is_counted_once_at_its_position(monkeypatch: pytest.MonkeyPatch) -> None:
    field, mask = compose_field(list(range(12)), 4)
    bboxes = detect_nuclei(field)
    marked, predict_crop = build_perfect_model(field, mask)
    # Every candidate twice: the second must not count.
    monkeypatch.setattr(threshold_rule, "detect_nuclei", lambda _: [*bboxes, *bboxes])
    cells = segment_field_of_view(marked, predict_crop)
    labels = Segmentation.from_cells(cells, marked.shape, "unet").labels
    result = [cell.bbox for cell in cells]
    assert len(result) == 12
    assert [item.probabilities.shape[:2] for item in cells] == [labels[bbox.slices].shape for bbox in result]
    assert list(result) == sorted(result, key=lambda item: (item.top + item.bottom, item.left + item.right))
    assert score(mask, labels).dice["cell"] > 0.99
    whole = Segmentation(labels, None, "unet", cells)
    assert (whole.probabilities.argmax(axis=-1) == labels).all()
    np.testing.assert_allclose(whole.probabilities.sum(axis=-1), 1.0, atol=1e-5)
    assert (whole.probabilities_u8 == np.rint(whole.probabilities[..., 1:] * 255)).all()


def test_pixel_has_the_probabilities_of_its_cell(monkeypatch: pytest.MonkeyPatch) -> None:
    """Crops overlap: a crop's probabilities of a neighbouring cell do not count."""
    field, mask = compose_field([0, 1], 2)
    middle = field.shape[1] // 2
    bboxes = [BBox(0, 0, field.shape[0], middle + 50), BBox(0, middle - 50, field.shape[0], field.shape[1])]
    monkeypatch.setattr(threshold_rule, "detect_nuclei", lambda _: bboxes)
    marked, predict_exactly = build_perfect_model(field, mask)

    def predict_crop(crop: NDArray[np.uint8]) -> NDArray[np.float32]:
        # More certain towards the middle of the crop.
        distance = np.abs(np.linspace(-1, 1, crop.shape[1]))[None, :, None].astype(np.float32)
        soft = predict_exactly(crop)
        return soft * (1 - 0.6 * distance) + (1 - soft) * 0.3 * distance

    cells = segment_field_of_view(marked, predict_crop)
    labels = Segmentation.from_cells(cells, marked.shape, "unet").labels
    assert len(cells) == 2
    result = Segmentation(labels, None, "unet", cells)
    for cell in cells:
        assert (result.probabilities[cell.bbox.slices][cell.cell_mask] == cell.probabilities[cell.cell_mask]).all()
    assert not (np.add.reduce([_on(field, cell) for cell in cells]) > 1).any()
    assert ((result.probabilities_u8 / 255 - result.probabilities[..., 1:]) < 0.002).all()


def _on(field: NDArray[np.uint8], cell: DetectedCell) -> NDArray[np.int_]:
    whole = np.zeros(field.shape[:2], np.int_)
    whole[cell.bbox.slices] += cell.cell_mask
    return whole


def test_object_without_nucleus_is_not_a_white_cell(monkeypatch: pytest.MonkeyPatch) -> None:
    field, mask = compose_field([0, 1, 2, 3], 2)
    without_nuclei = np.where(mask == 2, 1, mask).astype(np.uint8)
    bboxes = detect_nuclei(field)
    marked, predict_crop = build_perfect_model(field, without_nuclei)
    assert bboxes
    monkeypatch.setattr(threshold_rule, "detect_nuclei", lambda _: bboxes)
    assert segment_field_of_view(marked, predict_crop) == ()


def test_crop_grows_until_its_cell_fits(monkeypatch: pytest.MonkeyPatch) -> None:
    field, mask = compose_field([0], 1)
    rows, columns = np.nonzero(mask)
    y, x = (int(rows.min() + rows.max()) // 2, int(columns.min() + columns.max()) // 2)
    half = max(np.ptp(rows), np.ptp(columns)) // 4
    monkeypatch.setattr(threshold_rule, "detect_nuclei", lambda _: [BBox(y - half, x - half, y + half, x + half)])
    marked, predict_crop = build_perfect_model(field, mask)
    (cell,) = segment_field_of_view(marked, predict_crop)
    assert cell.cell_mask.sum() == (mask > 0).sum()


def test_no_cells_are_detected_in_a_texture() -> None:
    dots = np.full((900, 1200, 3), 230, np.uint8)
    for top in range(0, 900, 16):
        for left in range(0, 1200, 16):
            dots[top : top + 8, left : left + 8] = 40
    start = time.process_time()
    result = Catalog().load("unet-general").predict(dots)
    assert time.process_time() - start < 10
    assert result.cells == ()
    assert not result.labels.any()


def test_shipped_model_counts_the_cells_of_a_field() -> None:
    segmenter = Catalog().load("unet-16")
    field, mask = compose_field(list(range(20, 32)), 4, stain="white")
    result = segmenter.predict(field)
    assert result.is_field_of_view
    assert 11 <= len(result.cells) <= 13
    assert score(mask, result.labels).dice["cell"] > 0.85
    assert result.labels[:15].sum() == 0
