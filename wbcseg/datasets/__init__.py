"""Data sets: ordered lists of samples, from published sources, folders, zips or the synthetic generator."""

from wbcseg.datasets.base import DataSet, Entry, manifest_digest
from wbcseg.datasets.folder import open_folder, open_zip
from wbcseg.datasets.pairing import PAIRING_RULE
from wbcseg.datasets.registry import NAMES, DatasetStatus, open_dataset, statuses
from wbcseg.datasets.sample import Sample
from wbcseg.datasets.validation import check_dataset, check_manifest, find_problems

__all__ = [
    "NAMES",
    "PAIRING_RULE",
    "DataSet",
    "DatasetStatus",
    "Entry",
    "Sample",
    "check_dataset",
    "check_manifest",
    "find_problems",
    "manifest_digest",
    "open_dataset",
    "open_folder",
    "open_zip",
    "statuses",
]
