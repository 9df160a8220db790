"""Differential counts: how many cells of each type a sample has, how certain that is, and how two of them compare."""

from wbcseg.differential.comparison import (
    ReaderComparison,
    SampleComparison,
    TypeDifference,
    compare_readers,
    compare_samples,
    compare_with_model,
)
from wbcseg.differential.counts import Differential, TypeCount, count_reports, count_types, scale_counts
from wbcseg.differential.names import ASSIGNABLE_TYPES, TYPE_COLOURS, TYPE_NAMES, TYPE_SHORT_NAMES, WHITE_CELL_TYPES
from wbcseg.differential.reference import ADULT_RANGES, REFERENCE_SOURCE, REFERENCE_URL
from wbcseg.differential.samples import SamplePattern, group_by_folder, group_by_pattern
from wbcseg.differential.table import DIFFERENTIAL_FILE, build_differential_rows
from wbcseg.differential.text import describe_rest

__all__ = [
    "ADULT_RANGES",
    "ASSIGNABLE_TYPES",
    "DIFFERENTIAL_FILE",
    "REFERENCE_SOURCE",
    "REFERENCE_URL",
    "TYPE_COLOURS",
    "TYPE_NAMES",
    "TYPE_SHORT_NAMES",
    "WHITE_CELL_TYPES",
    "Differential",
    "ReaderComparison",
    "SampleComparison",
    "SamplePattern",
    "TypeCount",
    "TypeDifference",
    "build_differential_rows",
    "compare_readers",
    "compare_samples",
    "compare_with_model",
    "count_reports",
    "count_types",
    "describe_rest",
    "group_by_folder",
    "group_by_pattern",
    "scale_counts",
]
