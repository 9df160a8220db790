"""The synthetic data set: exact masks, all cell types, repeatable, fast enough to be the default."""

from __future__ import annotations

import time

import numpy as np
import pytest
from scipy import ndimage

from wbcseg.datasets.sample import Sample
from wbcseg.datasets.synthetic import draw_sample, open_synthetic
from wbcseg.datasets.synthetic.cells import Window
from wbcseg.datasets.synthetic.shapes import (
    Lobe,
    Outline,
    average_blocks,
    compute_bridge,
    compute_coverage,
    draw_dots,
    generate_noise,
    join,
)
from wbcseg.datasets.synthetic.stain_presets import STAINS, compute_optical_density
from wbcseg.errors import ConfigError
from wbcseg.labels import CELL_TYPES


@pytest.fixture(scope="module")
def generated() -> tuple[list[Sample], float]:
    """Return the default data set and the processor time in seconds to generate it."""
    start = time.process_time()
    samples = list(open_synthetic())
    return samples, time.process_time() - start


def count_lobes(sample: Sample) -> int:
    """Count the parts of the nucleus after removing its thin bridges."""
    nucleus = sample.mask == 2
    depth = ndimage.distance_transform_edt(np.pad(nucleus, 1))
    return int(ndimage.label(depth > 0.28 * np.sqrt(nucleus.sum() / np.pi))[1])


# Scalar fields


def test_coverage_goes_from_one_to_zero_over_the_edge():
    assert compute_coverage(np.array([-2.0, -0.5, -0.25, 0.0, 0.5, 3.0])).tolist() == [1, 1, 0.75, 0.5, 0, 0]
    assert compute_coverage(np.array([-1.0, 0.0, 1.0]), softness=4).tolist() == [0.75, 0.5, 0.25]


def test_blocks_are_averaged():
    field = np.array([[0.0, 4, 1, 1], [2, 2, 1, 5]])
    assert average_blocks(field, 2).tolist() == [[2, 2]]


def test_a_round_lobe_is_a_disc():
    disc = Lobe(y=1, x=2, semi_major=3, semi_minor=3, angle=0.7)
    at = disc.compute_distance(np.array([1.0, 1.0, 5.0]), np.array([2.0, 5.0, 5.0]))
    np.testing.assert_allclose(at, [-3, 0, 2])


def test_a_bridge_has_round_ends():
    at = compute_bridge(np.array([0.0, 2.0, 0.0]), np.array([5.0, 5.0, 13.0]), (0, 0), (0, 10), width=1)
    np.testing.assert_allclose(at, [-1, 1, 2])


def test_join_is_the_union_away_from_the_corner_and_fills_the_corner():
    assert join(np.array([-3.0, 4.0]), np.array([2.0, 9.0]), softness=2).tolist() == [-3, 4]
    assert join(np.array([0.1]), np.array([0.1]), softness=2)[0] < 0


def test_an_outline_without_wobble_is_a_circle():
    outline = Outline.make_random(np.random.default_rng(0), radius=5, wobble=0.0)
    assert outline.max_radius == pytest.approx(5)
    np.testing.assert_allclose(
        outline.compute_distance(np.array([0.0, 3.0, -7.0]), np.array([0.0, 4.0, 0.0])), [-5, 0, 2]
    )


def test_a_wobbly_outline_keeps_the_area():
    outline = Outline.make_random(np.random.default_rng(1), radius=30, wobble=0.15)
    y, x = np.mgrid[-60:61, -60:61].astype(float)
    assert np.ptp(outline.radii) > 5
    assert np.count_nonzero(outline.compute_distance(y, x) < 0) == pytest.approx(np.pi * 30**2, rel=0.01)


@pytest.mark.parametrize(("spacing", "deviation"), [(1.0, 1.0), (4.0, 1.0), (0.5, 0.5)])
def test_noise_has_the_stated_deviation(spacing, deviation):
    hills = generate_noise(np.random.default_rng(3), (300, 200), spacing)
    assert hills.shape == (300, 200)
    assert hills.mean() == pytest.approx(0, abs=0.06)
    assert hills.std() == pytest.approx(deviation, rel=0.06)


