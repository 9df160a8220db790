"""The pages' scripts and the tabs that other pages link to. The title of a tab is also its name in the address."""

from __future__ import annotations

from typing import Final

HOME: Final = "pages/home.py"
SEGMENT: Final = "pages/segment.py"
BATCH: Final = "pages/batch.py"
DATASETS: Final = "pages/datasets.py"
TRAIN: Final = "pages/train.py"
RUNS: Final = "pages/runs.py"
COMPARE: Final = "pages/compare.py"
QUIZ: Final = "pages/quiz.py"
ARCHITECTURES: Final = "pages/architectures.py"

TRAIN_NEW_TAB: Final = "New run"
TRAIN_PROGRESS_TAB: Final = "Progress"
TRAIN_METHODS_TAB: Final = "Without a network"
COMPARE_FEATURES_TAB: Final = "Cell measurements"
