"""The app as the pages' tests see it, with quick models that need no file."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
from streamlit.testing.v1 import AppTest

from wbcseg.errors import ModelError
from wbcseg.inference import BBox, Catalog, DetectedCell, ModelEntry, Segmentation
from wbcseg.ui.viewer.payload import decode_payload

APP = Path(__file__).parents[1] / "app.py"
PROBLEM = "File model.tflite of model broken-16 is damaged or was replaced. Copy the model's folder again."

OpenPage = Callable[..., AppTest]


class Threshold:
    """A "network" that calls dark pixels nucleus and the next brighter ones cytoplasm."""

    def __init__(self, name: str) -> None:
        self.name = name

    def predict(self, image: np.ndarray, *, careful: bool = False) -> Segmentation:  # noqa: ARG002 (as the real one)
        green = image[..., 1]
        labels = (green < 110).astype(np.uint8) + (green < 180).astype(np.uint8)
        return Segmentation(labels, np.eye(3, dtype=np.float32)[labels], self.name)


def as_field(found: Segmentation, places: Sequence[BBox]) -> Segmentation:
    """Return what a model made of a field of view as if it had found cells in these places."""
    cells = [DetectedCell(one, found.probabilities[one.slices], found.labels[one.slices] > 0) for one in places]
    return Segmentation(found.labels, None, found.model, tuple(cells))


def card(title: str, *, framed: bool = False) -> SimpleNamespace:
    """What the pages read of a model's card. Every such model was trained on synthetic/001."""
    region = {"dice": 0.975, "dice_se": 0.002, "n": 60}
    return SimpleNamespace(
        title=title,
        architecture="segnet" if title.startswith("SegNet") else "unet",
        base_filters=16,
        framed=framed,
        dataset="synthetic",
        leaks=title.startswith("SegNet"),
        saw=lambda sample_id, digest="": sample_id == "synthetic/001",  # noqa: ARG005 (as the real one)
        training_digests=frozenset(),
        heldout={"regions": {"nucleus": region, "cytoplasm": region, "cell": {"dice": None, "dice_se": None, "n": 0}}},
        files={role: SimpleNamespace(sha256=title) for role in ("model", "weights")},
    )


class QuickCatalog(Catalog):
    """Two models that can be used and one that can't."""

    def __init__(self) -> None:
        self.entries = (
            ModelEntry("unet-16", Path("unet-16"), card("U-Net 16"), None, True),
            ModelEntry("segnet-16", Path("segnet-16"), card("SegNet 16"), None, True),
            ModelEntry("broken-16", Path("broken-16"), None, PROBLEM, True),
        )

    def open(self, name: str) -> Threshold:
        return Threshold(name)


class WithGeneral(QuickCatalog):
    """One of the models is for any laboratory."""

    def __init__(self) -> None:
        super().__init__()
        general = ModelEntry("unet-general", Path("unet-general"), card("General", framed=True), None, True)
        self.entries = (*self.entries, general)


class FailingCatalog(QuickCatalog):
    """The second model's file turns out to be damaged when it is opened."""

    def __init__(self) -> None:
        super().__init__()
        # Another checksum, so that no segmenter that an earlier test opened is recalled.
        damaged = ModelEntry("segnet-16", Path("segnet-16"), card("SegNet 16, damaged"), None, True)
        self.entries = (self.entries[0], damaged)

    def open(self, name: str) -> Threshold:
        if name == "segnet-16":
            raise ModelError("File model.tflite of model segnet-16 cannot be read. Copy it again.")
        return super().open(name)


def go_to(at: AppTest, page: str) -> None:
    """Go to a page, for the next run."""
    at.switch_page(f"pages/{page}.py")
    at.context = {"url": f"http://localhost/{page}"}


def words(at: AppTest) -> str:
    """Return all text of a page that is written as Markdown or in a message."""
    kinds = (at.title, at.header, at.subheader, at.markdown, at.caption, at.text, at.info, at.warning, at.error)
    return "\n".join(element.value for kind in kinds for element in kind)


def tables(at: AppTest) -> list[list[list[str]]]:
    """Return the tables of a page as rows of cells, the head first."""
    texts = [[line for line in element.value.splitlines() if line.startswith("| ")] for element in at.markdown]
    found = [lines for lines in texts if lines]
    return [[[cell.strip() for cell in line[1:-1].split("|")] for line in (head, *rows)] for head, _, *rows in found]


def viewer(at: AppTest) -> dict[str, Any]:
    """Return what a page tells the viewer."""
    (found,) = [one for one in at.get("bidi_component") if one.proto.component_name.endswith("wbcseg.viewer")]
    (told,) = json.loads(found.proto.json)
    return dict(told)


def packs(at: AppTest) -> dict[str, tuple[dict[str, Any], dict[str, bytes]]]:
    """Return the pictures that a page sends to the viewer, head and parts by digest."""
    found = [one for one in at.get("bidi_component") if one.proto.component_name.endswith("wbcseg.pack")]
    heads = [decode_payload(one.proto.bytes) for one in found]
    return {head["digest"]: (head, parts) for head, parts in heads}


def pictures(at: AppTest) -> int:
    """Return how many pictures a page shows."""
    return len(at.image)