def test_dots_are_drawn_at_their_centres_and_clipped_at_the_edge():
    centres = np.array([[4.5, 4.5], [0.5, 11.5], [-40.0, 3.0]])
    field = draw_dots((9, 12), centres, np.array([2.0, 1.5, 3.0]), np.array([0.8, 0.4, 1.0]))
    assert field[4, 4] == pytest.approx(0.8)
    assert field[0, 11] == pytest.approx(0.4)
    assert field[8, 0] == 0
    assert field.max() == pytest.approx(0.8)


def test_a_window_beyond_the_edge_is_clipped():
    window = Window(top=-3, left=8, height=6, width=5)
    image_slice, part = window.clip_to((10, 10))
    assert image_slice == (slice(0, 3), slice(8, 10))
    assert part == (slice(3, 6), slice(0, 2))
    image_slice, _ = Window(top=20, left=-9, height=4, width=5).clip_to((10, 10))
    assert np.zeros((10, 10))[image_slice].size == 0


def test_optical_density_is_the_logarithm_of_absorption():
    np.testing.assert_allclose(
        compute_optical_density(np.array([20.0, 200, 2]), np.array([200.0, 200, 200])), [1, 0, 2]
    )


# Data set


def test_descriptions_are_known_before_anything_is_generated(monkeypatch):
    monkeypatch.setattr("wbcseg.datasets.synthetic.generator._draw_smear", lambda *_: pytest.fail("drew a sample"))
    data = open_synthetic(count=200)
    assert len(data) == 200
    assert data.name == "synthetic"
    assert data.ids[0] == "synthetic/001"
    assert all(entry.has_mask and entry.cell_type in CELL_TYPES for entry in data.sample_infos)
    sizes = {entry.size for entry in data.sample_infos}
    assert {(120, 120), (300, 300)} < sizes
    assert any(max(size) < 120 for size in sizes)
    assert sum(entry.size == (120, 120) for entry in data.sample_infos) > 100


def test_the_first_ten_show_every_type_and_neutrophils_are_most_frequent():
    for seed in (0, 2, 77):
        types = [entry.cell_type for entry in open_synthetic(300, seed).sample_infos]
        assert set(types[:10]) == set(CELL_TYPES)
        counts = [types.count(name) for name in CELL_TYPES]
        assert counts[0] == max(counts) > counts[1] > counts[3] > counts[4] > 0


def test_samples_match_their_descriptions(generated):
    for entry, sample in zip(open_synthetic().sample_infos, generated[0], strict=True):
        assert (entry.id, entry.cell_type, entry.size) == (sample.id, sample.cell_type, sample.size)
        assert sample.image.dtype == sample.mask.dtype == np.uint8
        assert "number" in sample.source


def test_masks_contain_one_cell_with_its_nucleus_inside(generated):
    for sample in generated[0]:
        assert np.unique(sample.mask).tolist() == [0, 1, 2], sample.id
        cell, nucleus = sample.mask > 0, sample.mask == 2
        assert ndimage.label(cell)[1] == 1, sample.id
        assert 0.05 < cell.mean() < 0.55, sample.id
        assert 0.15 < nucleus.sum() / cell.sum() < 0.85, sample.id
        # Cytoplasm surrounds the nucleus, except where the nucleus of a lymphocyte touches the membrane.
        around = ndimage.binary_dilation(nucleus, np.ones((3, 3))) & ~nucleus
        assert np.count_nonzero(around & cell) > 0.85 * np.count_nonzero(around), sample.id
        row, column = ndimage.center_of_mass(cell)
        assert abs(row / cell.shape[0] - 0.5) < 0.2, sample.id
        assert abs(column / cell.shape[1] - 0.5) < 0.2, sample.id


def test_the_mask_matches_the_image(generated):
    # In green, the nucleus is darker than the cytoplasm, and the cytoplasm darker than plasma.
    for sample in generated[0]:
        green = sample.image[..., 1].astype(float)
        nucleus, cytoplasm = green[sample.mask == 2].mean(), green[sample.mask == 1].mean()
        assert nucleus < cytoplasm - (5 if sample.cell_type == "basophil" else 12), sample.id
        assert cytoplasm < np.percentile(green[sample.mask == 0], 90) - 8, sample.id


