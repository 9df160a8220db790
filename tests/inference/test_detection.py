"""The cell detector finds every white cell once, at any size, and nothing else."""

from __future__ import annotations

import shutil
import threading
import time
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from smears import compose_smear, list_grid_places

from wbcseg.errors import ChecksumError, ErrorCode, ModelError
from wbcseg.inference import Catalog
from wbcseg.inference.detection import CellDetector, DetectorCard, candidates, load_cell_detector
from wbcseg.inference.detection.background import estimate_background, normalise
from wbcseg.inference.detection.boxes import (
    find_boxes_around_two,
    find_cut_boxes,
    suppress_overlaps,
)
from wbcseg.inference.detection.candidates import find_peaks
from wbcseg.inference.detection.halves import divide_box, may_be_two
from wbcseg.inference.detection.pyramid import build_pyramid, list_tiles, reduce_image
from wbcseg.inference.detection.verifier import crop_candidate
from wbcseg.inference.predictor import MANY_CELLS_NOTICE
from wbcseg.metrics.boxes import compute_iou
from wbcseg.paths import DETECTOR_FOLDER, get_detector_folder, get_weights_folder

SHIPPED = get_weights_folder() / DETECTOR_FOLDER
CARD = (SHIPPED / "card.json").read_text(encoding="utf-8")


def boxes(*rows: tuple[float, float, float, float]) -> NDArray[np.float32]:
    return np.array(rows, np.float32)


def test_overlap_of_boxes() -> None:
    iou = compute_iou(boxes((0, 0, 10, 10)), boxes((0, 0, 10, 10), (5, 0, 15, 10), (20, 20, 30, 30)))
    np.testing.assert_allclose(iou, [[1, 50 / 150, 0]])


def test_suppression_keeps_the_best_of_overlapping_boxes() -> None:
    several = boxes((0, 0, 10, 10), (1, 0, 11, 10), (2, 2, 6, 6), (40, 40, 50, 50))
    scores = np.array([0.8, 0.9, 0.7, 0.3], np.float32)
    assert suppress_overlaps(several, scores, max_iou=0.4, max_contained=0.7).tolist() == [1, 3]
    assert suppress_overlaps(several, scores, max_iou=0.4, max_contained=1.0).tolist() == [1, 2, 3]
    assert suppress_overlaps(several[:0], scores[:0], max_iou=0.4, max_contained=0.7).tolist() == []


def test_box_around_two_equally_good_ones_is_two_cells() -> None:
    pair = boxes((0, 0, 20, 10), (0, 0, 10, 10), (10, 0, 20, 10))
    assert find_boxes_around_two(pair, np.array([0.9, 0.9, 0.85], np.float32)).tolist() == [True, False, False]
    # One of two lobes, or two weak ones, are parts of the cell.
    assert not find_boxes_around_two(pair, np.array([0.9, 0.9, 0.5], np.float32)).any()


def test_boxes_at_the_edge_are_cut() -> None:
    assert find_cut_boxes(boxes((0, 5, 9, 9), (5, 5, 9, 9), (50, 5, 99.9, 9)), 50, 100).tolist() == [True, False, True]


def test_background_becomes_one() -> None:
    image = np.full((20, 20, 3), (200, 180, 160), np.uint8)
    image[:5] = 40
    background = estimate_background(image)
    np.testing.assert_allclose(normalise(image, background)[10, 10], 1.0)
    # Nothing is divided by nearly zero.
    assert normalise(np.ones_like(image), estimate_background(np.zeros_like(image))).max() <= 0.05


def test_a_field_with_too_many_cells_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    field, _, _ = compose_smear(list_grid_places(12, 4), (430, 560))
    segmenter = Catalog().load("unet-general")
    assert not segmenter.predict(field).notices
    monkeypatch.setattr(candidates, "MAX_CANDIDATES", 6)
    segmentation = segmenter.predict(field)
    assert len(segmentation.cells) <= 6
    assert segmentation.notices == (MANY_CELLS_NOTICE,)


