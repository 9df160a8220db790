"""Published images whose white cells are marked with boxes or counted, without masks.

They train and test the cell detector. Data sets with masks, which train the segmentation, are in
:mod:`wbcseg.datasets.named`.
"""

from wbcseg.datasets.fields.base import FieldInfo, FieldSet, find_field_folder
from wbcseg.datasets.fields.chula import open_chula
from wbcseg.datasets.fields.lisc import open_lisc_fields
from wbcseg.datasets.fields.pbc import choose_by_type, open_pbc
from wbcseg.datasets.fields.raabin import open_raabin_fields
from wbcseg.datasets.fields.split import DetectorSplit, load_detector_split
from wbcseg.datasets.sample import MarkedCell

__all__ = [
    "DetectorSplit",
    "FieldInfo",
    "FieldSet",
    "MarkedCell",
    "choose_by_type",
    "find_field_folder",
    "load_detector_split",
    "open_chula",
    "open_lisc_fields",
    "open_pbc",
    "open_raabin_fields",
]
