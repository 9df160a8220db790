"""The prior of a sample is estimated over all of its images."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from cells_with_types import make_cell

from wbcseg.celltypes import UNSURE, load_type_model
from wbcseg.celltypes.names import SUBTYPE_NAMES
from wbcseg.datasets.uploads import InputImage
from wbcseg.pipeline import ImageResult, assign_sample_types

N_CLEAR = 30


def make_result(name: str, likeliest: str, probability: float, assigned: str = "") -> ImageResult:
    """An image with one cell, and what the network says of it."""
    evidence = np.full(len(SUBTYPE_NAMES), (1 - probability) / (len(SUBTYPE_NAMES) - 1))
    evidence[SUBTYPE_NAMES.index(likeliest)] = probability
    cell = replace(make_cell("", assigned), image_name=name, type_evidence=tuple(evidence.tolist()))
    return ImageResult(InputImage(name, name, bytes), (4, 4), cells=(cell,), model="m")


@pytest.fixture(scope="module")
def results() -> list[ImageResult]:
    """Many clear eosinophils and one that is hardly told, each in an image of its own."""
    clear = [make_result(f"{index}.png", "eosinophil", 0.999) for index in range(N_CLEAR)]
    return [*clear, make_result("last.png", "eosinophil", 0.5)]


def test_a_sample_of_eosinophils_makes_an_unclear_one_likely(results: list[ImageResult]) -> None:
    model = load_type_model()
    last = {
        prior: assign_sample_types(results, model, prior)[-1].cells[0]
        for prior in ("none", "adult", "sample")  # type: ignore[arg-type]
    }
    assert last["adult"].type_probabilities["eosinophil"] < last["none"].type_probabilities["eosinophil"]
    assert last["sample"].type_probabilities["eosinophil"] > 0.9
    assert last["none"].predicted_type == UNSURE


def test_samples_are_estimated_apart(results: list[ImageResult]) -> None:
    samples = {result.name: "A" for result in results} | {"last.png": "B"}
    alone = assign_sample_types(results, load_type_model(), "sample", samples)[-1].cells[0]
    # One cell is too few for an estimate: the adult's shares are used.
    (adult,) = assign_sample_types(results[-1:], load_type_model(), "adult")[0].cells
    assert alone.type_probabilities == adult.type_probabilities


def test_what_a_person_said_stays_and_what_does_not_change_is_the_same() -> None:
    result = make_result("a.png", "basophil", 0.99, assigned="monocyte")
    (typed,) = assign_sample_types([result], load_type_model(), "none")
    assert (typed.cells[0].type, typed.cells[0].predicted_type) == ("monocyte", "basophil")
    assert assign_sample_types([typed], load_type_model(), "none") == [typed]
