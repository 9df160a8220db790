"""A Jupyter notebook (nbformat 4.5) that trains with the same settings, plots the curves and shows a prediction."""

from __future__ import annotations

import json
from typing import Any, Final

from wbcseg.models import get_spec
from wbcseg.training.config import UPLOADED_DATASET, TrainingConfig
from wbcseg.training.presets import PRESET_TITLES
from wbcseg.training.repeat.command import build_command, find_nearest_preset, list_changes

INSTALL_CODE: Final = '%pip install -q "wbcseg[train]" plotly'

OWN_IMAGES_CODE: Final = """\
# A folder or zip of your images and masks: cell_01.png and cell_01_mask.png, and so on.
own_images = "my_images.zip\""""

PROGRESS_CODE: Final = """\
import wbcseg


def show_epoch(progress):
    if row := progress.epoch_metrics:
        print(f"epoch {progress.epoch}/{progress.epochs}  loss {row['loss']:.4f}  validation {row['val_loss']:.4f}")"""

CURVES_CODE: Final = """\
import plotly.graph_objects as go
from plotly.subplots import make_subplots

rows = run.load_metrics()
epochs = [row["epoch"] for row in rows]
figure = make_subplots(1, 2, subplot_titles=("Loss", "Fast Dice, validation"))
for name, title in (("loss", "training"), ("val_loss", "validation")):
    figure.add_scatter(x=epochs, y=[row.get(name) for row in rows], name=title, row=1, col=1)
for region in ("nucleus", "cytoplasm", "cell"):
    figure.add_scatter(x=epochs, y=[row.get(f"val_dice_{region}") for row in rows], name=region, row=1, col=2)
figure.update_xaxes(title_text="Epoch")
figure.update_layout(hovermode="x unified", height=380)
figure"""

SCORE_CODE: Final = """\
card = wbcseg.load_model(run.name).card
for region in ("nucleus", "cytoplasm", "cell"):
    print(f"{region:10} Dice {card.test_metrics.regions[region].dice}")
print(f"on {card.test_metrics.images} held-out images")"""

PREDICTION_CODE: Final = """\
from wbcseg.datasets import open_dataset

sample = open_dataset({dataset}).read(run.load_split().test[0].removesuffix("+flipped"))
result = wbcseg.segment(sample.image, run.name)
panels = make_subplots(1, 2, subplot_titles=("Held-out image", "Prediction"))
panels.add_image(z=sample.image, row=1, col=1)
panels.add_image(z=result.overlay, row=1, col=2)
panels.update_layout(height=380)
panels"""


def build_notebook(config: TrainingConfig, preset: str | None = None) -> bytes:
    """Return the notebook of a training as a file, UTF-8.

    Args:
        config: The settings.
        preset: Preset to start from; by default the nearest one.
    """
    preset = preset or find_nearest_preset(config)
    title = get_spec(config.architecture).title
    cells = [
        _text(
            f"# Train {title} to segment white blood cells\n\nPreset *{PRESET_TITLES[preset]}*. The same in a "
            f"terminal:\n\n```sh\n{build_command(config, preset)}\n```\n\nFor research and teaching, not for diagnosis."
        ),
        _text("## Install\n\nIn Colab, choose *Runtime → Restart session* if it asks to."),
        _code(INSTALL_CODE),
        _text("## Train\n\nThe run is a folder like those of the app and of the command line."),
        *([_code(OWN_IMAGES_CODE)] if config.dataset == UPLOADED_DATASET else []),
        _code(_build_training_code(config, preset)),
        _text("## Curves\n\nThe training watches these. The score that counts comes next."),
        _code(CURVES_CODE),
        _text("## The finished model\n\nDice on whole images that it was not trained on."),
        _code(SCORE_CODE),
        _text("## A prediction"),
        _code(PREDICTION_CODE.format(dataset=_format_dataset(config))),
    ]
    notebook = {
        "cells": [{**cell, "id": f"cell-{number}"} for number, cell in enumerate(cells)],
        "metadata": {
            "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
            "language_info": {"name": "python"},
        },
        "nbformat": 4,
        "nbformat_minor": 5,
    }
    return json.dumps(notebook, indent=1, ensure_ascii=False).encode()


def _build_training_code(config: TrainingConfig, preset: str) -> str:
    changes = {name: repr(value) for name, value in list_changes(config, preset).items() if name != "dataset"}
    changes["dataset"] = _format_dataset(config)
    arguments = "".join(f"    {name}={value},\n" for name, value in {"preset": repr(preset), **changes}.items())
    return f"{PROGRESS_CODE}\n\n\nrun = wbcseg.train(\n{arguments}    on_progress=show_epoch,\n)\nrun.name"


def _format_dataset(config: TrainingConfig) -> str:
    return "own_images" if config.dataset == UPLOADED_DATASET else repr(config.dataset)


def _text(source: str) -> dict[str, Any]:
    return {"cell_type": "markdown", "metadata": {}, "source": source.splitlines(keepends=True)}


def _code(source: str) -> dict[str, Any]:
    return {
        "cell_type": "code",
        "execution_count": None,
        "metadata": {},
        "outputs": [],
        "source": source.splitlines(keepends=True),
    }
