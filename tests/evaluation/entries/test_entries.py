"""Entries: their titles, which runs may join which study, their costs and the Pareto front."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from comparison_results import STUDY, make_entry

from wbcseg.evaluation.entries.cost import COSTS, collect_costs, find_pareto_front
from wbcseg.evaluation.entries.entry import Entry, build_groups, title_entries
from wbcseg.evaluation.study_result import CrossValidationResult
from wbcseg.training import PRESETS


def make_result(architecture: str = "unet", **changes: Any) -> CrossValidationResult:
    return CrossValidationResult.from_dict(make_entry(architecture, n_images=50) | changes)


def make_run(fold: int = 1, **settings: Any) -> CrossValidationResult:
    result = make_result().select_training(fold)
    config = PRESETS["compact"].replace(dataset="zheng-1", fold=fold).to_dict() | settings
    return replace(result, study="own-run", title="mine", config=config)


def test_a_result_from_before_pixels_were_recorded_is_read_and_written_as_it_was() -> None:
    values = make_entry("random_forest", n_images=10)
    del values["crop_cpu_ms"]
    result = CrossValidationResult.from_dict(values)
    assert (result.pixels, result.crop_cpu_ms, result.curve) == (None, None, ())
    assert result.to_dict().keys() == values.keys()
    new = make_entry("unet", n_images=10)
    assert CrossValidationResult.from_dict(new).to_dict().keys() == new.keys()
    assert CrossValidationResult.from_dict(new).to_dict()["pixels"] == new["pixels"]


def test_titles_are_short_and_differ() -> None:
    two = {"a": make_result(), "b": make_result(title="U-Net, 8 base filters"), "c": make_result("segnet")}
    assert [entry.title for entry in title_entries(two)] == [
        "U-Net, 16 base filters",
        "U-Net, 8 base filters",
        "SegNet-Basic (thesis)",
    ]
    same = {f"{STUDY}-unet": make_result(), f"{STUDY}-unet-again": make_result()}
    assert len({entry.title for entry in title_entries(same)}) == 2
    (forest,) = title_entries({"x": make_result("random_forest")})
    assert forest.title == "Random forest"


def test_a_run_joins_the_study_with_its_data_and_split() -> None:
    groups = build_groups({"a": make_result(), "b": make_result("segnet")}, {"mine": make_run()})
    assert [entry.key for entry in groups[STUDY].own] == ["run:mine"]
    assert [entry.key for entry in groups[STUDY].select(["run:mine"])] == ["a", "b", "run:mine"]
    (own,) = (group for group in groups.values() if group.is_own)
    assert "fold 2 of 5" in own.name


@pytest.mark.parametrize(
    "run",
    [
        make_run(split="leaky"),
        make_run(split="thesis", thesis_bugs=True, flipped_copies=True),
        make_run(dataset="synthetic"),
        make_run(start_from="unet-general"),
        make_run(extra_dataset="zheng-2"),
        replace(make_run(), manifest_digest="1" * 64),
        replace(make_run(), images=make_run().images[:-1]),
    ],
)
def test_a_run_of_other_data_or_another_split_stays_apart(run: CrossValidationResult) -> None:
    groups = build_groups({"a": make_result()}, {"mine": run})
    assert not groups[STUDY].own
    (own,) = (group for group in groups.values() if group.is_own)
    assert own.entries[0].result is run
    if run.config["split"] != "leak-free":
        assert "leaky" in own.name


def test_runs_are_only_compared_with_runs_of_the_same_test_images() -> None:
    runs = {"a": make_run(1), "b": make_run(1), "c": make_run(2), "d": make_run(1, split="leaky")}
    groups = build_groups({}, runs)
    assert sorted([entry.title for entry in group.entries] for group in groups.values()) == [["a", "b"], ["c"], ["d"]]


def test_a_leaky_study_is_not_offered() -> None:
    assert not build_groups({"a": make_result(study=f"{STUDY}-leaky")})


def test_times_of_another_processor_are_set_apart() -> None:
    results = {"a": make_result(), "b": make_result("segnet"), "c": make_result("deconvnet")}
    other = replace(results["b"].environment, processor="another processor")
    results["b"] = replace(results["b"], environment=other)
    entries = title_entries(results)
    for name in ("crop", "training"):
        costs = collect_costs(entries, COSTS[name])
        assert set(costs.values) == {"a", "c"}
        assert "another processor" in costs.elsewhere["b"]
    assert set(collect_costs(entries, COSTS["parameters"]).values) == {"a", "b", "c"}


def test_what_is_no_network_has_no_parameters_and_multiply_adds() -> None:
    entries = title_entries({"f": make_result("random_forest"), "u": make_result()})
    for name in ("parameters", "multiply_adds", "file"):
        costs = collect_costs(entries, COSTS[name])
        assert (set(costs.values), costs.unknown) == ({"u"}, ("f",))
    unet = Entry("u", "U-Net", make_result())
    assert COSTS["multiply_adds"].compute(unet) == pytest.approx(
        unet_multiply_adds(unet.result.config["base_filters"], unet.result.config["input_size"])
    )


def unet_multiply_adds(base_filters: int, input_size: int) -> float:
    from wbcseg.models import get_spec

    return get_spec("unet").count_multiply_adds(base_filters, input_size) / 1e6


def test_the_pareto_front_has_what_nothing_beats() -> None:
    costs = {"a": 1.0, "b": 2.0, "c": 3.0, "d": 2.0, "e": 4.0}
    scores = {"a": 0.90, "b": 0.95, "c": 0.94, "d": 0.93, "e": 0.96}
    assert find_pareto_front(costs, scores) == ("a", "b", "e")
    distances = {key: 1 - score for key, score in scores.items()}
    assert find_pareto_front(costs, distances, lower_is_better=True) == ("a", "b", "e")
    # Of two with the same score, the cheaper one.
    assert find_pareto_front({"a": 1.0, "b": 2.0}, {"a": 0.9, "b": 0.9}) == ("a",)
