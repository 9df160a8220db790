"""Measure what outlines along a picture's edges are worth: ``python -m benchmarks.edges > benchmarks/edges.json``.

The shipped models for any laboratory segment the Zheng pictures that were held out from their training, with outlines
as the network left them and along the edges; Dice with the experts' masks, one look.
"""

from __future__ import annotations

import json
import statistics
import sys
import time

import numpy as np
from numpy.typing import NDArray

from wbcseg.datasets import open_dataset
from wbcseg.evaluation import evaluate_heldout, summarise_scores
from wbcseg.inference import Catalog, Segmenter

DATASETS = ("zheng-1", "zheng-2")
REGIONS = ("nucleus", "cytoplasm", "cell")


def main() -> None:
    """Write the figures as JSON to the standard output."""
    rows = []
    for entry in Catalog().entries:
        if not (entry.shipped and entry.card and entry.card.two_stage):
            continue
        segmenters = [Segmenter(entry.folder, entry.card, refine=edges, threads=1) for edges in (False, True)]
        for name in DATASETS:
            dataset = open_dataset(name)
            summaries = [summarise_scores(evaluate_heldout(segmenter, dataset)) for segmenter in segmenters]
            dice = {region: [summary["regions"][region]["dice"] for summary in summaries] for region in REGIONS}
            image = dataset.read(dataset.ids[0]).image
            time_pairs = [[_time_prediction(segmenter, image) for segmenter in segmenters] for _ in range(20)]
            extra_milliseconds = statistics.median(after - before for before, after in time_pairs)
            labels = {"model": entry.name, "dataset": name, "images": summaries[0]["images"]}
            rows.append({**labels, "dice": dice, "milliseconds": round(extra_milliseconds, 1)})
    json.dump({"dice": "as the network left them, along the edges", "rows": rows}, sys.stdout, indent=1)
    print()


def _time_prediction(segmenter: Segmenter, image: NDArray[np.uint8]) -> float:
    start_time = time.process_time()
    segmenter.predict(image)
    return 1e3 * (time.process_time() - start_time)


if __name__ == "__main__":
    main()
