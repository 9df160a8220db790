"""Data sets: ordered lists of samples, from published sources, folders, zips or the synthetic generator."""

from wbcseg.datasets.base import Dataset, SampleInfo, compute_manifest_digest
from wbcseg.datasets.folder import open_folder, open_zip
from wbcseg.datasets.pairing import PAIRING_RULE
from wbcseg.datasets.registry import DATASET_NAMES, DatasetStatus, list_datasets, open_dataset
from wbcseg.datasets.sample import Sample
from wbcseg.datasets.validation import check_dataset, check_manifest, find_problems

__all__ = [
    "DATASET_NAMES",
    "PAIRING_RULE",
    "Dataset",
    "DatasetStatus",
    "Sample",
    "SampleInfo",
    "check_dataset",
    "check_manifest",
    "compute_manifest_digest",
    "find_problems",
    "list_datasets",
    "open_dataset",
    "open_folder",
    "open_zip",
]
