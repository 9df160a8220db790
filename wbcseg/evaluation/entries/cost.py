"""What an entry costs: time, size and computing work, and which entries are worth their cost (the Pareto front)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from wbcseg.evaluation.comparison import format_hardware_label
from wbcseg.evaluation.entries.entry import Entry
from wbcseg.models import ARCHITECTURES


@dataclass(frozen=True)
class CostSpec:
    """A cost of an entry.

    Attributes:
        name: Short name.
        title: Its title, with the unit.
        compute: From an entry to the cost; ``None`` where it is not known.
        is_time: Whether it is a time, which may be compared on the same processor only.
    """

    name: str
    title: str
    compute: Callable[[Entry], float | None]
    is_time: bool = False


def compute_training_minutes(entry: Entry) -> float | None:
    """Return the mean processor time of a training in minutes; ``None`` if it was not recorded."""
    seconds = [training.cpu_seconds for training in entry.result.trainings]
    known = [value for value in seconds if value is not None]
    return sum(known) / len(known) / 60 if known and len(known) == len(seconds) else None


def count_multiply_adds(entry: Entry) -> float | None:
    """Return the multiply-adds for one image in millions; ``None`` for what is not a network of the package."""
    config, spec = entry.result.config, ARCHITECTURES.get(entry.architecture)
    if spec is None or "base_filters" not in config or "input_size" not in config:
        return None
    return spec.count_multiply_adds(int(config["base_filters"]), int(config["input_size"])) / 1e6


def _get_model_megabytes(entry: Entry) -> float | None:
    sizes = [training.model_bytes for training in entry.result.trainings]
    return sum(sizes) / len(sizes) / 1e6 if sizes and all(sizes) else None


COSTS: Final = {
    spec.name: spec
    for spec in (
        CostSpec("crop", "Time of a crop (ms)", lambda entry: entry.result.crop_cpu_ms, is_time=True),
        CostSpec("training", "CPU time of a training (minutes)", compute_training_minutes, is_time=True),
        CostSpec("parameters", "Parameters (millions)", lambda entry: (entry.result.parameters or 0) / 1e6 or None),
        CostSpec("multiply_adds", "Multiply-adds (millions)", count_multiply_adds),
        CostSpec("file", "Model file (MB)", _get_model_megabytes),
    )
}
"""All costs by name."""


@dataclass(frozen=True)
class Costs:
    """A cost of the entries that may be compared.

    Attributes:
        values: The cost by key.
        unknown: Keys of entries whose cost is not known.
        elsewhere: For a time, the other entries' processors by key; empty for other costs.
        processor: For a time, the processor that the entries in ``values`` share.
    """

    values: Mapping[str, float]
    unknown: tuple[str, ...]
    elsewhere: Mapping[str, str]
    processor: str = ""


def collect_costs(entries: Sequence[Entry], spec: CostSpec) -> Costs:
    """Return a cost of the entries; of a time, only those on the most common processor.

    Args:
        entries: The entries.
        spec: The cost.
    """
    known = {entry.key: cost for entry in entries if (cost := spec.compute(entry)) is not None}
    unknown = tuple(entry.key for entry in entries if entry.key not in known)
    if not spec.is_time or not known:
        return Costs(known, unknown, {})
    processors = {entry.key: format_hardware_label(entry.result.environment) for entry in entries if entry.key in known}
    common = Counter(processors.values()).most_common(1)[0][0]
    elsewhere = {key: label for key, label in processors.items() if label != common}
    return Costs({key: cost for key, cost in known.items() if key not in elsewhere}, unknown, elsewhere, common)


def find_pareto_front(
    costs: Mapping[str, float], scores: Mapping[str, float], *, lower_is_better: bool = False
) -> tuple[str, ...]:
    """Return the entries that no other one beats in one of cost and score without losing in the other, cheapest first.

    Args:
        costs: Cost by key.
        scores: Score by key, for every key of ``costs``.
        lower_is_better: Whether low scores are good.
    """
    sign = -1.0 if lower_is_better else 1.0
    front: list[str] = []
    best = -float("inf")
    for key in sorted(costs, key=lambda key: (costs[key], -sign * scores[key])):
        if sign * scores[key] > best:
            front.append(key)
            best = sign * scores[key]
    return tuple(front)
