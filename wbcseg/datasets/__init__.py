"""Data sets: ordered lists of samples from published sources, folders, zips or the synthetic generator."""

from wbcseg.datasets.base import Dataset, SampleInfo, compute_manifest_digest
from wbcseg.datasets.folder import open_folder, open_zip
from wbcseg.datasets.open import list_datasets, open_dataset
from wbcseg.datasets.pairing import PAIRING_RULE
from wbcseg.datasets.registry import DATASETS, DatasetAvailability, DatasetSpec, DatasetStatus, register_dataset
from wbcseg.datasets.sample import Sample
from wbcseg.datasets.validation import check_dataset, check_manifest, find_problems

__all__ = [
    "DATASETS",
    "PAIRING_RULE",
    "Dataset",
    "DatasetAvailability",
    "DatasetSpec",
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
    "register_dataset",
]