def test_peak_of_a_heat_map_is_a_box() -> None:
    logits = np.full((20, 20), -9.0, np.float32)
    logits[5, 7], logits[5, 8], logits[15, 15] = 2.0, 1.0, -2.0
    geometry = np.zeros((20, 20, 4), np.float32)
    geometry[5, 7] = (0.25, -0.25, np.log(2), 0)
    peaks, heats = find_peaks(logits, geometry, 0.3)
    np.testing.assert_allclose(peaks, [[29 - 16, 23 - 32, 29 + 16, 23 + 32]])
    np.testing.assert_allclose(heats, [1 / (1 + np.exp(-2))], rtol=1e-6)


def test_crop_is_black_beyond_the_image() -> None:
    image = np.full((30, 40, 3), 90, np.uint8)
    crop = crop_candidate(image, boxes((-4, 10, 12, 26))[0], 64)
    assert crop.shape == (64, 64, 3)
    assert (crop[20:40, :20] == 0).all()
    assert (crop[20:40, 30:] == 90).all()


@pytest.mark.parametrize("size", [(64, 80), (800, 800), (864, 1152), (1728, 2304), (816, 16)])
def test_every_point_belongs_to_one_tile(size: tuple[int, int]) -> None:
    y, x = (grid.ravel() + 0.5 for grid in np.mgrid[: size[0] : 7, : size[1] : 7])
    tiles = list_tiles(*size)
    assert len({(tile.height, tile.width) for tile in tiles}) == 1
    assert (np.sum([tile.contains(y, x) for tile in tiles], axis=0) == 1).all()
    for tile in tiles:
        assert tile.height <= 816
        assert tile.top + tile.height <= size[0]
        assert tile.left + tile.width <= size[1]
        own = tile.contains(y, x)
        # Cells at the border of its own part lie in it as a whole.
        for values, start, length, total in ((y, tile.top, tile.height, size[0]), (x, tile.left, tile.width, size[1])):
            assert values[own].min() - start >= 60 or start == 0
            assert start + length - values[own].max() >= 60 or start + length == total


