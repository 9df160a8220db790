"""Diagrams of networks, drawn from their structure."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from html import escape
from typing import Final

import streamlit as st

from wbcseg.models import structure
from wbcseg.models.graph import Stage
from wbcseg.models.structure import Layer

# Streamlit removes SVG from HTML, and an image file cannot use the colours of the theme: hence a component.
_svg_component = st.components.v2.component(
    "wbcseg.drawing",
    js="""
export default function ({ data, parentElement }) {
  const box = parentElement.querySelector(".drawing") ?? document.createElement("div")
  box.className = "drawing"
  box.innerHTML = data[0]
  parentElement.append(box)
}
""",
    css=""".drawing { color: var(--st-text-color); font-family: var(--st-font); }
""",
)

DIAGRAM_WIDTH: Final = 360
ROW_HEIGHT: Final = 74
BOX_HEIGHT: Final = 46
MIN_BOX_WIDTH: Final = 62
MAX_BOX_WIDTH: Final = 128


def render_svg(title: str, stages: Sequence[Stage]) -> str:
    """Return a network as SVG in the colours of the theme: the encoder on the left, the decoder on the right.

    Args:
        title: Title of the network, for screen readers.
        stages: Its stages.
    """
    bottleneck = min(stages, key=lambda stage: stage.map_size)
    sides = sorted({stage.map_size for stage in stages}, reverse=True)
    height = ROW_HEIGHT * len(sides) + 16
    max_filters = max(stage.filters for stage in stages)
    min_filters = min(stage.filters for stage in stages)
    parts = []
    boxes: dict[int, tuple[float, float, float]] = {}
    for index, stage in enumerate(stages):
        row = sides.index(stage.map_size)
        log_range = math.log2(max_filters / min_filters) or 1.0
        box_width = MIN_BOX_WIDTH + (MAX_BOX_WIDTH - MIN_BOX_WIDTH) * math.log2(stage.filters / min_filters) / log_range
        x = DIAGRAM_WIDTH / 2 if stage is bottleneck else (DIAGRAM_WIDTH * (0.745 if stage.is_decoder else 0.255))
        y = 8 + ROW_HEIGHT * row + BOX_HEIGHT / 2
        boxes[index] = (x, y, box_width)
        parts.append(_render_box(stage, x, y, box_width))
    for index, stage in enumerate(stages[1:], start=1):
        parts.append(_render_arrow(boxes[index - 1], boxes[index], _format_resampling(stage, stages[index - 1])))
        if stage.skip_from is not None:
            parts.append(_render_skip(boxes[stage.skip_from], boxes[index], "skip"))
        if stage.indices_from is not None:
            parts.append(_render_skip(boxes[stage.indices_from], boxes[index], "indices"))
    label = f"{title}: " + ", ".join(f"{s.map_size}×{s.map_size} with {s.filters} channels" for s in stages)
    return (
        f'<svg viewBox="0 0 {DIAGRAM_WIDTH} {height}" width="100%" style="max-width: 440px" role="img" '
        f'aria-label="{escape(label, quote=True)}" fill="currentColor" font-size="12">{"".join(parts)}</svg>'
    )


def show_diagram(title: str, stages: Sequence[Stage], key: str) -> None:
    """Show a network's diagram."""
    _svg_component(key=key, data=[render_svg(title, stages)])


def format_operations(stage: Stage) -> str:
    """Describe the operations of a stage in short, such as ``2 × 3×3``."""
    counts: dict[str, int] = {}
    for stats in stage.layer_stats:
        name = _format_operation(stats.layer)
        if name:
            counts[name] = counts.get(name, 0) + 1
    return ", ".join(f"{count} × {name}" if count > 1 else name for name, count in counts.items())


def format_receptive_field(stage: Stage) -> str:
    """Return the receptive field of a stage in words, such as ``18×18``."""
    return "whole image" if stage.sees_whole_image else f"{stage.receptive_field:.0f}×{stage.receptive_field:.0f}"


def _format_operation(layer: Layer) -> str:
    kernel = f"{layer.kernel_size}×{layer.kernel_width or layer.kernel_size}"
    match layer.kind:
        case structure.CONVOLUTION:
            return f"{kernel} atrous" if layer.dilation > 1 else kernel
        case structure.DEPTHWISE_CONVOLUTION:
            return f"{kernel} depthwise"
        case structure.TRANSPOSED_CONVOLUTION:
            return f"{kernel} transposed"
        case structure.DENSE | structure.UNPOOLING:
            return layer.kind
        case structure.VERTICAL_SWEEP | structure.HORIZONTAL_SWEEP:
            return "recurrent"
        case structure.IMAGE_AVERAGE:
            return "image average"
        case _:
            return ""


