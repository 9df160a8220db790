"""Features of simple shapes, compared with geometry."""

from __future__ import annotations

import math
import time

import numpy as np
import pytest
from numpy.typing import NDArray

from wbcseg.datasets import open_dataset
from wbcseg.features import FEATURES, extract_features
from wbcseg.features.lobes import count_lobes
from wbcseg.labels import Labels
from wbcseg.metrics.bland_altman import compute_bland_altman


def disc(side: int, y: float, x: float, a: float, b: float | None = None) -> NDArray[np.bool_]:
    rows, columns = np.mgrid[:side, :side]
    mask: NDArray[np.bool_] = ((rows - y) / a) ** 2 + ((columns - x) / (b or a)) ** 2 <= 1
    return mask


def draw(cell: NDArray[np.bool_], nucleus: NDArray[np.bool_]) -> tuple[NDArray[np.uint8], Labels]:
    labels = cell.astype(np.uint8)
    labels[nucleus] = 2
    image = np.full((*labels.shape, 3), (240, 230, 220), np.uint8)
    image[labels == 1] = (200, 180, 210)
    image[labels == 2] = (90, 60, 140)
    return image, labels


def test_a_round_cell_with_a_round_nucleus() -> None:
    features = extract_features(*draw(disc(121, 60, 60, 50), disc(121, 60, 60, 25)))
    assert features is not None
    values = features.values
    assert list(values) == list(FEATURES)
    assert values["cell_area"] == pytest.approx(math.pi * 50**2, rel=0.01)
    assert values["nucleus_area"] == pytest.approx(math.pi * 25**2, rel=0.01)
    assert values["cytoplasm_area"] == values["cell_area"] - values["nucleus_area"]
    assert values["nucleus_to_cell"] == pytest.approx(0.25, abs=0.005)
    assert values["nucleus_to_cytoplasm"] == pytest.approx(1 / 3, abs=0.01)
    assert values["cell_perimeter"] == pytest.approx(2 * math.pi * 50, rel=0.02)
    assert values["cell_circularity"] == pytest.approx(1, abs=0.05)
    assert values["cell_solidity"] == pytest.approx(1, abs=0.02)
    assert values["cell_eccentricity"] == pytest.approx(0, abs=0.05)
    assert values["nucleus_lobes"] == 1
    assert [values[f"nucleus_{c}"] for c in ("red", "green", "blue")] == [90, 60, 140]
    assert [values[f"cytoplasm_{c}"] for c in ("red", "green", "blue")] == [200, 180, 210]
    assert values["touches_edge"] == 0


def test_an_ellipse_has_its_eccentricity() -> None:
    features = extract_features(*draw(disc(161, 80, 80, 60, 36), disc(161, 80, 80, 20)))
    assert features is not None
    assert features.values["cell_eccentricity"] == pytest.approx(math.sqrt(1 - (36 / 60) ** 2), abs=0.01)
    assert features.values["cell_circularity"] < 0.95


def test_pixel_size_scales_lengths_and_areas() -> None:
    features = extract_features(*draw(disc(121, 60, 60, 50), disc(121, 60, 60, 25)))
    assert features is not None
    scaled = features.to_units(0.1)
    assert scaled["cell_area"] == pytest.approx(0.01 * features.values["cell_area"])
    assert scaled["cell_perimeter"] == pytest.approx(0.1 * features.values["cell_perimeter"])
    for name in ("nucleus_to_cell", "cell_circularity", "nucleus_lobes", "nucleus_red"):
        assert scaled[name] == features.values[name]
    assert features.to_units(None) == features.values
    for invalid in (0.0, -1.0, math.nan, math.inf):
        with pytest.raises(ValueError, match="positive"):
            features.to_units(invalid)


