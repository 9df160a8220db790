"""What the two networks are to answer, on fields made by hand."""

from __future__ import annotations

import numpy as np
import pytest

from wbcseg.detector_training.composing import ComposedField
from wbcseg.detector_training.detector_targets import compute_detector_targets
from wbcseg.detector_training.options import TrainingOptions
from wbcseg.detector_training.verifier_samples import ORIENTATIONS, compute_answer, sample_crops
from wbcseg.errors import ConfigError
from wbcseg.training.steps.schedule import compute_learning_rate


def make_field(boxes: list[list[float]], ignored: list[list[float]] | None = None, side: int = 192) -> ComposedField:
    return ComposedField(
        np.full((side, side, 3), 220, np.uint8),
        np.array(boxes, np.float32).reshape(-1, 4),
        np.array(ignored or [], np.float32).reshape(-1, 4),
        np.zeros((side, side), np.uint16),
        np.ones(len(boxes), np.bool_),
        pairs=((0, 1),) if len(boxes) > 1 else (),
    )


def test_a_cell_is_a_peak_at_its_centre() -> None:
    targets = compute_detector_targets(make_field([[40, 60, 72, 108]])).astype(np.float32)
    assert targets.shape == (48, 48, 7)
    row, column = np.unravel_index(targets[..., 0].argmax(), (48, 48))
    assert (row, column) == (21, 14)
    assert targets[row, column, 0] == 1
    assert (targets[..., 0] == 1).sum() == 1
    offsets, logs = targets[row, column, 1:3], targets[row, column, 3:5]
    assert ((row + 0.5 + offsets[0]) * 4, (column + 0.5 + offsets[1]) * 4) == (84, 56)
    assert 32 * np.exp(logs) == pytest.approx([48, 32], rel=1e-3)
    assert (targets[..., 6] == 1).all()


def test_nothing_is_asked_about_what_may_be_a_cell() -> None:
    targets = compute_detector_targets(make_field([], [[0, 0, 40, 40]]))
    assert not targets[:10, :10, 6].any()
    assert targets[12:, 12:, 6].all()
    # Too large for this level, and too large for certain.
    between, large = (compute_detector_targets(make_field([[10, 10, 10 + s, 10 + s]])) for s in (140, 170))
    assert not between[..., 0].any()
    assert not between[18:20, 18:20, 6].any()
    assert not large[..., 0].any()
    assert large[..., 6].all()


@pytest.mark.parametrize(
    ("box", "is_cell", "weight", "shift_weight"),
    [
        ([40, 40, 80, 80], 1, 1, 1),
        ([44, 40, 84, 80], 1, 1, 1),
        ([60, 40, 100, 80], 0, 0, 1),  # between a cell and none
        ([130, 130, 170, 170], 0, 1, 0),
        ([5, 150, 30, 180], 0, 0, 0),  # ignored
        ([40, 40, 80, 120], 0, 1, 0),  # around two cells
        ([50, 50, 62, 62], 0, 1, 0),  # a lobe
    ],
)
def test_the_verifier_is_asked_for_cells(box: list[float], is_cell: int, weight: int, shift_weight: int) -> None:
    field = make_field([[40, 40, 80, 80], [40, 80, 80, 120]], [[0, 140, 40, 190]])
    answer = compute_answer(np.array(box, np.float32), field)
    assert answer[[0, 1, 6]].tolist() == [is_cell, weight, shift_weight]
    if is_cell:
        longer_side = max(box[2] - box[0], box[3] - box[1])
        assert box + answer[2:6] * longer_side == pytest.approx([40, 40, 80, 80])


def test_orientations_of_crops_move_the_answers() -> None:
    crops = np.arange(2 * 4 * 4 * 3).reshape(2, 4, 4, 3).astype(np.float16)
    answers = np.array([[1, 1, 0.1, 0.2, 0.3, 0.4, 1]] * 2, np.float32)
    transposed, rotated, both = (orientation.apply(crops, answers) for orientation in ORIENTATIONS)
    assert transposed[1][0, 2:6] == pytest.approx([0.2, 0.1, 0.4, 0.3])
    assert rotated[1][0, 2:6] == pytest.approx([-0.3, -0.4, -0.1, -0.2])
    assert both[1][0, 2:6] == pytest.approx([-0.4, -0.3, -0.2, -0.1])
    assert (transposed[0] == crops.transpose(0, 2, 1, 3)).all()
    assert (rotated[0] == crops[:, ::-1, ::-1]).all()
    assert answers[0, 2] == np.float32(0.1)


@pytest.mark.parametrize("crop_side", [64, 96])
def test_crops_of_a_field_have_answers(crop_side: int) -> None:
    field = make_field([[40, 40, 80, 80], [40, 80, 80, 120]])
    crops, answers = sample_crops(np.random.default_rng(3), field, None, crop_side)
    assert crops.shape == (len(answers), crop_side, crop_side, 3)
    assert answers[:, 0].sum() >= 3
    assert ((answers[:, 0] == 0) & (answers[:, 1] == 1)).sum() >= 3


def test_the_learning_rate_rises_and_falls() -> None:
    options = TrainingOptions(steps=1000, warmup_steps=100, learning_rate=0.01)
    rates = [compute_learning_rate(options, step) for step in (0, 99, 100, 550, 1000, 2000)]
    assert rates == pytest.approx([1e-4, 0.01, 0.01, 0.00505, 1e-4, 1e-4])


@pytest.mark.parametrize("change", [{"steps": 0}, {"batch_size": 0}, {"learning_rate": 0.0}, {"crop_side": 70}])
def test_options_out_of_range_are_refused(change: dict[str, float]) -> None:
    with pytest.raises(ConfigError):
        TrainingOptions(**change)  # type: ignore[arg-type]
