"""Count the cells of a sample by type."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

from wbcseg.counting import DEFAULT_EDGE_RULE, is_counted
from wbcseg.differential.names import ERYTHROBLAST, NOT_A_WHITE_CELL, WHITE_CELL_TYPES
from wbcseg.differential.reference import Range
from wbcseg.metrics.proportions import compute_wilson_interval
from wbcseg.results import UNSURE, CellResult, ImageReport

Position = Literal["", "within", "below", "above"]


@dataclass(frozen=True)
class TypeCount:
    """How many cells of one type there are.

    Attributes:
        type: The type, one of :data:`wbcseg.differential.WHITE_CELL_TYPES`.
        count: Number of cells.
        percent: Percentage of all white cells with a type; NaN if there is none.
        low: Lower bound of its 95 % interval (Wilson), in percent.
        high: Upper bound.
        per_100: Whole number of cells in a count of 100; those of all types add up to 100.
        per_200: The same in a count of 200.
        refiled: How many of the cells a person moved to this type.
        reference: Reference range in percent, or ``None``.
    """

    type: str
    count: int
    percent: float
    low: float
    high: float
    per_100: int
    per_200: int
    refiled: int = 0
    reference: Range | None = None

    @property
    def position(self) -> Position:
        """Where the percentage lies relative to the reference range; empty without a range or without cells."""
        if self.reference is None or math.isnan(self.percent):
            return ""
        lowest, highest = self.reference
        return "below" if self.percent < lowest else "above" if self.percent > highest else "within"

    @property
    def is_clearly_outside(self) -> bool:
        """Whether the whole interval lies outside the reference range, so that chance alone hardly explains it."""
        return self.reference is not None and (self.high < self.reference[0] or self.low > self.reference[1])


@dataclass(frozen=True)
class Differential:
    """The differential count of a sample.

    Attributes:
        sample: Name of the sample; may be empty.
        types: The counts by type, in the order of :data:`wbcseg.differential.WHITE_CELL_TYPES`.
        total: White cells with a type: the 100 %.
        unsure: Cells whose type is not certain enough. They are not part of the 100 %.
        untyped: Cells without a type, because there is no type model and nobody gave them one.
        erythroblasts: Nucleated red cells, which are not part of the 100 %.
        not_white_cells: Objects that are no white cells.
        refiled: Cells to which a person gave another type than the type model.
        reviewed: Cells to which a person gave a type, whether another one or the same.
        not_counted: Cells that do not count by the edge rule.
    """

    sample: str
    types: tuple[TypeCount, ...]
    total: int
    unsure: int = 0
    untyped: int = 0
    erythroblasts: int = 0
    not_white_cells: int = 0
    refiled: int = 0
    reviewed: int = 0
    not_counted: int = 0

    @property
    def has_types(self) -> bool:
        """Whether any cell has a type, be it unsure or no white cell."""
        return bool(self.total or self.unsure or self.erythroblasts or self.not_white_cells)

    @property
    def erythroblasts_per_100(self) -> float:
        """Erythroblasts per 100 white cells, as laboratories report them; NaN without a white cell."""
        return 100 * self.erythroblasts / self.total if self.total else math.nan

    def get_count(self, cell_type: str) -> TypeCount:
        """Return the count of a type.

        Raises:
            KeyError: If it is none of :data:`wbcseg.differential.WHITE_CELL_TYPES`.
        """
        for item in self.types:
            if item.type == cell_type:
                return item
        raise KeyError(cell_type)

    def to_record(self) -> dict[str, Any]:
        """Return it as JSON values; what is not defined is ``None``."""
        record = asdict(self) | {"erythroblasts_per_100": self.erythroblasts_per_100}
        record["types"] = [
            _replace_nan(values) | {"position": item.position, "is_clearly_outside": item.is_clearly_outside}
            for values, item in zip(record["types"], self.types, strict=True)
        ]
        return _replace_nan(record)


def count_types(
    cells: Iterable[CellResult],
    *,
    sample: str = "",
    edge_rule: str = DEFAULT_EDGE_RULE,
    references: Mapping[str, Range] | None = None,
) -> Differential:
    """Return the differential count of cells.

    Args:
        cells: The cells of all images of a sample, by one model. A crop in which no cell was found does not count.
        sample: Name of the sample.
        edge_rule: Which of the cells cut by the image edge count, a key of :data:`wbcseg.counting.EDGE_RULES`.
        references: Reference ranges in percent by type, such as :data:`wbcseg.differential.ADULT_RANGES`.

    Raises:
        ConfigError: If there is no such edge rule.
    """
    found = [cell for cell in cells if cell.features is not None]
    counted = [cell for cell in found if is_counted(cell, edge_rule)]
    by_type = Counter(cell.type for cell in counted)
    refiled = Counter(cell.type for cell in counted if cell.is_refiled)
    counts = [by_type[name] for name in WHITE_CELL_TYPES]
    total = sum(counts)
    scaled = zip(scale_counts(counts, 100), scale_counts(counts, 200), strict=True)
    types = []
    for name, count, (per_100, per_200) in zip(WHITE_CELL_TYPES, counts, scaled, strict=True):
        low, high = compute_wilson_interval(count, total)
        percent = 100 * count / total if total else math.nan
        reference = (references or {}).get(name)
        item = TypeCount(name, count, percent, 100 * low, 100 * high, per_100, per_200, refiled[name], reference)
        types.append(item)
    return Differential(
        sample,
        tuple(types),
        total,
        unsure=by_type[UNSURE],
        untyped=by_type[""],
        erythroblasts=by_type[ERYTHROBLAST],
        not_white_cells=by_type[NOT_A_WHITE_CELL],
        refiled=refiled.total(),
        reviewed=sum(bool(cell.assigned_type) for cell in counted),
        not_counted=len(found) - len(counted),
    )


def count_reports(
    reports: Sequence[ImageReport],
    *,
    samples: Mapping[str, str] | None = None,
    edge_rule: str = DEFAULT_EDGE_RULE,
    references: Mapping[str, Range] | None = None,
) -> list[Differential]:
    """Return the differential count of each sample of images, and of each model if there are several.

    Args:
        reports: The images.
        samples: Sample of each image by its name; by default, all images are one sample without a name.
        edge_rule: Which of the cells cut by the image edge count, a key of :data:`wbcseg.counting.EDGE_RULES`.
        references: Reference ranges in percent by type.

    Raises:
        ConfigError: If there is no such edge rule.
    """
    models = list(dict.fromkeys(model for report in reports for model in report.models))
    cells: dict[tuple[str, str], list[CellResult]] = {}
    for report in reports:
        for model in report.models:
            sample = (samples or {}).get(report.name, "")
            cells.setdefault((sample, model), []).extend(report.get_cells(model))
    return [
        count_types(
            sample_cells,
            sample=", ".join(filter(None, (sample, model if len(models) > 1 else ""))),
            edge_rule=edge_rule,
            references=references,
        )
        for (sample, model), sample_cells in cells.items()
    ]


def scale_counts(counts: Sequence[int], size: int) -> list[int]:
    """Return counts as whole numbers that add up to a size, by largest remainders; all 0 if there are none.

    Args:
        counts: Counts that are not negative.
        size: What the result adds up to, such as 100.

    Example:
        >>> scale_counts([1, 1, 1], 100)
        [34, 33, 33]
    """
    total = sum(counts)
    if not total:
        return [0] * len(counts)
    scaled = [count * size // total for count in counts]
    by_remainder = sorted(range(len(counts)), key=lambda index: (-(counts[index] * size % total), index))
    for index in by_remainder[: size - sum(scaled)]:
        scaled[index] += 1
    return scaled


def _replace_nan(values: dict[str, Any]) -> dict[str, Any]:
    return {name: None if isinstance(value, float) and math.isnan(value) else value for name, value in values.items()}
