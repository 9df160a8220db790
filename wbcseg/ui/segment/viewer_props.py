"""Builds what the viewer shows of an image: its panels, their titles, and the strip."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final

from wbcseg import io
from wbcseg.counting import EDGE_RULES
from wbcseg.inference import ModelEntry
from wbcseg.labels import CLASSES, PALETTES
from wbcseg.models.card import NOTICE
from wbcseg.pipeline import Disagreement
from wbcseg.quality import EMPTY_FIELD_REASON, REVIEW, STATUS_DESCRIPTIONS, STATUS_LABELS
from wbcseg.results import CellResult
from wbcseg.ui.cache import LoadedImage
from wbcseg.ui.corrections import CorrectedPrediction
from wbcseg.ui.counting import format_counts, get_edge_rule
from wbcseg.ui.formatting import format_alt, format_dataset_name, get_local_id, get_mask_title
from wbcseg.ui.glossary import GLOSSARY
from wbcseg.ui.segment.disagreement import format_disagreement
from wbcseg.ui.segment.prefetch import PrefetchKey, hash_prefetch_key
from wbcseg.ui.viewer.cell_props import build_cell_props
from wbcseg.ui.viewer.payload import IMAGE, MASK
from wbcseg.ui.viewer.props import (
    ClassProps,
    DisagreementProps,
    EdgeRuleProps,
    PaletteProps,
    PanelBadge,
    PanelProps,
    StatusBadge,
    StripItem,
    ViewerProps,
)
from wbcseg.ui.viewer.type_props import get_type_index

TRAINED_BADGE: Final = PanelBadge(
    "Seen in training", GLOSSARY["Seen in training"], "Seen in training: scores may be optimistic"
)

_STATUS_BADGES: Final = tuple(
    StatusBadge(status, label, (STATUS_DESCRIPTIONS[status],)) for status, label in STATUS_LABELS.items()
)

_NO_CHECK_BADGE: Final = StatusBadge(
    "", "No quality check", ("Only general (multi-site) models have a quality check. Judge this result by eye.",)
)


def build_viewer_props(
    loaded_image: LoadedImage,
    digest: str,
    entries: Sequence[ModelEntry],
    corrected: Mapping[str, CorrectedPrediction],
    cells: Mapping[str, Sequence[CellResult]],
    *,
    strip_ids: Sequence[str] = (),
    prefetch_key: PrefetchKey | None = None,
    disagreement: Disagreement | None = None,
) -> ViewerProps:
    """Return what the viewer shows of an image that was sent.

    Args:
        loaded_image: The image.
        digest: Digest of its payload.
        entries: The selected models.
        corrected: The results of those that could be used, by name.
        cells: Their cells, by name.
        strip_ids: Ids of the images in the strip, this one among them; none for an upload.
        prefetch_key: The models that those are segmented with.
        disagreement: Where the models disagree by more than the usual, or ``None``.
    """
    used_entries = [entry for entry in entries if entry.name in corrected]
    class_panels = _build_class_panels(loaded_image, used_entries, corrected, cells)
    comparison_panels = _build_comparison_panels(used_entries, has_mask=loaded_image.sample.mask is not None)
    sample_id = loaded_image.sample.id
    index = list(strip_ids).index(sample_id) if sample_id in strip_ids else -1
    filename = loaded_image.filename if loaded_image.is_upload else get_local_id(sample_id)
    return ViewerProps(
        digest=digest,
        image_id=sample_id,
        name=_format_name(loaded_image),
        file_stem=io.make_safe_stem(filename, set()),
        notice=NOTICE,
        classes=tuple(ClassProps(pixel_class.id, pixel_class.name.capitalize()) for pixel_class in CLASSES),
        palettes=tuple(
            PaletteProps(palette.name, palette.title, tuple(palette.to_hex(pixel_class.id) for pixel_class in CLASSES))
            for palette in PALETTES.values()
        ),
        panels=(*class_panels, *comparison_panels),
        default_panels=_select_default_panels(class_panels),
        previous_id=strip_ids[index - 1] if index > 0 else None,
        next_id=strip_ids[index + 1] if 0 <= index < len(strip_ids) - 1 else None,
        strip=tuple(StripItem(neighbour_id, get_local_id(neighbour_id)) for neighbour_id in strip_ids),
        prefetch_key=hash_prefetch_key(prefetch_key) if prefetch_key else "",
        edge_rules=tuple(
            EdgeRuleProps(rule.name, rule.label, rule.phrase, rule.excluded_edges) for rule in EDGE_RULES.values()
        ),
        edge_rule=get_edge_rule(),
        disagreement=_build_disagreement(disagreement),
    )


def _select_default_panels(class_panels: Sequence[PanelProps]) -> tuple[str, ...]:
    """Return the panels to show at first: each model's result beside the expert's mask or, without one, the image.

    A field of view needs its size. Its cells are outlines, which hide nothing, so the plain image is not beside it.
    """
    kinds = {"model"} if any(panel.cells is not None for panel in class_panels) else {"image", "model"}
    kinds = {"mask", "model"} if any(panel.kind == "mask" for panel in class_panels) else kinds
    return tuple(panel.key for panel in class_panels if panel.kind in kinds)


def _build_disagreement(disagreement: Disagreement | None) -> DisagreementProps | None:
    if disagreement is None:
        return None
    outlines = tuple(
        tuple((round(x, 1), round(y, 1)) for x, y in outline.tolist()) for outline in disagreement.outlines
    )
    return DisagreementProps(format_disagreement(disagreement), outlines)


def _build_class_panels(
    loaded_image: LoadedImage,
    entries: Sequence[ModelEntry],
    corrected: Mapping[str, CorrectedPrediction],
    cells: Mapping[str, Sequence[CellResult]],
) -> list[PanelProps]:
    """Return the panels that show the image, the expert mask and each model's result."""
    sample = loaded_image.sample
    panels = [PanelProps(IMAGE, "image", "Image", "The original image")]
    if sample.mask is not None:
        title = get_mask_title(sample.id)
        panels.append(PanelProps(MASK, "mask", title, format_alt(title, sample.mask), MASK, help=GLOSSARY[title]))
    for entry in entries:
        is_trained = entry.card.trained_on(sample.id, loaded_image.digest)
        panel = PanelProps(
            entry.name,
            "model",
            entry.title,
            format_alt(entry.title, corrected[entry.name].prediction.labels),
            part=entry.name,
            badge=TRAINED_BADGE if is_trained else None,
        )
        panels.append(_add_cells(panel, corrected[entry.name], cells[entry.name]))
    return panels