def test_features_of_missing_regions_are_undefined() -> None:
    empty = np.zeros((40, 40), bool)
    assert extract_features(*draw(empty, empty)) is None
    nucleus_only = extract_features(*draw(disc(60, 30, 30, 15), disc(60, 30, 30, 15)))
    assert nucleus_only is not None
    assert nucleus_only.values["nucleus_to_cell"] == 1
    assert math.isnan(nucleus_only.values["nucleus_to_cytoplasm"])
    assert math.isnan(nucleus_only.values["cytoplasm_red"])
    cytoplasm_only = extract_features(*draw(disc(60, 30, 30, 15), np.zeros((60, 60), bool)))
    assert cytoplasm_only is not None
    assert cytoplasm_only.values["nucleus_to_cell"] == 0
    assert cytoplasm_only.values["nucleus_lobes"] == 0
    assert math.isnan(cytoplasm_only.values["nucleus_perimeter"])


def test_cell_cut_off_by_the_edge() -> None:
    features = extract_features(*draw(disc(100, 0, 50, 30), disc(100, 0, 50, 10)))
    assert features is not None
    assert features.values["touches_edge"] == 1
    assert features.values["cell_solidity"] == pytest.approx(1, abs=0.03)


def test_cell_of_one_pixel() -> None:
    cell = np.zeros((20, 20), bool)
    cell[5, 5] = True
    features = extract_features(*draw(cell, cell))
    assert features is not None
    assert features.values["cell_area"] == 1


def test_sizes_that_differ_are_rejected() -> None:
    with pytest.raises(ValueError, match="40×30 and 30×30"):
        extract_features(np.zeros((30, 40, 3), np.uint8), np.zeros((30, 30), np.uint8))


@pytest.mark.parametrize(
    ("nucleus", "expected"),
    [
        (disc(120, 60, 60, 30), 1),
        (disc(120, 60, 60, 34, 20), 1),
        (disc(120, 60, 40, 18) | disc(120, 60, 80, 18), 2),
        (disc(120, 60, 42, 18) | disc(120, 60, 78, 18) | disc(120, 60, 60, 5, 20), 2),
        (disc(160, 80, 40, 18) | disc(160, 60, 80, 18) | disc(160, 85, 118, 18) | disc(160, 74, 80, 5, 40), 3),
        (disc(120, 60, 60, 30) | disc(120, 20, 20, 2), 1),
        (np.zeros((20, 20), bool), 0),
    ],
)
def test_lobes(nucleus: NDArray[np.bool_], expected: int) -> None:
    assert count_lobes(nucleus) == expected


def test_lobe_count_does_not_depend_on_orientation() -> None:
    data = open_dataset("synthetic")
    for sample_id in data.ids[:20]:
        mask = data.read(sample_id).mask
        assert mask is not None
        counts = {count_lobes(np.rot90(mask == 2, turns)) for turns in range(4)}
        assert len(counts) == 1


def test_bland_altman_by_hand() -> None:
    agreement = compute_bland_altman([1, 2, 3, math.nan], [1.5, 2, 4, 7])
    assert (agreement.n, agreement.bias, agreement.fraction_equal) == (3, 0.5, 1 / 3)
    assert agreement.mean_absolute_error == 0.5
    assert agreement.sd == 0.5
    assert agreement.limits == (pytest.approx(0.5 - 0.98), pytest.approx(0.5 + 0.98))
    with pytest.raises(ValueError, match="1 and 2"):
        compute_bland_altman([1], [1, 2])
    with pytest.raises(ValueError, match="Received: 1"):
        compute_bland_altman([1, math.nan], [1, 2])


def test_lobes_of_a_large_crop_cost_as_much_as_those_of_the_nucleus() -> None:
    nucleus = disc(120, 60, 42, 18) | disc(120, 60, 78, 18)
    large = np.pad(nucleus, 900)
    count_lobes(nucleus)
    start = time.process_time()
    assert count_lobes(large) == count_lobes(nucleus) == 2
    assert time.process_time() - start < 0.3
