"""Scores of the type model, and their file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Final, Self

import numpy as np
from numpy.typing import NDArray

from wbcseg.celltypes.names import NOT_A_WHITE_CELL, TYPE_NAMES
from wbcseg.celltypes.probabilities import PriorName, Probabilities, apply_prior, select_prior
from wbcseg.evaluation.result_store import read_result, write_result
from wbcseg.metrics.classification import compute_ece, compute_macro_f1, count_confusions
from wbcseg.paths import RESULTS

TYPES_FOLDER: Final = RESULTS / "types"
RESULT_FILE: Final = "cell-types.json"


@dataclass(frozen=True)
class TypeScore:
    """Scores of one test under one prior. Accuracy, F1 and calibration are of the nucleated cells.

    Scores are ``None`` if there is nothing to score.

    Attributes:
        name: Name of the test, such as ``pbc``.
        prior: How common the types were taken to be.
        cells: Number of nucleated cells.
        accuracy: Share of them whose likeliest type is right.
        macro_f1: Mean F1 of the types that occur.
        ece: Expected calibration error.
        typed: Share of them that are not *unsure*.
        typed_accuracy: Share of the typed ones whose type is right.
        others: Number of things that are no white cells.
        others_found: How many of them were told so.
        confusions: True type by likeliest type, in the order of :data:`wbcseg.celltypes.TYPE_NAMES`.
        missed: Number of cells that were not found, in a test from whole images; all other numbers are of the rest.
    """

    name: str
    prior: str
    cells: int
    accuracy: float | None
    macro_f1: float | None
    ece: float | None
    typed: float | None
    typed_accuracy: float | None
    others: int
    others_found: int
    confusions: tuple[tuple[int, ...], ...]
    missed: int = 0

    def format(self) -> str:
        """Return the scores in a line."""
        shares = {
            "accuracy": self.accuracy,
            "macro F1": self.macro_f1,
            "ECE": self.ece,
            "typed": self.typed,
            "accuracy when typed": self.typed_accuracy,
        }
        text = ", ".join(f"{name} {'undefined' if value is None else f'{value:.4f}'}" for name, value in shares.items())
        others = f"; {self.others_found} of {self.others} others told" if self.others else ""
        missed = f"; {self.missed} not found" if self.missed else ""
        return f"{self.name:10} prior {self.prior:6} {self.cells:4} cells: {text}{others}{missed}"


def score_types(
    name: str,
    even: Probabilities,
    truth: NDArray[np.intp],
    prior: PriorName,
    min_confidence: float,
    *,
    missed: int = 0,
) -> TypeScore:
    """Return the scores of cells under a prior.

    Args:
        name: Name of the test.
        even: Probabilities of types if all are equally likely, ``float64[N, 8]``.
        truth: Index of the true type of each, ``int[N]``.
        prior: How common the types are taken to be.
        min_confidence: From which probability on a type is given.
        missed: Number of cells that were not found.
    """
    probabilities = apply_prior(even, select_prior(prior, even))
    predicted, confidence = probabilities.argmax(axis=1), probabilities.max(axis=1)
    confusions = count_confusions(truth, predicted, len(TYPE_NAMES))
    other = TYPE_NAMES.index(NOT_A_WHITE_CELL)
    is_cell, is_right, is_typed = truth != other, predicted == truth, confidence >= min_confidence
    typed_cells = is_cell & is_typed
    return TypeScore(
        name,
        prior,
        int(is_cell.sum()),
        _mean(is_right[is_cell]),
        _round(compute_macro_f1(np.where((np.arange(len(TYPE_NAMES)) == other)[:, None], 0, confusions))),
        _round(compute_ece(confidence[is_cell], is_right[is_cell])),
        _mean(is_typed[is_cell]),
        _mean(is_right[typed_cells]),
        int((~is_cell).sum()),
        int((is_right & ~is_cell).sum()),
        tuple(tuple(row) for row in confusions.tolist()),
        missed,
    )


def _mean(values: NDArray[np.bool_]) -> float | None:
    return _round(float(values.mean())) if values.size else None


def _round(value: float) -> float | None:
    return None if np.isnan(value) else round(value, 4)


@dataclass(frozen=True)
class TypesResult:
    """Result of the type model.

    Attributes:
        network: SHA-256 of its network.
        min_confidence: From which probability on a type was given.
        scores: One for each test and prior.
        comparison: Scores of other models, by model. They learned no type from Zheng, and are tested on all
            its cells.
    """

    network: str
    min_confidence: float
    scores: tuple[TypeScore, ...]
    comparison: Mapping[str, tuple[TypeScore, ...]]

    def to_dict(self) -> dict[str, Any]:
        """Return JSON values."""
        return {
            "network": self.network,
            "min_confidence": self.min_confidence,
            "scores": _to_rows(self.scores),
            "comparison": {name: _to_rows(scores) for name, scores in self.comparison.items()},
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """Read what :meth:`to_dict` returned."""
        return cls(
            values["network"],
            values["min_confidence"],
            _from_rows(values["scores"]),
            {name: _from_rows(rows) for name, rows in values["comparison"].items()},
        )

    def summarise(self) -> dict[str, Any]:
        """Return what the model's card says: all scores but the confusion matrices, and the comparison."""
        return {
            "scores": _summarise(self.scores),
            "comparison": {name: _summarise(scores) for name, scores in self.comparison.items()},
        }

    def add_missing(self, earlier: TypesResult) -> TypesResult:
        """Return the result with the tests of an earlier one of the same network that were not made again."""
        models = [*earlier.comparison, *(name for name in self.comparison if name not in earlier.comparison)]
        return replace(
            self,
            scores=_add_missing(self.scores, earlier.scores),
            comparison={
                name: _add_missing(self.comparison.get(name, ()), earlier.comparison.get(name, ())) for name in models
            },
        )

    def write(self, folder: Path) -> Path:
        """Write the result to a folder. Return the file."""
        folder.mkdir(parents=True, exist_ok=True)
        write_result(folder / RESULT_FILE, self.to_dict())
        return folder / RESULT_FILE


def _add_missing(scores: Sequence[TypeScore], earlier: Sequence[TypeScore]) -> tuple[TypeScore, ...]:
    names = {score.name for score in scores}
    return (*(score for score in earlier if score.name not in names), *scores)


def _to_rows(scores: Sequence[TypeScore]) -> list[dict[str, Any]]:
    return [{**asdict(score), "confusions": list(map(list, score.confusions))} for score in scores]


def _from_rows(rows: Sequence[Mapping[str, Any]]) -> tuple[TypeScore, ...]:
    return tuple(TypeScore(**{**row, "confusions": tuple(map(tuple, row["confusions"]))}) for row in rows)


def _summarise(scores: Sequence[TypeScore]) -> list[dict[str, Any]]:
    rows = [{key: value for key, value in asdict(score).items() if key != "confusions"} for score in scores]
    # Only tests from whole images may miss cells.
    return [{key: value for key, value in row.items() if key != "missed" or value} for row in rows]


def load_types_result(folder: Path = TYPES_FOLDER) -> TypesResult | None:
    """Return the result in a folder, by default the shipped one; ``None`` if there is none."""
    path = folder / RESULT_FILE
    return TypesResult.from_dict(read_result(path)) if path.exists() else None
