"""The card of a newly exported cell detector."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from wbcseg import __version__
from wbcseg.inference.detection import DetectorCard, Thresholds, TrainingData
from wbcseg.inference.detection.card import DETECTOR_FILE, VERIFIER_FILE
from wbcseg.inference.detection.card_records import DetectorMetrics
from wbcseg.models.card import NOTICE
from wbcseg.models.file_record import FileRecord

DEFAULT_THRESHOLDS: Final = Thresholds(
    candidate_heat=0.15,
    duplicate_iou=0.55,
    cell_score=0.5,
    overlap_iou=0.5,
    contained_fraction=0.8,
    heat_weight=0.35,
    edge_penalty=0.05,
)
"""Thresholds of a new detector. They were chosen on ``raabin-fields``, ``lisc-fields`` and composed fields."""

DESCRIPTION: Final = (
    "Detects white blood cells in fields of view from any microscope and stain. A detector network computes heat maps "
    "of cell centres and sizes on an image pyramid (CenterNet's method, at up to six scales); a verifier network sees "
    "every candidate in a close-up of one scale, tells white cells from everything else, and corrects the box. Both "
    "are 8-bit LiteRT networks and see the image divided by the colour of its background."
)

TRAINING_DATA: Final = (
    TrainingData(
        "pbc",
        "white cells, platelets and red cells, cut out and composed into fields; boxes of the cells",
        "Images: Acevedo, Merino, Alférez, Molina, Boldú and Rodellar 2020, Data in Brief 30:105474, "
        "doi:10.17632/snkd93bnjr.1. Boxes: github.com/medmabcf/White-Blood-Cell-Detection-Dataset",
        "CC BY 4.0",
    ),
    TrainingData(
        "segmentation_WBC",
        "white cells with masks, composed into fields",
        "Zheng, Wang, Wang and Liu 2018, Micron 107:55–71, doi:10.1016/j.micron.2018.01.010. Dataset 1 comes from "
        "Jiangxi Tecom Science Corporation, China; the images of Dataset 2 come from the CellaVision blog",
        "GPL-3.0",
    ),
    TrainingData(
        "chula-rbc-12",
        "red cells, and fields without a white cell",
        "Naruenatthanaset, Chalidabhongse, Palasuwan, Anantrasirichai and Palasuwan 2021, "
        "github.com/Chula-PIC-Lab/Chula-RBC-12-Dataset",
        "MIT",
    ),
    TrainingData("synthetic", "synthetic smears", "wbcseg", "MIT"),
)

NOTES: Final = (
    "White cells from 20 to 500 pixels across, in images up to 24 megapixels.",
    "Erythroblasts (nucleated red cells) count as nucleated cells: they are detected like white cells and must be "
    "subtracted from a white-cell count.",
    "Platelets, giant platelets, clumps and stain deposits do not count.",
)


def write_detector_card(
    folder: Path, thresholds: Thresholds = DEFAULT_THRESHOLDS, test_metrics: DetectorMetrics | None = None
) -> DetectorCard:
    """Write the card of the networks in a folder: from here on, the folder is a cell detector.

    Args:
        folder: With the exported networks.
        thresholds: When a candidate is a cell.
        test_metrics: Metrics, if they are known already.
    """
    card = DetectorCard(
        title="Cell detector",
        description=DESCRIPTION,
        thresholds=thresholds,
        files={
            "detector": FileRecord.from_path(folder / DETECTOR_FILE),
            "verifier": FileRecord.from_path(folder / VERIFIER_FILE),
        },
        training_data=TRAINING_DATA,
        test_metrics=test_metrics,
        notes=NOTES,
        notice=NOTICE,
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        wbcseg_version=__version__,
    )
    card.write(folder)
    return card
