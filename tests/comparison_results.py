"""Results of a comparison of many networks, made from a seed, in the form of the committed ones."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from sample_runs import ENVIRONMENT

from wbcseg.models import ARCHITECTURES
from wbcseg.models.method_registry import METHODS
from wbcseg.training import PRESETS

REGIONS = ("background", "cytoplasm", "nucleus", "cell")
STUDY = "zheng-1-comparison-cv5"
CELL_TYPES = ("neutrophil", "lymphocyte", "eosinophil", "monocyte", "basophil")
ERRORS = {
    **dict(zip(ARCHITECTURES, np.linspace(0.052, 0.075, len(ARCHITECTURES)), strict=True)),
    "unetplusplus": 0.0519,
    **{"random_forest": 0.11, "linear_svm": 0.13, "self_supervised_svm": 0.095, "random_forest_crf": 0.105},
}
"""How far the mean Dice of the cytoplasm of each is from 1."""


def make_entry(
    architecture: str, error: float | None = None, *, n_images: int = 264, study: str = STUDY, **changes: Any
) -> dict[str, Any]:
    """Return the JSON values of a result. Images that are hard for one entry are hard for the others, too.

    Args:
        architecture: Its network or method.
        error: How far its mean Dice of the cytoplasm is from 1.
        n_images: Number of images, in five folds.
        study: Name of its study.
        **changes: Other values.
    """
    error = ERRORS[architecture] if error is None else error
    shared = np.random.default_rng(11).gamma(3.0, 1 / 3, n_images)
    rng = np.random.default_rng([7, *architecture.encode()])
    is_network = architecture in ARCHITECTURES
    rows = []
    for index, hardness in enumerate(shared):
        lost = {
            region: min(0.6, error * share * hardness * rng.lognormal(0, 0.25))
            for region, share in zip(REGIONS, (0.2, 1.0, 0.6, 0.35), strict=True)
        }
        scores = {
            mode: {
                "accuracy": round(1 - 0.5 * lost["cytoplasm"] * factor, 5),
                "dice": {region: round(1 - value * factor, 5) for region, value in lost.items()},
                "surface_dice": {region: round(1 - 0.8 * lost[region] * factor, 5) for region in REGIONS[1:]},
                "hausdorff_95": {region: round(40 * lost[region] * factor, 5) for region in REGIONS[1:]},
            }
            for mode, factor in (("single", 1.0), ("tta", 0.94))
        }
        cell_type = CELL_TYPES[min(4, int(5 * (index / n_images) ** 2))]
        rows.append({"id": f"zheng-1/{index + 1:03}", "cell_type": cell_type, "training": index % 5, **scores})
    config = PRESETS["compact"].replace(architecture=architecture if is_network else "unet").to_dict()
    del config["fold"], config["split_seed"]
    seconds = float(rng.uniform(400, 3000)) if is_network else float(rng.uniform(5, 60))
    training = {"split_seed": 2, "trained": 211, "tested": n_images // 5, "epochs": 60, "seconds": seconds}
    curve = [
        {"epoch": epoch, "loss": round(error + np.exp(-epoch / 9), 4), "val_loss": round(error + np.exp(-epoch / 8), 4)}
        | {f"val_dice_{name}": round(1 - error - 0.8 * np.exp(-epoch / (6 + 90 * error)), 4) for name in REGIONS[1:]}
        for epoch in range(1, 61)
    ]
    confusion = [[900_000, 9_000, 300], [8_000, round(200_000 * (1 - error)), 4_000], [200, 3_500, 150_000]]
    confidences = (0.45, 0.6, 0.75, 0.9, 0.985)
    bins = [
        {"pixels": 4000 * (i + 1) ** 3, "confidence": c, "accuracy": c - error / 2} for i, c in enumerate(confidences)
    ]
    calibration = {"ece": round(error / 2, 4), "temperature": 1.1, "ece_scaled": 0.004, "bins": bins}
    return {
        "study": study,
        "architecture": architecture,
        "title": f"{ARCHITECTURES[architecture].title}, 16 base filters" if is_network else METHODS[architecture].title,
        "parameters": int(rng.uniform(1.2e6, 1.8e6)) if is_network else None,
        "config": config if is_network else {"dataset": "zheng-1", "split": "leak-free", "folds": 5},
        "environment": {**asdict(ENVIRONMENT), "features": list(ENVIRONMENT.features)},
        "manifest_digest": "0" * 64,
        "trainings": [
            {"fold": fold, **training, "cpu_seconds": 1.7 * seconds, "model_bytes": 1_700_000 if is_network else 0}
            for fold in range(5)
        ],
        "crop_cpu_ms": round(float(rng.uniform(6, 40)), 2),
        **({"pixels": {"confusion": confusion, "calibration": calibration}, "curve": curve} if is_network else {}),
        "images": rows,
        **changes,
    }


def write_entries(folder: Path, entries: Mapping[str, Mapping[str, Any]]) -> None:
    """Write results as files of these names."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, entry in entries.items():
        (folder / f"{name}.json").write_text(json.dumps(entry), encoding="utf-8")


def make_many(n_images: int = 264) -> dict[str, dict[str, Any]]:
    """Return a result for each network and each method, by the name of its file."""
    return {f"{STUDY}-{name}": make_entry(name, n_images=n_images) for name in (*ARCHITECTURES, *METHODS)}
