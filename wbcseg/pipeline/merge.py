"""What came of pictures, as it is taken away."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Final

import numpy as np
from numpy.typing import NDArray

from wbcseg.labels import Labels
from wbcseg.pipeline.analyze import ImageResult
from wbcseg.pipeline.thumbnails import render_field
from wbcseg.results import ImageReport
from wbcseg.visualization import Box

REPORT_IMAGE_SIDE: Final = 1000
"""Longer side of a field of view in a report, in pixels."""


def merge_results(outcomes: Sequence[ImageResult]) -> ImageReport:
    """Return what came of one picture.

    Args:
        outcomes: What each model made of it, at least one.
    """
    used = [one for one in outcomes if not one.problem]
    problems = list(dict.fromkeys(one.problem for one in outcomes if one.problem))
    told = [sentence for one in used for sentence in (one.mask_problem, *one.notices) if sentence]
    return ImageReport(
        outcomes[0].name,
        next((one.size for one in used), None),
        tuple(finding for one in used for finding in one.cells),
        tuple(one.model for one in used),
        problem="" if used else problems[0],  # One sentence, as a report expects it.
        note=" ".join(dict.fromkeys((*told, *(problems if used else problems[1:])))),
        mask_rejected=any(one.mask_problem for one in used),
        field_renderers={
            one.model: build_field_renderer(one.load, one.boxes)
            for one in used
            if one.is_field_of_view and one.load is not None
        },
    )


def build_field_renderer(
    load: Callable[[], tuple[NDArray[np.uint8], Labels]], boxes: Sequence[Box]
) -> Callable[[], NDArray[np.uint8]]:
    """Return what draws a field of view with its cells in numbered boxes, when it is called.

    Args:
        load: Returns the picture, ``uint8[H, W, 3]``, and its class ids, ``uint8[H, W]``.
        boxes: Left, top, right and bottom of every cell's crop in pixels.
    """
    return partial(_render_field, load, tuple(boxes))


def _render_field(load: Callable[[], tuple[NDArray[np.uint8], Labels]], boxes: tuple[Box, ...]) -> NDArray[np.uint8]:
    return render_field(*load(), boxes, REPORT_IMAGE_SIDE)
