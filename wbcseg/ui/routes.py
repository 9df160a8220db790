"""The scripts of the pages that other pages link to, for ``st.page_link`` and ``st.switch_page``."""

from __future__ import annotations

from typing import Final

HOME: Final = "pages/home.py"
SEGMENT: Final = "pages/segment.py"
BATCH: Final = "pages/batch.py"
DATASETS: Final = "pages/datasets.py"
TRAIN: Final = "pages/train.py"
RUNS: Final = "pages/runs.py"
COMPARE: Final = "pages/compare.py"
ARCHITECTURES: Final = "pages/architectures.py"
