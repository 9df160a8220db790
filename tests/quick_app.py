"""The app as the page tests see it, with fast models that need no files."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from html import unescape
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from wbcseg.errors import ModelError, Problem
from wbcseg.inference import BBox, BrokenModel, Catalog, DetectedCell, ModelEntry, Segmentation
from wbcseg.models.card_records import HeldoutMetrics, RegionScores
from wbcseg.ui.viewer.payload import decode_payload

APP = Path(__file__).parents[1] / "app.py"
PROBLEM = (
    "File model.tflite of model broken-16 is damaged or was replaced. Copy the model folder again from its source."
)

OpenPage = Callable[..., AppTest]

TWO_MODELS = ["U-Net 16", "SegNet 16"]
"""Titles of the models of :class:`QuickCatalog`, for a link that compares them."""


class Threshold:
    """A "model" that labels dark pixels as nucleus and less dark ones as cytoplasm."""

    def __init__(self, name: str, card: SimpleNamespace | None = None) -> None:
        self.name, self.card = name, card

    def predict(self, image: np.ndarray, *, tta: bool = False) -> Segmentation:  # noqa: ARG002 (as the real one)
        green = image[..., 1]
        labels = (green < 110).astype(np.uint8) + (green < 180).astype(np.uint8)
        return Segmentation(labels, np.eye(3, dtype=np.float32)[labels], self.name)


def as_field(segmentation: Segmentation, boxes: Sequence[BBox]) -> Segmentation:
    """Return a result as if the model had found cells of a field of view in these boxes."""
    cells = [
        DetectedCell(box, segmentation.probabilities[box.slices], segmentation.labels[box.slices] > 0, number)
        for number, box in enumerate(boxes, start=1)
    ]
    return Segmentation(segmentation.labels, None, segmentation.model, tuple(cells))


def card(title: str, *, two_stage: bool = False) -> SimpleNamespace:
    """Return what the pages read of a model card. Every such model was trained on synthetic/001."""
    region, undefined = RegionScores(0.975, 0.002, 0.95, 0.004, 60), RegionScores(None, None, None, None, 0)
    return SimpleNamespace(
        title=title,
        architecture="segnet" if title.startswith("SegNet") else "unet",
        base_filters=16,
        two_stage=two_stage,
        is_method=False,
        dataset="synthetic",
        created="2026-01-01T00:00:00",
        is_leaky=title.startswith("SegNet"),
        trained_on=lambda sample_id, digest="": sample_id == "synthetic/001",  # noqa: ARG005 (as the real one)
        training_digests=frozenset(),
        test_metrics=HeldoutMetrics(
            60, 0.98, {"background": region, "nucleus": region, "cytoplasm": region, "cell": undefined}
        ),
        files={role: SimpleNamespace(sha256=title) for role in ("model", "weights")},
    )


class QuickCatalog(Catalog):
    """Two models that can be used and one that cannot."""

    def __init__(self) -> None:
        self.entries = (
            ModelEntry("unet-16", Path("unet-16"), card("U-Net 16"), True),
            ModelEntry("segnet-16", Path("segnet-16"), card("SegNet 16"), True),
            BrokenModel("broken-16", Path("broken-16"), Problem(PROBLEM), True),
        )

    def load(self, name: str) -> Threshold:
        return Threshold(name, self.get(name).card)


class CatalogWithGeneral(QuickCatalog):
    """One of the models is a general (multi-site) model."""

    def __init__(self) -> None:
        super().__init__()
        general = ModelEntry("unet-general", Path("unet-general"), card("General", two_stage=True), True)
        self.entries = (*self.entries, general)


class FailingCatalog(QuickCatalog):
    """The second model's file turns out to be damaged when it is loaded."""

    def __init__(self) -> None:
        super().__init__()
        # Another checksum, so that no segmenter of an earlier test comes from the cache.
        damaged = ModelEntry("segnet-16", Path("segnet-16"), card("SegNet 16, damaged"), True)
        self.entries = (self.entries[0], damaged)

    def load(self, name: str) -> Threshold:
        if name == "segnet-16":
            raise ModelError("File model.tflite of model segnet-16 cannot be read. Copy it again.")
        return super().load(name)


def replace_quality_models(monkeypatch: pytest.MonkeyPatch, load: Callable[[Any], Any]) -> None:
    """Let the app load its quality models with another function of the card."""
    for module in ("wbcseg.api.segmentation", "wbcseg.ui.cache"):
        monkeypatch.setattr(f"{module}.load_quality_model", load)


def go_to(at: AppTest, page: str) -> None:
    """Go to a page, for the next run."""
    at.switch_page(f"pages/{page}.py")
    at.context = {"url": f"http://localhost/{page}"}


def page_text(at: AppTest) -> str:
    """Return all text of a page that is written as Markdown or in a message."""
    kinds = (at.title, at.header, at.subheader, at.markdown, at.caption, at.text, at.info, at.warning, at.error)
    return "\n".join(element.value for kind in kinds for element in kind)


def tables(at: AppTest) -> list[list[list[str]]]:
    """Return the tables of a page as rows of cells, the header first."""
    texts = [[line for line in element.value.splitlines() if line.startswith("| ")] for element in at.markdown]
    return [
        [[cell.strip() for cell in line[1:-1].split("|")] for line in (header, *rows)]
        for header, _, *rows in filter(None, texts)
    ]


def viewer_props(at: AppTest) -> dict[str, Any]:
    """Return what a page sends to the viewer component."""
    (component,) = [item for item in at.get("bidi_component") if item.proto.component_name.endswith("wbcseg.viewer")]
    (props,) = json.loads(component.proto.json)
    return dict(props)


def cell_list(at: AppTest) -> dict[str, Any] | None:
    """Return what a page sends to the list of cells beside the viewer; ``None`` where there is none."""
    components = [item for item in at.get("bidi_component") if item.proto.component_name.endswith("wbcseg.cell_list")]
    return dict(json.loads(components[0].proto.json)[0]) if components else None


def payloads(at: AppTest) -> dict[str, tuple[dict[str, Any], dict[str, bytes]]]:
    """Return the images that a page sends to the viewer: header and parts by digest."""
    components = [item for item in at.get("bidi_component") if item.proto.component_name.endswith("wbcseg.payload")]
    decoded = [decode_payload(item.proto.bytes) for item in components]
    return {header["digest"]: (header, parts) for header, parts in decoded}


def count_images(at: AppTest) -> int:
    """Return how many images a page shows."""
    return len(at.image)


def parse_rows(html: str) -> list[list[str]]:
    """Return the rows of an HTML table as lists of texts."""
    rows = re.findall("<tr.*?</tr>", html)
    cells = [re.findall("<t[hd][^>]*>(.*?)</t[hd]>", row) for row in rows]
    return [[unescape(re.sub("<[^>]*>", " ", cell)).replace("\u202f", "").strip() for cell in row] for row in cells]
