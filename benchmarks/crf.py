"""Measure what a conditional random field is worth: ``python -m benchmarks.crf > benchmarks/crf.json``.

Models segment their held-out images of Dataset 1 in a single pass, without and with it: the shipped U-Nets, and a
random forest that is trained on the training images of unet-16.
"""

from __future__ import annotations

import json
import statistics
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from wbcseg.datasets import Dataset, open_dataset
from wbcseg.evaluation import ImageScore, evaluate_heldout
from wbcseg.evaluation.methods import train_method
from wbcseg.inference import Catalog, Segmenter
from wbcseg.metrics import FOREGROUND_REGIONS
from wbcseg.metrics.stats import compare
from wbcseg.training.methods import MethodConfig

DATASET = "zheng-1"
MODELS = ("unet-16", "unet-general")
METHOD = "random_forest"


def main() -> None:
    """Print the results as JSON."""
    dataset = open_dataset(DATASET)
    rows = [measure(name, Catalog().load(name), dataset) for name in MODELS]
    with TemporaryDirectory() as folder:
        train_method(MethodConfig(METHOD, DATASET), Path(folder), dataset=dataset)
        rows.append(measure(METHOD, Segmenter(Path(folder)), dataset))
    json.dump({"dice": "mean without, with; difference with 95% interval", "rows": rows}, sys.stdout, indent=1)
    print()


def measure(name: str, segmenter: Segmenter, dataset: Dataset) -> dict[str, Any]:
    """Return the scores of a model without and with the field, and the time that it adds to a crop."""
    segmenters = (segmenter, segmenter.with_crf())
    scores = [evaluate_heldout(each, dataset) for each in segmenters]
    image = dataset.read(dataset.ids[0]).image
    times = [[_time_prediction(each, image) for each in segmenters] for _ in range(20)]
    return {
        "model": name,
        "images": len(scores[0]),
        "dice": {region: _compare(*scores, region) for region in FOREGROUND_REGIONS},
        "milliseconds": round(statistics.median(after - before for before, after in times), 1),
    }


def _compare(without: list[ImageScore], refined: list[ImageScore], region: str) -> list[float]:
    first, second = ([row.scores.dice[region] for row in rows] for rows in (refined, without))
    result = compare(first, second)
    means = (statistics.mean(value for value in values if value == value) for values in (second, first))
    return [round(value, 5) for value in (*means, result.difference, result.ci_low, result.ci_high)]


def _time_prediction(segmenter: Segmenter, image: Any) -> float:
    start_time = time.process_time()
    segmenter.predict(image)
    return 1e3 * (time.process_time() - start_time)


if __name__ == "__main__":
    main()
