"""Example images: real blood cells to try the program with, shipped with it.

Crops of single cells and four fields of view composed of such crops. All come from images of ``pbc`` that no model is
trained on or scored with (:attr:`wbcseg.datasets.fields.DetectorSplit.pbc_examples`); ``docs/examples.md`` says how
they were chosen and composed. There are no masks.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import Any, Final, Literal

from wbcseg.datasets.base import Dataset, SampleInfo
from wbcseg.datasets.sample import Sample
from wbcseg.errors import DatasetError, ErrorCode
from wbcseg.io import open_image, read_size
from wbcseg.labels import CELL_TYPES, CellType

DATASET_NAME: Final = "examples"
TITLE: Final = "Examples: real blood cells (Barcelona)"

FIELD_TYPE: Final = "field"
"""Type of an example that is a field of view."""

_FOLDER: Final = Path(__file__).parent


@dataclass(frozen=True)
class Example:
    """An example image.

    Attributes:
        file: File name.
        title: What it shows, in a few words.
        type: Its cell type, ``platelet`` or ``field``.
        level: Whether it is easy or hard to segment.
        note: What makes it so.
        originals: Names of the images of ``pbc`` that its white cells come from.
        composed: Whether it is composed of parts of several images.
    """

    file: str
    title: str
    type: str
    level: Literal["easy", "hard"]
    note: str
    originals: tuple[str, ...]
    composed: bool = False

    @property
    def sample_id(self) -> str:
        """Its id in the data set."""
        return f"{DATASET_NAME}/{self.file.removesuffix('.jpg')}"

    @property
    def caption(self) -> str:
        """What it shows and what makes it easy or hard."""
        return f"{self.title} ({self.level}). {self.note}"

    @property
    def credit(self) -> str:
        """Authors, source, licence and change, as the licence asks for."""
        record = _read_record()
        if self.composed:
            return f"Composed of images by {record['authors']}, doi:{record['doi']}, {record['licence']}"
        (original,) = self.originals
        return f"Image {original}: {record['authors']}, doi:{record['doi']}, {record['licence']}"


@cache
def list_examples() -> tuple[Example, ...]:
    """Return the examples; the first six are the ones to begin with."""
    return tuple(Example(**{**values, "originals": tuple(values["originals"])}) for values in _read_record()["images"])


def open_examples() -> Dataset:
    """Open the examples as a data set."""
    record = _read_record()
    infos = [
        SampleInfo(
            example.sample_id,
            _get_cell_type(example),
            read_size(_FOLDER / example.file, name=example.file),
            partial(_read_sample, example),
            has_mask=False,
        )
        for example in list_examples()
    ]
    acknowledgement = (
        f"Images: {record['authors']}, {record['source']}, doi:{record['doi']}, {record['licence']}. "
        f"{record['changes']}"
    )
    return Dataset(DATASET_NAME, TITLE, infos, origin="comes with the program", acknowledgement=acknowledgement)


def read_example_file(example: Example) -> bytes:
    """Return the bytes of an example's file.

    Raises:
        DatasetError: If it cannot be read.
    """
    try:
        return (_FOLDER / example.file).read_bytes()
    except OSError as error:
        reason = f"Reading the file failed: {error.strerror}."
        raise DatasetError(
            f"{example.file}: {reason}", file=example.file, reason=reason, code=ErrorCode.UNREADABLE
        ) from error


@cache
def _read_record() -> dict[str, Any]:
    record: dict[str, Any] = json.loads((_FOLDER / "examples.json").read_text(encoding="utf-8"))
    return record


def _read_sample(example: Example) -> Sample:
    pixels = open_image(read_example_file(example), name=example.file).pixels
    return Sample(
        example.sample_id, pixels, None, _get_cell_type(example), source=example.credit, caption=example.caption
    )


def _get_cell_type(example: Example) -> CellType | None:
    return next((cell_type for cell_type in CELL_TYPES if cell_type == example.type), None)
