"""Summarise results in a few words."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from wbcseg.celltypes import PRIOR_LABELS, PriorName, load_type_model
from wbcseg.counting import DEFAULT_EDGE_RULE, count_cells, get_edge_rule
from wbcseg.metrics import FOREGROUND_REGIONS
from wbcseg.quality import format_counts
from wbcseg.results import CellResult, ImageReport


def format_image_counts(reports: Sequence[ImageReport]) -> str:
    """Return how many images there are, such as “25; 3 without a white blood cell; 6 more files not used”."""
    readable = [report for report in reports if not report.problem]
    n_without_cells = sum(1 for report in readable if not any(cell.features for cell in report.cells))
    n_unreadable = len(reports) - len(readable)
    parts = [str(len(readable))]
    parts += [f"{n_without_cells} without a white blood cell"] if n_without_cells else []
    parts += [f"{n_unreadable} more file{'' if n_unreadable == 1 else 's'} not used"] if n_unreadable else []
    n_rejected_masks = sum(1 for report in readable if report.mask_rejected)
    parts += (
        [f"{n_rejected_masks} expert mask{'' if n_rejected_masks == 1 else 's'} not used"] if n_rejected_masks else []
    )
    return "; ".join(parts)


def format_status_counts(all_cells: Iterable[CellResult]) -> str:
    """Return how many cells there are, and with which status, such as “25 (20 without issues, 5 to review)”.

    Args:
        all_cells: Cells of one model.
    """
    cells = [cell for cell in all_cells if cell.features is not None]
    counts_text = format_counts([cell.status for cell in cells])
    return f"{len(cells)} ({counts_text})" if counts_text else str(len(cells))


def format_edge_counts(cells: Iterable[CellResult], edge_rule: str = DEFAULT_EDGE_RULE) -> str:
    """Return how many cells count, such as “20 of 25 counted (two-edge rule; 8 cut by the image edge)”.

    Args:
        cells: Cells of one model.
        edge_rule: A key of :data:`wbcseg.counting.EDGE_RULES`.

    Returns:
        The text; empty if all cells count and the image edge cuts none of them.
    """
    counts, rule = count_cells(cells, edge_rule), get_edge_rule(edge_rule)
    if edge_rule == DEFAULT_EDGE_RULE and not counts.cut_by_edge:
        return ""
    label = rule.label[0].lower() + rule.label[1:]
    return f"{counts.counted} of {counts.detected} counted ({label}; {counts.cut_by_edge} cut by the image edge)"


def format_mean_dice(all_cells: Iterable[CellResult]) -> str:
    """Return the mean Dice against expert masks, and the number of cells; empty if there are no masks.

    Args:
        all_cells: Cells of one model. Dice values that are undefined, or of a class that a mask does not mark, are
            excluded, which the text says.
    """
    cells = list(all_cells)
    dice_texts, n_scored = [], 0
    for region in FOREGROUND_REGIONS:
        values = [value for cell in cells if not math.isnan(value := cell.dice.get(region, math.nan))]
        if values:
            dice_texts.append(f"{region} {sum(values) / len(values):.3f}")
            n_scored = max(n_scored, len(values))
    n_seen_in_training = sum(1 for cell in cells if cell.dice and cell.seen_in_training)
    suffix = f", {n_seen_in_training} seen in training, so optimistic" if n_seen_in_training else ""
    for region in FOREGROUND_REGIONS[:2]:
        count = sum(1 for cell in cells if cell.dice and math.isnan(cell.dice.get(region, math.nan)))
        if count:
            of_cells = "1 cell has" if count == 1 else f"{count} cells have"
            suffix += f"; the mask of {of_cells} no {region}, which is not scored there"
    if any(cell.dice and cell.offset is not None for cell in cells):
        suffix += "; cells that were not detected do not count"
    return (
        f"{', '.join(dice_texts)} ({n_scored} cell{'' if n_scored == 1 else 's'} with a mask{suffix})"
        if dice_texts
        else ""
    )


def describe_type_model(prior: PriorName | None = None) -> list[tuple[str, str]]:
    """Return the type model and its prior as names and values for a report.

    Args:
        prior: How common the types were taken to be; by default as the type model's card says.

    Raises:
        ModelError: If there is no usable type model.
    """
    card = load_type_model().card
    return [
        ("Type model", f"{card.title}, file {card.files['network'].sha256[:8]}, created {card.created[:10]}"),
        ("Prior of types", PRIOR_LABELS[prior or card.calibration.prior]),
    ]