def _render_box(stage: Stage, x: float, y: float, box_width: float) -> str:
    operations = format_operations(stage) or "pooling only"
    tooltip = (
        f"{stage.map_size}×{stage.map_size} pixels, {stage.filters} channels: {operations}. "
        f"{stage.parameters:,} parameters, {stage.multiply_adds / 1e6:,.1f} million multiply-adds, "
        f"receptive field {format_receptive_field(stage)}{'' if stage.sees_whole_image else ' pixels'}"
    )
    return (
        f"<g><title>{escape(tooltip)}</title>"
        f'<rect x="{x - box_width / 2:.1f}" y="{y - BOX_HEIGHT / 2:.1f}" width="{box_width:.1f}" height="{BOX_HEIGHT}" '
        'rx="6" fill="var(--st-secondary-background-color, #8884)" stroke="currentColor" stroke-opacity="0.55"/>'
        f'<text x="{x:.1f}" y="{y - 4:.1f}" text-anchor="middle" font-weight="600">'
        f"{stage.map_size}² × {stage.filters}</text>"
        f'<text x="{x:.1f}" y="{y + 13:.1f}" text-anchor="middle" font-size="10.5">'
        f"{escape(_format_convolutions(stage))}</text></g>"
    )


def _format_convolutions(stage: Stage) -> str:
    """Describe the convolutions of a stage so that the text fits into its box."""
    layers = [stats.layer for stats in stage.layer_stats]
    dense_count = sum(layer.kind == structure.DENSE for layer in layers)
    if dense_count:
        return f"{dense_count} × dense"
    sweep_count = sum(layer.kind in (structure.VERTICAL_SWEEP, structure.HORIZONTAL_SWEEP) for layer in layers)
    if sweep_count:
        return f"{sweep_count} × recurrent"
    # Those that enlarge to another stage's size are said beside the arrow.
    sizes = Counter(
        layer.kernel_size
        for layer in layers
        if (layer.kind in (structure.CONVOLUTION, structure.DEPTHWISE_CONVOLUTION) and layer.channels[0])
        or (layer.kind == structure.TRANSPOSED_CONVOLUTION and layer.factor == 1)
    )
    if not sizes:
        return "–"
    # 1×1 convolutions beside larger ones only change the number of maps.
    size, count = max(sizes.items(), key=lambda item: (item[0] > 1, item[1]))
    return f"{count} × {size}×{size}"


def _format_resampling(stage: Stage, previous: Stage) -> str:
    """Describe how the feature maps are resized before a stage."""
    if stage.map_size > previous.map_size:
        unpools = any(stats.layer.kind == structure.UNPOOLING for stats in stage.layer_stats)
        return f"{'unpool' if unpools else 'up'} {stage.map_size // previous.map_size}"
    pools = any(stats.layer.kind == structure.POOLING for stats in stage.layer_stats)
    return f"{'pool' if pools else 'stride'} {previous.map_size // stage.map_size}"


def _render_arrow(source: tuple[float, float, float], target: tuple[float, float, float], text: str) -> str:
    x1, y1, _ = source
    x2, y2, _ = target
    start, end = (y1 + BOX_HEIGHT / 2, y2 - BOX_HEIGHT / 2) if y2 > y1 else (y1 - BOX_HEIGHT / 2, y2 + BOX_HEIGHT / 2)
    midpoint = ((x1 + x2) / 2, (start + end) / 2)
    sign = 1 if end > start else -1
    # The text of a slanting arrow is below it.
    goes_inwards = x1 < x2 and sign > 0
    return (
        f'<path d="M{x1:.1f} {start:.1f} L{x2:.1f} {end:.1f}" stroke="currentColor" stroke-opacity="0.7" fill="none"/>'
        f'<path d="M{x2 - 4:.1f} {end - 6 * sign:.1f} L{x2:.1f} {end:.1f} L{x2 + 4:.1f} {end - 6 * sign:.1f}" '
        'stroke="currentColor" stroke-opacity="0.7" fill="none"/>'
        f'<text x="{midpoint[0] + (-8 if goes_inwards else 8):.1f}" y="{midpoint[1] + (4 if x1 == x2 else 13):.1f}" '
        f'text-anchor="{"end" if goes_inwards else "start"}" font-size="10.5">{text}</text>'
    )


def _render_skip(source: tuple[float, float, float], target: tuple[float, float, float], text: str) -> str:
    x1, x2, y = source[0] + source[2] / 2, target[0] - target[2] / 2, source[1]
    return (
        f'<path d="M{x1:.1f} {y:.1f} L{x2:.1f} {y:.1f}" stroke="currentColor" stroke-opacity="0.7" '
        'stroke-dasharray="4 3" fill="none"/>'
        f'<text x="{(x1 + x2) / 2:.1f}" y="{y - 5:.1f}" text-anchor="middle" font-size="10.5">{text}</text>'
    )
