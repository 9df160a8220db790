"""How well the general models agree with each other on images that none of them was trained on.

The page Segment says that models disagree where the Dice between two of their results is below the 5th percentile of
these (see ``wbcseg.pipeline.disagreement``). Run it with
``python -m benchmarks.model_agreement > benchmarks/model_agreement.json``.
"""

from __future__ import annotations

import itertools
import json
import sys
from typing import Final

import numpy as np

from wbcseg.datasets import open_dataset
from wbcseg.inference import Catalog
from wbcseg.metrics import CELL, score

DATASETS: Final = ("zheng-1", "zheng-2")
REGIONS: Final = ("nucleus", CELL)
PERCENTILES: Final = (5, 10, 25, 50)


def main() -> None:
    """Print the percentiles of the Dice between all pairs of general models as JSON."""
    catalog = Catalog()
    entries = [entry for entry in catalog.usable if entry.shipped and entry.card.two_stage]
    models = {entry.name: catalog.load(entry.name) for entry in entries}
    dice: dict[str, list[float]] = {region: [] for region in REGIONS}
    count = 0
    for name in DATASETS:
        dataset = open_dataset(name)
        for sample_id in dataset.ids:
            sample = dataset.read(sample_id)
            if any(entry.card.trained_on(sample_id, sample.compute_digest()) for entry in entries):
                continue
            count += 1
            labels = [model.predict(sample.image).labels for model in models.values()]
            for first, second in itertools.combinations(labels, 2):
                scores = score(first, second).dice
                for region in REGIONS:
                    dice[region].append(scores[region])
    percentiles = {
        region: {str(percent): round(float(np.nanpercentile(values, percent)), 4) for percent in PERCENTILES}
        for region, values in dice.items()
    }
    result = {"models": list(models), "datasets": list(DATASETS), "images": count, "percentiles": percentiles}
    json.dump(result, sys.stdout, indent=1)
    print()


if __name__ == "__main__":
    main()