def test_pyramid_has_no_two_similar_levels() -> None:
    for size in ((120, 110), (300, 300), (480, 640), (3000, 200)):
        levels = [max(level.shape[:2]) for level in build_pyramid(np.zeros((*size, 3), np.uint8))]
        assert levels[0] == min(576, -(-max(size) // 16) * 16)
        assert all(first >= 1.2 * second for first, second in pairwise(levels))
    assert reduce_image(np.zeros((5000, 4000, 3), np.uint8), 2304).shape == (2500, 2000, 3)


def test_small_cells_of_a_large_field_are_detected() -> None:
    """At this size they are searched for in tiles."""
    small, _, _ = compose_smear(list_grid_places(6, 3), (300, 430), scale=0.35)
    field = np.full((1300, 1800, 3), np.median(small, axis=(0, 1)), np.uint8)
    for top, left in ((30, 40), (650, 830), (1180, 1600)):
        field[top : top + len(small), left : left + small.shape[1]] = small
    assert len(load_cell_detector().detect(field)) == 18


@pytest.mark.parametrize(("stain", "scale"), [("white", 1.0), ("yellow", 1.0), ("white", 3.0), ("white", 0.45)])
def test_every_cell_is_detected_at_any_scale(stain: str, scale: float) -> None:
    field, _, instances = compose_smear(list_grid_places(12, 4), (430, 560), stain=stain, scale=scale)
    detections = load_cell_detector().detect(field)
    assert len(detections) == 12
    for number in range(1, 13):
        rows, columns = np.nonzero(instances == number)
        truth = boxes((columns.min(), rows.min(), columns.max() + 1, rows.max() + 1))
        detected = boxes(*((d.left, d.top, d.right, d.bottom) for d in detections))
        assert compute_iou(truth, detected).max() > 0.5


def test_scores_fall_and_lie_within_range() -> None:
    field, _, _ = compose_smear(list_grid_places(4, 2), (300, 300))
    scores = [detection.score for detection in load_cell_detector().detect(field)]
    assert scores == sorted(scores, reverse=True)
    assert all(0 <= score <= 1 for score in scores)
    assert len(load_cell_detector().detect(field, min_score=1.0)) == 0


@pytest.mark.parametrize("size", [(16, 16), (40, 700), (600, 800)])
def test_plain_background_has_no_cell(size: tuple[int, int]) -> None:
    plain = np.clip(np.random.default_rng(0).normal((230, 225, 210), 3, (*size, 3)), 0, 255).astype(np.uint8)
    assert load_cell_detector().detect(plain) == ()
    assert load_cell_detector().detect(np.full((*size, 3), 230, np.uint8)) == ()


def test_no_cells_are_detected_in_a_texture() -> None:
    dots = np.full((900, 1200, 3), 230, np.uint8)
    for top in range(0, 900, 16):
        for left in range(0, 1200, 16):
            dots[top : top + 8, left : left + 8] = 40
    start = time.process_time()
    assert load_cell_detector().detect(dots) == ()
    assert time.process_time() - start < 10


def test_threads_share_the_detector() -> None:
    fields = [compose_smear(list_grid_places(2, 2), (160, 290 + 40 * n), first=2 * n)[0] for n in range(3)]
    detector = load_cell_detector()
    assert load_cell_detector() is detector
    expected = [detector.detect(field) for field in fields]
    results: dict[int, object] = {}

    def detect_repeatedly(number: int) -> None:
        for _ in range(4):
            results[number] = detector.detect(fields[number])

    threads = [threading.Thread(target=detect_repeatedly, args=(number,)) for number in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [results[number] for number in range(3)] == expected


def test_card_names_data_and_licences() -> None:
    card = DetectorCard.read(SHIPPED)
    (pbc,) = [data for data in card.training_data if data.name == "pbc"]
    assert "Acevedo" in pbc.authors
    assert pbc.licence == "CC BY 4.0"
    assert any("Erythroblasts" in note for note in card.notes)
    assert DETECTOR_FOLDER not in [entry.name for entry in Catalog().entries]


def test_other_folder_of_models_without_a_detector_uses_the_shipped_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WBCSEG_WEIGHTS", str(tmp_path))
    assert get_detector_folder() == SHIPPED
    (tmp_path / DETECTOR_FOLDER).mkdir()
    assert get_detector_folder() == tmp_path / DETECTOR_FOLDER


def test_card_is_written_as_it_is_read(tmp_path: Path) -> None:
    card = replace(DetectorCard.read(SHIPPED), title="Another")
    card.write(tmp_path)
    assert DetectorCard.read(tmp_path) == card


def test_replaced_file_is_rejected(tmp_path: Path) -> None:
    folder = tmp_path / "detector"
    shutil.copytree(SHIPPED, folder)
    (folder / "verifier.tflite").write_bytes(b"x" + (folder / "verifier.tflite").read_bytes()[1:])
    with pytest.raises(ChecksumError):
        CellDetector(folder)
    (folder / "verifier.tflite").unlink()
    with pytest.raises(ModelError) as caught:
        CellDetector(folder)
    assert caught.value.code == ErrorCode.UNREADABLE


@pytest.mark.parametrize(
    ("card", "code"),
    [
        (None, ErrorCode.NOT_FOUND),
        ("{", ErrorCode.DAMAGED),
        ('{"format": 99}', ErrorCode.DAMAGED),
        (CARD.replace('"severity"', '"harshness"'), ErrorCode.DAMAGED),
    ],
)
def test_folder_without_a_valid_card_is_rejected(tmp_path: Path, card: str | None, code: ErrorCode) -> None:
    if card is not None:
        (tmp_path / "card.json").write_text(card)
    with pytest.raises(ModelError) as caught:
        load_cell_detector(tmp_path)
    assert caught.value.code == code


def test_box_of_two_cells_is_divided() -> None:
    """A verifier that knows two discs: halves that lie on them are cells, others are not."""
    discs = boxes((0, 20, 40, 60), (50, 20, 90, 60))

    def verify(several: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        iou = compute_iou(several, discs)
        return iou.max(axis=1), discs[iou.argmax(axis=1)]

    whole = boxes((0, 15, 90, 65))[0]
    divided = divide_box(whole, 0.5, verify)
    assert divided is not None
    np.testing.assert_array_equal(divided[0], discs)
    # The halves of one cell are not cells, and a certain cell is not divided.
    assert divide_box(discs[0], 0.5, verify) is None
    assert not may_be_two(0.9, 0.99)
    assert may_be_two(0.9, 0.5)


@pytest.mark.parametrize("distance", [80, 62])
def test_touching_cells_are_two(distance: int) -> None:
    field, _, _ = compose_smear([(60, 60), (75, 60 + distance)], (260, 320), first=3)
    assert len(load_cell_detector().detect(field)) == 2
