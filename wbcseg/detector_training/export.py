"""Export a trained network to LiteRT. Imports TensorFlow."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from wbcseg.detector_training.batches import get_field_geometry
from wbcseg.detector_training.composing import Composer
from wbcseg.detector_training.library import Library
from wbcseg.detector_training.networks import build_network
from wbcseg.detector_training.options import NetworkName, TrainingOptions
from wbcseg.detector_training.verifier_samples import sample_crops
from wbcseg.inference.detection.background import estimate_background, normalise
from wbcseg.training.export import quantise_to_tflite
from wbcseg.training.steps.export import load_trained_network

CALIBRATION_FIELDS: Final = 150
CALIBRATION_CROPS: Final = 200
"""Number of images from which the range of values of every layer is determined."""

CALIBRATION_SEEDS: Final[dict[NetworkName, int]] = {"detector": 4242, "verifier": 4343}


def export_network(network: NetworkName, folder: Path, library: Path, options: TrainingOptions) -> bytes:
    """Return a trained network as a LiteRT file that computes in 8-bit integers.

    Args:
        network: Which network.
        folder: Its folder, with a checkpoint.
        library: Folder of the library.
        options: Settings of the training.

    Raises:
        RunError: If there is no checkpoint.
        WeightsError: If it belongs to another network.
    """
    model = load_trained_network(folder, lambda: build_network(network, options))
    return quantise_to_tflite(model, collect_calibration_images(network, library, options))


def collect_calibration_images(network: NetworkName, library: Path, options: TrainingOptions) -> NDArray[np.float32]:
    """Return normalised images as in training, ``float32[N, H, W, 3]``."""
    seed, cells = CALIBRATION_SEEDS[network], Library.load("train", library)
    if network == "detector":
        composer = Composer(cells, seed)
        images = [composer.compose().image for _ in range(CALIBRATION_FIELDS)]
        return np.stack([normalise(image, estimate_background(image)) for image in images])
    rng = np.random.default_rng(seed)
    side, diameters, _ = get_field_geometry(options.crop_side)
    composer = Composer(cells, seed, side=side, diameters=diameters)
    crops: list[NDArray[np.float32]] = []
    while len(crops) < CALIBRATION_CROPS:
        crops += list(sample_crops(rng, composer.compose(), None, options.crop_side)[0])
    return np.stack(crops[:CALIBRATION_CROPS])
