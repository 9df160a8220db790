"""The networks side by side: diagrams, numbers, and feature maps of each stage."""

from __future__ import annotations

from typing import Final

import numpy as np
import streamlit as st

from wbcseg import io
from wbcseg.errors import WbcsegError
from wbcseg.inference import Catalog, ModelEntry
from wbcseg.inference.feature_maps import StageMaps, compute_feature_maps
from wbcseg.models import ARCHITECTURES, BASE_FILTERS_RANGE, COMPARED_PARAMETERS, ArchitectureSpec
from wbcseg.models.graph import Stage, list_stages
from wbcseg.training.presets import PRESETS
from wbcseg.ui import cache
from wbcseg.ui.architectures import diagram
from wbcseg.ui.components import dataset_picker
from wbcseg.ui.components.image import show_png
from wbcseg.ui.components.table import show_table
from wbcseg.ui.formatting import escape_markdown, format_decimal, format_integer
from wbcseg.ui.glossary import GLOSSARY

INPUT_SIZE: Final = 120
"""Side length in pixels of the input that the numbers are for."""

MAPS_PER_STAGE: Final = 6
"""Feature maps shown per stage."""

TILE_SIZE: Final = 96
"""Side length in pixels of a feature map on the page, at least."""

DEFAULT_BASE_FILTERS: Final = 16

MIN_NETWORK_WIDTH: Final = 330
"""Minimum width in pixels of a network's column: as many as fit stand side by side."""


def select_base_filters() -> int:
    """Ask for the number of base filters."""
    return int(
        st.slider(
            "Base filters",
            *BASE_FILTERS_RANGE,
            DEFAULT_BASE_FILTERS,
            4,
            key="base_filters",
            bind="query-params",
            width=360,
            help=f"{GLOSSARY['Base filters']} The thesis uses {PRESETS['thesis'].base_filters}.",
        )
    )


def show_networks(base_filters: int) -> None:
    """Show the diagram and the numbers of each network."""
    with st.grid(len(ARCHITECTURES), min_column_width=MIN_NETWORK_WIDTH, gap="large") as grid:
        for spec in ARCHITECTURES.values():
            with grid.cell():
                network_stages = list_stages(spec.name, base_filters=base_filters, input_size=INPUT_SIZE)
                st.subheader(spec.title)
                billions = spec.count_multiply_adds(base_filters, INPUT_SIZE) / 1e9
                st.markdown(
                    f"**{format_integer(spec.count_parameters(base_filters))}** parameters · "
                    f"**{billions:.2f}** billion multiply\N{NON-BREAKING HYPHEN}adds"
                )
                diagram.show_diagram(spec.title, network_stages, key=f"diagram_{spec.name}")
                st.caption(spec.summary)
                st.caption(_describe_source(spec))
                with st.expander("Stages in numbers", icon=":material/table_rows:"):
                    show_table(*_build_stage_table(network_stages), f"Stages of {spec.title}")


def _describe_source(spec: ArchitectureSpec) -> str:
    """Say where a network was published, how this one differs, and at what size it compares with the others."""
    deviations = f" **Here:** {spec.deviations}" if spec.deviations else ""
    count = spec.find_base_filters(COMPARED_PARAMETERS)
    size = f"About {COMPARED_PARAMETERS / 1e6:.1f} million parameters: {count} base filters."
    return f"**Source:** {spec.reference}.{deviations} **{size}**"


def show_feature_maps(image: cache.LoadedImage, catalog: Catalog) -> None:
    """Show the strongest feature maps of each stage, for the shipped models that suit synthetic images."""
    entries = [entry for entry in catalog.select_defaults_for(dataset_picker.SAMPLE_DATASET) if entry.shipped]
    if not entries:
        st.info("No shipped model is available.", icon=":material/info:")
    with st.grid(max(1, len(entries)), min_column_width=MIN_NETWORK_WIDTH, gap="large") as grid:
        for entry in entries:
            with grid.cell():
                _show_model_maps(image, entry)


def _show_model_maps(image: cache.LoadedImage, entry: ModelEntry) -> None:
    st.markdown(f"**{escape_markdown(entry.title)}**")
    try:
        for title, alt, png in _get_rendered_maps(image, entry):
            st.caption(title)
            show_png(png, alt)
    except WbcsegError as problem:
        st.warning(escape_markdown(str(problem)), icon=":material/error:")


def _get_rendered_maps(image: cache.LoadedImage, entry: ModelEntry) -> list[tuple[str, str, bytes]]:
    return _render_maps(image, entry.key, entry)


@cache.cache_by_image("data", max_entries=24, max_session_entries=6, show_spinner="Computing the feature maps…")
def _render_maps(
    loaded_image: cache.LoadedImage,
    model_key: tuple[str, str],  # noqa: ARG001 (part of the cache key)
    _entry: ModelEntry,
) -> list[tuple[str, str, bytes]]:
    rows = []
    for stage_maps in compute_feature_maps(_entry.folder, _entry.card, loaded_image.sample.image):
        branch = "decoder" if stage_maps.stage.is_decoder else "encoder"
        map_size = stage_maps.stage.map_size
        title = f"{branch.capitalize()}, {map_size}×{map_size}: {MAPS_PER_STAGE} of {stage_maps.stage.filters} maps"
        rows.append(
            (
                title,
                f"{_entry.title}, {branch} at {map_size}×{map_size}: the strongest feature maps",
                _encode_map_sheet(stage_maps),
            )
        )
    return rows


def _encode_map_sheet(stage_maps: StageMaps) -> bytes:
    """Draw the strongest feature maps of a stage side by side, each scaled from its minimum (black) to its maximum."""
    tiles = []
    for feature_map in stage_maps.select_strongest(MAPS_PER_STAGE):
        low, high = float(feature_map.min()), float(feature_map.max())
        normalized = np.zeros_like(feature_map) if high <= low else (feature_map - low) / (high - low)
        grey = np.rint(255 * normalized).astype(np.uint8)
        factor = TILE_SIZE // grey.shape[0] if grey.shape[0] <= TILE_SIZE else 1
        upscaled = grey.repeat(factor, axis=0).repeat(factor, axis=1)[:INPUT_SIZE, :INPUT_SIZE]
        tiles.append(np.pad(upscaled, ((0, 0), (0, 4)), constant_values=128))
    return io.encode_png(np.concatenate(tiles, axis=1)[:, :-4])


def _build_stage_table(network_stages: tuple[Stage, ...]) -> tuple[list[str], list[list[str]]]:
    header = ["Stage", "Map size", "Channels", "Layers", "Parameters", "Million multiply-adds", "Receptive field"]
    rows = [
        [
            f"{'Decoder' if stage.is_decoder else 'Encoder'}",
            f"{stage.map_size}",
            f"{stage.filters}",
            escape_markdown(diagram.format_operations(stage) or "pooling"),
            format_integer(stage.parameters),
            format_decimal(stage.multiply_adds / 1e6, 1),
            diagram.format_receptive_field(stage),
        ]
        for stage in network_stages
    ]
    return header, rows
