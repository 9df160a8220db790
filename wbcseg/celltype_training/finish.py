"""Turn a training folder into a type model: export the network, calibrate it, write the card."""

from __future__ import annotations

from pathlib import Path

from wbcseg.celltype_training.card import calibrate, write_type_card
from wbcseg.celltype_training.library import CellLibrary
from wbcseg.celltype_training.train import (
    fit_scale,
    load_options,
    select_calibration_cells,
    select_training_cells,
)
from wbcseg.celltypes.card import NETWORK_FILE, TypeCard
from wbcseg.io.atomic import write_bytes


def finish_types(folder: Path, library: CellLibrary, out: Path, *, excluded: frozenset[str] = frozenset()) -> TypeCard:
    """Export the network of a training folder with its card.

    Args:
        folder: The training folder.
        library: The cells.
        out: Folder to write to.
        excluded: Names of images that were not learned from beside those that are held out.

    Raises:
        RunError: If there is no training in the folder.
        WeightsError: If its checkpoint belongs to another network.
    """
    options = load_options(folder)
    from wbcseg.celltype_training.export import compute_logits, export_types, load_network

    scale = fit_scale(library, options, excluded)
    train = select_training_cells(library, options.sources, excluded)
    kept = select_calibration_cells(library, options.sources, excluded)
    model = load_network(folder, options)
    contents = export_types(model, library, options, train, scale)
    logits = compute_logits(model, library, kept, scale)
    varied = compute_logits(model, library, kept, scale, options.severity)
    calibration = calibrate(logits, varied, library.get_truth(kept), scale)
    out.mkdir(parents=True, exist_ok=True)
    write_bytes(out / NETWORK_FILE, contents)
    return write_type_card(out, calibration, options.network)