def _add_cells(panel: PanelProps, corrected: CorrectedPrediction, cells: Sequence[CellResult]) -> PanelProps:
    """Return a model's panel with its quality status and the cells of a field of view, which can be corrected."""
    if not corrected.prediction.is_field_of_view:
        return replace(panel, quality=_build_quality_badge(cells[0]), type=get_type_index(cells[0].type))
    corrections = corrected.corrections
    return replace(
        panel,
        quality=None if cells else StatusBadge(REVIEW, "No cell found", (EMPTY_FIELD_REASON,)),
        status_badges=_STATUS_BADGES,
        map_digest=corrected.map_payload[0] if corrected.map_payload else "",
        cells=build_cell_props(cells),
        edits=corrections.edits,
        problem=corrections.problem,
        region=corrections.region,
        count_text=format_counts(cells, get_edge_rule()),
    )


def _build_quality_badge(cell: CellResult) -> StatusBadge:
    """Return the badge of a crop: its status, explained by the reasons for it."""
    if not cell.status:
        return _NO_CHECK_BADGE
    return StatusBadge(cell.status, STATUS_LABELS[cell.status], (*cell.reasons, STATUS_DESCRIPTIONS[cell.status]))


def _build_comparison_panels(entries: Sequence[ModelEntry], *, has_mask: bool) -> list[PanelProps]:
    """Return the panels that the user can add: agreement, errors and uncertainty."""
    panels = []
    if len(entries) > 1:
        alt = "Where the models disagree: the darker, the more of them"
        panels.append(PanelProps("agreement", "agreement", "Agreement", alt))
    for entry in entries:
        if has_mask:
            title = f"Errors ({entry.title})"
            alt = f"{title}: false negatives blue, false positives orange, wrong class pink"
            panels.append(PanelProps(f"errors.{entry.name}", "errors", title, alt, part=entry.name))
        title = f"Uncertainty ({entry.title})"
        alt = f"{title}: the darker, the more uncertain"
        panels.append(PanelProps(f"uncertainty.{entry.name}", "uncertainty", title, alt, part=entry.name))
    return panels


def _format_name(loaded_image: LoadedImage) -> str:
    if loaded_image.is_upload:
        return io.format_display_name(loaded_image.filename)
    dataset_name = loaded_image.sample.id.partition("/")[0]
    return f"{format_dataset_name(dataset_name)}, {get_local_id(loaded_image.sample.id)}"
