"""Measure what `wbcseg adapt` gains with a few crops of a laboratory that the model never saw.

    python -m benchmarks.adaptation MODEL

Random crops of a data set are written to a folder and MODEL is adapted to them, of which a fifth is held out as always.
Both models are then scored on all other images. The gap is what a network gains that is trained on the laboratory
itself: the committed cross-validation of the U-Net on that data set. The result is written to adaptation.json.

In the committed result, unet-z1 is the shipped unet-16, trained on Dataset 1 alone, with its trainable weights.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from PIL import Image

from wbcseg.datasets import Dataset, open_dataset
from wbcseg.evaluation.cross_validation import get_study_file
from wbcseg.evaluation.heldout import score_images, summarise_scores
from wbcseg.evaluation.result_store import read_result
from wbcseg.inference import Catalog
from wbcseg.metrics import CELL
from wbcseg.self_training.pseudo_masks import IMAGES_FOLDER, MASK_CODES, MASKS_FOLDER

RESULT = Path(__file__).with_name("adaptation.json")


def main() -> None:
    """Measure all draws and write the result."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", help="a model with trainable weights that never saw the data set")
    parser.add_argument("--data-set", default="zheng-2")
    parser.add_argument("--crops", type=int, default=10)
    parser.add_argument("--draws", type=int, default=2)
    options = parser.parse_args()
    dataset = open_dataset(options.data_set)
    study = read_result(get_study_file(options.data_set, "unet"))
    trained_there = float(np.nanmean([image["single"]["dice"][CELL] for image in study["images"]]))
    draws = [measure(options.model, dataset, options.crops, seed) for seed in range(1, options.draws + 1)]
    for draw in draws:
        draw["recovered"] = round((draw["after"] - draw["before"]) / (trained_there - draw["before"]), 3)
    result = {
        "model": options.model,
        "data_set": options.data_set,
        "crops": options.crops,
        "trained_there": round(trained_there, 4),
        "draws": draws,
    }
    RESULT.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    print(json.dumps(result, indent=1))


def measure(model: str, dataset: Dataset, crops: int, seed: int) -> dict[str, float]:
    """Adapt the model to random crops; return the Dice of the whole cell on the others before and after."""
    chosen = set(np.random.default_rng(seed).choice(dataset.ids, crops, replace=False).tolist())
    name = f"adapted-{dataset.name}-{seed}"
    started = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        write_crops(Path(folder), dataset, chosen)
        command = [sys.executable, "-m", "wbcseg", "adapt", folder, "--model", model, "--name", name]
        subprocess.run(command, check=True, stdout=sys.stderr)
    seconds = time.perf_counter() - started
    others = [sample_id for sample_id in dataset.ids if sample_id not in chosen]
    before, after = (
        summarise_scores(score_images(Catalog().load(each), dataset, others)).regions[CELL].dice
        for each in (model, name)
    )
    assert before is not None
    assert after is not None
    return {"seed": seed, "images": len(others), "before": before, "after": after, "seconds": round(seconds)}


def write_crops(folder: Path, dataset: Dataset, ids: set[str]) -> None:
    """Write images and masks as a person's folder has them."""
    for part in (IMAGES_FOLDER, MASKS_FOLDER):
        (folder / part).mkdir()
    for sample_id in ids:
        sample, file = dataset.read(sample_id), f"{sample_id.replace('/', '-')}.png"
        Image.fromarray(sample.image).save(folder / IMAGES_FOLDER / file)
        Image.fromarray(np.array(MASK_CODES, np.uint8)[sample.mask]).save(folder / MASKS_FOLDER / file)


if __name__ == "__main__":
    main()
