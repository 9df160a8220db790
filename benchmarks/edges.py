"""Measure the effect of refining outlines along edges: ``python -m benchmarks.edges > benchmarks/edges.json``.

The shipped general models segment their held-out Zheng images in a single pass, without and with refined outlines.
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
from wbcseg.metrics import FOREGROUND_REGIONS

DATASETS = ("zheng-1", "zheng-2")


def main() -> None:
    """Print the results as JSON."""
    rows = []
    for entry in Catalog().entries:
        if not (entry.shipped and entry.card and entry.card.two_stage):
            continue
        segmenters = [Segmenter(entry.folder, entry.card, refine=edges, threads=1) for edges in (False, True)]
        for name in DATASETS:
            dataset = open_dataset(name)
            summaries = [summarise_scores(evaluate_heldout(segmenter, dataset)) for segmenter in segmenters]
            dice = {
                region: [summary["regions"][region]["dice"] for summary in summaries] for region in FOREGROUND_REGIONS
            }
            image = dataset.read(dataset.ids[0]).image
            time_pairs = [[_time_prediction(segmenter, image) for segmenter in segmenters] for _ in range(20)]
            extra_milliseconds = statistics.median(after - before for before, after in time_pairs)
            labels = {"model": entry.name, "dataset": name, "images": summaries[0]["images"]}
            rows.append({**labels, "dice": dice, "milliseconds": round(extra_milliseconds, 1)})
    json.dump({"dice": "without refinement, with refinement", "rows": rows}, sys.stdout, indent=1)
    print()


def _time_prediction(segmenter: Segmenter, image: NDArray[np.uint8]) -> float:
    start_time = time.process_time()
    segmenter.predict(image)
    return 1e3 * (time.process_time() - start_time)


if __name__ == "__main__":
    main()
