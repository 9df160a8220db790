"""Cell types without a network: names, crops, measurements, probabilities and priors."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from builders import draw_cell
from cells_with_types import make_cell
from expect import raises
from hypothesis import given, settings
from hypothesis import strategies as st

from wbcseg.celltypes import SUBTYPE_NAMES, TYPE_NAMES, UNSURE, TypeModel
from wbcseg.celltypes.card import NETWORK_FILE, Calibration, TypeCard
from wbcseg.celltypes.crops import CELL_DIAMETER, NETWORK_SIDE, cut_cell
from wbcseg.celltypes.measure import SHAPE_FEATURES, TYPE_FEATURES, measure_type_features
from wbcseg.celltypes.names import list_possible_subtypes, sum_subtypes
from wbcseg.celltypes.network import prepare_crop
from wbcseg.celltypes.probabilities import (
    apply_prior,
    choose_threshold,
    compute_adult_prior,
    compute_subtype_probabilities,
    compute_uniform_prior,
    estimate_prior,
    fit_temperature,
    select_prior,
)
from wbcseg.differential.names import TYPE_NAMES as COUNTED_TYPES
from wbcseg.errors import ErrorCode, ModelError
from wbcseg.models.file_record import FileRecord

NO_BIAS = np.zeros(len(TYPE_NAMES))


def draw_disc(side: int, radius: float, centre: tuple[float, float]) -> np.ndarray:
    rows, columns = np.mgrid[:side, :side]
    return np.hypot(rows - centre[0], columns - centre[1]) <= radius


def test_the_types_are_those_of_a_differential_count() -> None:
    assert TYPE_NAMES == COUNTED_TYPES


def test_a_cell_without_a_subtype_may_be_all_of_its_type() -> None:
    assert list_possible_subtypes("neutrophil").sum() == 2
    assert list_possible_subtypes("neutrophil", "band neutrophil").nonzero()[0].tolist() == [1]
    assert list_possible_subtypes("immature granulocyte", "blast").sum() == 3
    with pytest.raises(ValueError, match="cell_type"):
        list_possible_subtypes("thrombocyte")


def test_subtypes_add_up_to_types() -> None:
    even = np.full(len(SUBTYPE_NAMES), 1 / 11)
    assert sum_subtypes(even).tolist() == pytest.approx([2 / 11, *[1 / 11] * 4, 3 / 11, 1 / 11, 1 / 11])


@pytest.mark.parametrize("scale", [0.5, 1, 3])
def test_every_cell_has_the_same_size_in_its_crop(scale: float) -> None:
    side = int(200 * scale)
    image = np.full((side, side, 3), (200, 210, 220), np.uint8)
    labels = draw_disc(side, 40 * scale, (90 * scale, 110 * scale)).astype(np.uint8)
    labels[draw_disc(side, 20 * scale, (90 * scale, 110 * scale))] = 2
    image[labels > 0] = 100
    crop = cut_cell(image, labels)
    assert crop is not None
    assert crop.pixels.shape == (NETWORK_SIDE, NETWORK_SIDE, 3)
    assert np.sqrt(4 / np.pi * (crop.labels > 0).sum()) == pytest.approx(CELL_DIAMETER, rel=0.03)
    assert crop.background.tolist() == [200, 210, 220]
    prepared = prepare_crop(crop)
    assert prepared.shape == (NETWORK_SIDE, NETWORK_SIDE, 5)
    assert prepared[0, 0].tolist() == pytest.approx([1, 1, 1, 0, 0])
    assert prepared[48, 48, 3:].tolist() == [1, 1]


def test_a_part_of_the_image_gives_the_same_crop_as_the_whole() -> None:
    image, _ = draw_cell(90, 110, 5)
    labels = 2 * draw_disc(110, 20, (50, 60))[:90].astype(np.uint8)
    whole = cut_cell(image, labels)
    part = cut_cell(image, labels[4:80, 10:100], (10, 4))
    assert whole is not None
    assert part is not None
    np.testing.assert_array_equal(whole.pixels, part.pixels)
    np.testing.assert_array_equal(whole.labels, part.labels)
    assert cut_cell(image, np.zeros_like(labels)) is None


def test_beyond_the_image_is_background() -> None:
    image = np.full((60, 60, 3), 180, np.uint8)
    crop = cut_cell(image, draw_disc(60, 25, (20, 20)).astype(np.uint8))
    assert crop is not None
    assert (crop.pixels == 180).all()


def test_measurements_do_not_depend_on_the_light() -> None:
    image, labels = draw_cell(100, 100, 3)
    crops = [cut_cell(np.rint(image * factor).astype(np.uint8), labels) for factor in (1.0, 0.7)]
    bright, dark = (measure_type_features(crop) for crop in crops if crop is not None)
    assert np.isfinite(bright).all()
    assert len(bright) == len(TYPE_FEATURES)
    np.testing.assert_array_equal(bright[: len(SHAPE_FEATURES)], dark[: len(SHAPE_FEATURES)])
    density = TYPE_FEATURES.index("nucleus_density_red")
    assert bright[density] == pytest.approx(dark[density], abs=0.02)


@settings(deadline=None)
@given(st.lists(st.floats(0.01, 1), min_size=8, max_size=8), st.sampled_from(["none", "adult"]))
def test_a_prior_keeps_probabilities_that_sum_to_one(values: list[float], prior: str) -> None:
    even = np.array([values]) / sum(values)
    probabilities = apply_prior(even, select_prior(prior, even))  # type: ignore[arg-type]
    assert probabilities.sum() == pytest.approx(1)
    if prior == "none":
        np.testing.assert_allclose(probabilities, even)


def test_a_prior_weighs_types_by_their_shares() -> None:
    even = np.array([[0.5, 0, 0.5, 0, 0, 0, 0, 0]])
    adult = compute_adult_prior()
    weighted = apply_prior(even, adult)[0]
    assert weighted[0] / weighted[2] == pytest.approx(adult[0] / adult[2])
    assert compute_uniform_prior().tolist() == [1 / 8] * 8
    with pytest.raises(ValueError, match="name"):
        select_prior("child", even)  # type: ignore[arg-type]


def test_shares_are_estimated_from_many_cells_only() -> None:
    rng = np.random.default_rng(1)
    truth = rng.choice(8, 400, p=[0.1, 0.3, 0, 0.5, 0, 0, 0.1, 0])
    even = np.full((400, 8), 0.05)
    even[np.arange(400), truth] += 0.6
    shares = estimate_prior(even)
    assert shares[[1, 3]] == pytest.approx([0.3, 0.5], abs=0.08)
    assert (shares > 0).all()
    np.testing.assert_array_equal(estimate_prior(even[:19]), compute_adult_prior())


def test_the_temperature_undoes_too_sure_logits() -> None:
    rng = np.random.default_rng(2)
    truth = rng.integers(8, size=3000)
    logits = rng.normal(0, 1, (3000, len(SUBTYPE_NAMES))).astype(np.float32)
    first = np.array([list_possible_subtypes(name).argmax() for name in TYPE_NAMES])
    logits[np.arange(3000), first[truth]] += 2
    assert fit_temperature(3 * logits, truth, NO_BIAS) / fit_temperature(logits, truth, NO_BIAS) == pytest.approx(
        3, rel=0.1
    )
    assert compute_subtype_probabilities(logits, 2.0, NO_BIAS).sum(axis=1) == pytest.approx(np.ones(3000))


def test_the_threshold_keeps_the_error_below_what_was_stated() -> None:
    confidence = np.array([0.9, 0.8, 0.7, 0.6, 0.5])
    is_right = np.array([True, True, False, True, False])
    assert choose_threshold(confidence, is_right, 0.0) == 0.8
    assert choose_threshold(confidence, is_right, 0.25) == 0.6
    assert choose_threshold(confidence, is_right, 0.5) == 0.5
    assert choose_threshold(confidence[2:3], is_right[2:3], 0.1) == 1.0


def make_card(folder: Path) -> TypeCard:
    (folder / NETWORK_FILE).write_bytes(b"no network")
    count = len(SHAPE_FEATURES)
    calibration = Calibration(1.5, (0.0,) * 8, 0.6, 0.05, "adult", (0.0,) * count, (1.0,) * count)
    record = FileRecord.from_path(folder / NETWORK_FILE)
    card = TypeCard("Types", "", calibration, {"network": record}, (), {}, (), "", "2026-01-01", "0.2")
    card.write(folder)
    return card


def test_a_card_is_read_as_it_was_written(tmp_path: Path) -> None:
    assert make_card(tmp_path).to_dict() == TypeCard.read(tmp_path).to_dict()
    assert TypeCard.read(tmp_path).calibration.temperature == 1.5


@pytest.mark.parametrize(
    "change",
    [{"types": []}, {"calibration": {"temperature": 0}}, {"format": 7}, {"files": {}}, {"notes": 3}],
)
def test_a_card_that_is_not_valid_is_refused(tmp_path: Path, change: dict[str, object]) -> None:
    make_card(tmp_path)
    values = json.loads((tmp_path / "card.json").read_text())
    (tmp_path / "card.json").write_text(json.dumps(values | change))
    with raises(ModelError, ErrorCode.DAMAGED):
        TypeCard.read(tmp_path)


def test_a_folder_without_a_usable_network_is_refused(tmp_path: Path) -> None:
    with raises(ModelError, ErrorCode.NOT_FOUND):
        TypeModel(tmp_path)
    card = make_card(tmp_path)
    with raises(ModelError, ErrorCode.INCOMPATIBLE):
        TypeModel(tmp_path)
    replace(card, calibration=replace(card.calibration, prior="none")).write(tmp_path)
    assert TypeCard.read(tmp_path).calibration.prior == "none"


def make_model(folder: Path) -> TypeModel:
    """Return a type model without a network, which decides but cannot look."""
    model = object.__new__(TypeModel)
    model.card = make_card(folder)
    return model


def test_a_clear_subtype_is_named_and_a_doubtful_type_is_unsure(tmp_path: Path) -> None:
    model = make_model(tmp_path)
    band = np.zeros(11)
    band[[0, 1, 9]] = (0.05, 0.85, 0.1)
    doubtful = np.full(11, 1 / 11)
    clear, unsure = model.decide([band, doubtful], "none")
    assert (clear.type, clear.subtype) == ("neutrophil", "band neutrophil")
    assert clear.confidence == pytest.approx(0.9)
    assert clear.rank(2) == [("neutrophil", pytest.approx(0.9)), ("erythroblast", pytest.approx(0.1))]
    assert (unsure.type, unsure.subtype, unsure.likeliest) == (UNSURE, "", "immature granulocyte")
    assert model.decide([doubtful])[0].likeliest == "neutrophil", "the card's prior is an adult's"
    assert model.decide([]) == []


def test_types_are_given_to_examined_cells_and_can_be_given_anew(tmp_path: Path) -> None:
    model = make_model(tmp_path)
    evidence = np.zeros(11)
    evidence[[2, 0]] = (0.6, 0.4)
    examined = replace(make_cell("", "basophil"), type_evidence=tuple(evidence.tolist()))
    empty, even = model.assign([make_cell(""), examined], "none")
    assert empty.predicted_type == ""
    assert (even.predicted_type, even.type) == ("eosinophil", "basophil")
    (adult,) = model.assign([even], "adult")
    assert adult.predicted_type == "neutrophil"
    assert sum(adult.type_probabilities.values()) == pytest.approx(1)
