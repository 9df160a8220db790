"""Every method without a deep network: it registers itself, learns, survives being stored, and segments."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from safetensors.numpy import load
from sklearn.svm import LinearSVC

from wbcseg.datasets.synthetic import draw_sample
from wbcseg.errors import ConfigError, ErrorCode, ModelError
from wbcseg.labels import BACKGROUND, CYTOPLASM, NUCLEUS
from wbcseg.metrics import score
from wbcseg.models import ARCHITECTURES
from wbcseg.models.method_registry import METHODS, LabelledImage, MethodSpec, get_method
from wbcseg.models.methods.linear_svm import REGULARISATION, fit_planes
from wbcseg.models.methods.self_supervised_svm import find_coarse_cell, select_confident_pixels
from wbcseg.models.pixels.colors import compute_lab
from wbcseg.models.pixels.method_model import MethodModel, encode_arrays
from wbcseg.models.pixels.sampling import MIN_PIXELS_PER_CLASS, sample_pixels

NAMES = list(METHODS)


def draw_images(count: int, seed: int) -> list[LabelledImage]:
    samples = [draw_sample(seed, index) for index in range(count)]
    return [(sample.image, sample.mask) for sample in samples if sample.mask is not None]


@pytest.fixture(scope="module")
def images() -> list[LabelledImage]:
    return draw_images(8, 3)


@pytest.fixture(scope="module")
def stored(images: list[LabelledImage]) -> dict[str, bytes]:
    return {name: encode_arrays(spec.fit(images, 2)) for name, spec in METHODS.items()}


@pytest.mark.parametrize("name", NAMES)
def test_a_stored_method_segments_images_that_it_has_not_seen(name: str, stored: dict[str, bytes]) -> None:
    model = MethodModel(stored[name], method=name, name="mine")
    dice = []
    for image, mask in draw_images(4, 9):
        probabilities = model(image.astype(np.float32) / 255)
        assert probabilities.dtype == np.float32
        assert probabilities.shape == (*mask.shape, 3)
        np.testing.assert_allclose(probabilities.sum(axis=-1), 1, atol=1e-4)
        assert probabilities.min() >= 0
        dice.append(score(mask, probabilities.argmax(axis=-1).astype(np.uint8)).dice["cell"])
    assert np.mean(dice) > 0.7


@pytest.mark.parametrize("name", NAMES)
def test_the_same_images_and_seed_teach_the_same(
    name: str, images: list[LabelledImage], stored: dict[str, bytes]
) -> None:
    assert encode_arrays(get_method(name).fit(images, 2)) == stored[name]


@pytest.mark.parametrize("name", [name for name, spec in METHODS.items() if spec.ignores_orientation])
def test_the_result_turns_with_the_image(name: str, stored: dict[str, bytes]) -> None:
    model = MethodModel(stored[name], method=name, name="mine")
    image = draw_images(1, 11)[0][0].astype(np.float32) / 255
    turned = np.rot90(model(np.ascontiguousarray(np.rot90(image))), -1)
    differs = turned.argmax(axis=-1) != model(image).argmax(axis=-1)
    # Ties between pixels are broken by their order.
    assert differs.mean() < 0.005


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("level", [0, 128, 255])
def test_an_image_without_anything_is_segmented(name: str, level: int, stored: dict[str, bytes]) -> None:
    model = MethodModel(stored[name], method=name, name="mine")
    probabilities = model(np.full((48, 48, 3), level / 255, np.float32))
    assert np.isfinite(probabilities).all()


@pytest.mark.parametrize("name", NAMES)
def test_damaged_files_are_refused(name: str, stored: dict[str, bytes]) -> None:
    arrays = load(stored[name])
    first = next(iter(arrays))
    wrong = [{}, {**arrays, first: arrays[first][:0]}]
    for data in (b"", b"not a model", stored[name][:-1], *map(encode_arrays, wrong)):
        with pytest.raises(ModelError, match="mine") as caught:
            MethodModel(data, method=name, name="mine")
        assert caught.value.code == ErrorCode.DAMAGED


@pytest.mark.parametrize("spec", METHODS.values(), ids=NAMES)
def test_a_method_says_its_source_and_how_it_differs(spec: MethodSpec) -> None:
    assert any(word in spec.reference for word in ("doi", "arXiv"))
    assert spec.summary
    assert spec.deviations
    assert spec.name not in ARCHITECTURES


def test_methods_and_networks_have_looks_of_their_own() -> None:
    specs = [*METHODS.values(), *ARCHITECTURES.values()]
    for attribute in ("title", "color", "marker"):
        values = [getattr(spec, attribute) for spec in specs]
        assert len(set(values)) == len(values), attribute


def test_an_unknown_method_is_an_error() -> None:
    with pytest.raises(ConfigError, match="random_forest"):
        get_method("unet")


def test_decisions_are_those_of_scikit_learn(images: list[LabelledImage]) -> None:
    sample = sample_pixels(images, 1)
    weights, biases = fit_planes(sample, 1)
    values = (sample.values - sample.values.mean(axis=0)) / np.maximum(sample.values.std(axis=0), 1e-6)
    expected = LinearSVC(C=REGULARISATION, dual=False, random_state=1).fit(values, sample.labels)
    decisions = sample.values @ weights.T + biases
    np.testing.assert_allclose(decisions, expected.decision_function(values), atol=0.01)


def test_pixels_are_drawn_in_proportion_and_rims_are_not_forgotten() -> None:
    mask = np.zeros((60, 60), np.uint8)
    mask[20:40, 20:40] = NUCLEUS.id
    mask[19, 20:50] = CYTOPLASM.id
    sample = sample_pixels([(np.zeros((60, 60, 3), np.uint8), mask)], 0)
    counts = np.bincount(sample.labels, minlength=3)
    assert counts[CYTOPLASM.id] == MIN_PIXELS_PER_CLASS
    assert counts[BACKGROUND.id] == pytest.approx(200 * (mask == 0).mean(), abs=1)
    assert counts[NUCLEUS.id] == pytest.approx(200 / 9, abs=1)


def draw_cell(centre: tuple[int, int], radius: int, image: NDArray[np.uint8]) -> NDArray[np.bool_]:
    rows, columns = np.indices(image.shape[:2])
    distance = np.hypot(rows - centre[0], columns - centre[1])
    image[distance < radius] = [190, 180, 210]
    image[distance < radius / 2] = [90, 30, 130]
    cell: NDArray[np.bool_] = distance < radius
    return cell


def test_the_coarse_cell_is_the_one_in_the_middle_of_two_that_touch() -> None:
    image = np.full((120, 120, 3), 245, np.uint8)
    draw_cell((60, 112), 24, image)
    cell = draw_cell((60, 62), 28, image)
    coarse = find_coarse_cell(compute_lab(image))
    assert coarse is not None
    assert score(cell.astype(np.uint8), (coarse != BACKGROUND.id).astype(np.uint8)).dice["cytoplasm"] > 0.93


def test_confident_pixels_lie_away_from_every_outline() -> None:
    coarse = np.zeros((60, 60), np.uint8)
    coarse[10:50, 10:50] = CYTOPLASM.id
    coarse[20:40, 20:40] = NUCLEUS.id
    confident = select_confident_pixels(coarse)
    for class_id, mask in confident.items():
        assert mask.any()
        assert (coarse[mask] == class_id).all()
    assert not confident[NUCLEUS.id][20:22].any()
    assert confident[NUCLEUS.id][30, 30]
    assert not confident[BACKGROUND.id][8, 15:45].any()
