"""Matching of detected boxes with true ones, on boxes made by hand."""

from __future__ import annotations

import numpy as np
import pytest

from wbcseg.metrics.boxes import match_boxes

TRUE = np.array([[0, 0, 10, 10], [20, 0, 30, 10]], np.float32)


@pytest.mark.parametrize(
    ("detected", "matches"),
    [
        ([], {}),
        ([[0, 0, 10, 10]], {0: 0}),
        ([[0, 0, 10, 5]], {0: 0}),  # IoU 1/2
        ([[0, 0, 10, 4.9]], {}),
        ([[50, 50, 60, 60], [20, 1, 30, 11]], {1: 1}),
        # The best detection of a cell is right, another one of it is false.
        ([[0, 0, 10, 10], [0, 0, 10, 9]], {0: 0}),
        # A box around both is neither.
        ([[0, 0, 30, 10]], {}),
        ([[20, 0, 30, 10], [0, 0, 10, 10]], {0: 1, 1: 0}),
    ],
)
def test_each_true_box_is_matched_once(detected: list[list[float]], matches: dict[int, int]) -> None:
    assert match_boxes(np.array(detected, np.float32).reshape(-1, 4), TRUE) == matches


def test_a_lower_limit_matches_more() -> None:
    detected = np.array([[0, 0, 10, 4]], np.float32)
    assert match_boxes(detected, TRUE, min_iou=0.4) == {0: 0}
    assert match_boxes(detected, TRUE[:0]) == {}