def test_the_edge_of_the_mask_is_the_edge_in_the_image():
    # Shifted by two pixels in any direction, the mask of the nucleus fits the image less well.
    for index in range(4):
        sample = draw_sample(11, index, size=(120, 120), cell_type="lymphocyte", stain="white")
        red = sample.image[..., 0].astype(float)

        def contrast(dy: int, dx: int, mask=sample.mask, red=red) -> float:
            moved = np.roll(mask, (dy, dx), axis=(0, 1)) == 2
            ring = ndimage.binary_dilation(moved, iterations=2) & ~moved
            inside = moved & ~ndimage.binary_erosion(moved, iterations=2)
            return float(red[ring].mean() - red[inside].mean())

        assert contrast(0, 0) > max(contrast(2, 0), contrast(-2, 0), contrast(0, 2), contrast(0, -2))


def test_neutrophils_have_more_lobes_than_lymphocytes():
    count = {
        name: np.mean(
            [count_lobes(draw_sample(4, index, size=(120, 120), cell_type=name)) for index in range(200, 220)]
        )
        for name in ("neutrophil", "lymphocyte")
    }
    assert count["neutrophil"] >= 2
    assert count["lymphocyte"] <= 1.1


def test_a_neighbour_is_background():
    # Some crops show a second white cell at the edge, which is dark but not part of the mask.
    neighbours = 0
    for index in range(40):
        sample = draw_sample(6, index, size=(96, 96), stain="white", cell_type="lymphocyte")
        far_from_cell = ~ndimage.binary_dilation(sample.mask > 0, iterations=4)
        neighbours += np.count_nonzero(far_from_cell & (sample.image[..., 1] < 70)) > 30
    assert 1 <= neighbours <= 15


def test_the_same_call_generates_the_same_pixels():
    for index in (0, 5, 31):
        first, second = draw_sample(2, index), draw_sample(2, index)
        assert first.compute_digest() == second.compute_digest()
        assert first.compute_digest() == open_synthetic().sample_infos[index].read().compute_digest()


def test_reading_in_another_order_changes_nothing(generated):
    data = open_synthetic()
    for index in (7, 3):
        assert data.sample_infos[index].read().compute_digest() == generated[0][index].compute_digest()


def test_no_two_samples_are_the_same(generated):
    assert len({sample.compute_digest() for sample in generated[0]}) == len(generated[0])
    assert draw_sample(2, 4).compute_digest() != draw_sample(3, 4).compute_digest()


def test_size_type_and_stain_can_be_chosen():
    for stain in STAINS:
        for name in CELL_TYPES:
            sample = draw_sample(1, 8, size=(72, 96), cell_type=name, stain=stain)
            assert (sample.size, sample.cell_type) == ((72, 96), name)
            assert set(np.unique(sample.mask)) == {0, 1, 2}


@pytest.mark.parametrize("size", [(32, 32), (32, 150), (301, 77), (520, 512)])
def test_any_size_can_be_generated(size):
    sample = draw_sample(9, 0, size=size)
    assert sample.size == size
    assert set(np.unique(sample.mask)) == {0, 1, 2}


def test_backgrounds_have_the_color_of_their_stain():
    def background(stain: str) -> np.ndarray:
        samples = [draw_sample(5, index, size=(120, 120), stain=stain) for index in range(4)]
        return np.median(np.concatenate([sample.image[sample.mask == 0] for sample in samples]), axis=0)

    red, green, blue = background("yellow")
    assert red > 245
    assert green > 235
    assert 120 < blue < 200
    assert background("white").min() > 240
    red, green, blue = background("purple")
    assert red > green > blue - 40
    assert green < 235


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        ({"seed": -1}, "seed"),
        ({"seed": 1.5}, "seed"),
        ({"index": -1}, "index"),
        ({"size": (10, 120)}, "size"),
        ({"size": (120, 5000)}, "size"),
        ({"size": (120,)}, "size"),
        ({"cell_type": "platelet"}, "cell_type"),
        ({"stain": "green"}, "stain"),
    ],
)
def test_arguments_out_of_range_are_named(arguments, named):
    with pytest.raises(ConfigError, match=f"`{named}`.*Received"):
        draw_sample(**{"seed": 2, "index": 0, **arguments})


@pytest.mark.parametrize("count", [0, -3, True, 2.0, 10**9])
def test_a_count_out_of_range_is_named(count):
    with pytest.raises(ConfigError, match=r"`count`.*Received"):
        open_synthetic(count)


def test_the_default_data_set_is_generated_within_seconds(generated):
    assert generated[1] < 20
