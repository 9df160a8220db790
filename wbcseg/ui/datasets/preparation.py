"""The published preparation and the two ways to split, shown on real pictures."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from wbcseg import io
from wbcseg.datasets.base import Dataset
from wbcseg.errors import WbcsegError
from wbcseg.labels import CLASSES, Labels
from wbcseg.splitting.worker import split_in_subprocess
from wbcseg.ui import cache
from wbcseg.ui.components.image import show_png
from wbcseg.ui.components.table import show_table
from wbcseg.ui.datasets.gallery import select_page
from wbcseg.ui.formatting import escape_markdown, format_size, get_local_id
from wbcseg.ui.glossary import GLOSSARY
from wbcseg.visualization import RgbImage, resize_for_display

PAIRS_PER_PAGE: Final = 6


@dataclass(frozen=True, eq=False)
class ThesisPreparation:
    """What the published preparation made of a data set, without the pictures.

    Attributes:
        ids: Ids in shuffled order; twins end in ``+twin``.
        blank_targets: ``bool[N, H, W]``, true where the target is three zeros.
        split_counts: How many pictures train, are in neither part, and test.
        same_cell_pairs: (id in training, id in test) of pictures that show the same cell.
        empty_target_id: Id of the picture whose whole target is empty.
    """

    ids: tuple[str, ...]
    blank_targets: NDArray[np.bool_]
    split_counts: tuple[int, int, int]
    same_cell_pairs: tuple[tuple[str, str], ...]
    empty_target_id: str


@dataclass(frozen=True, eq=False)
class Folds:
    """The leak-free folds of a data set.

    Attributes:
        test_ids: Ids of each fold's test side.
        cell_groups: Ids of pictures that show the same cell, for cells with more than one.
    """

    test_ids: tuple[tuple[str, ...], ...]
    cell_groups: tuple[tuple[str, ...], ...]


@st.cache_resource(max_entries=3, show_spinner="Preparing the pictures as published…")
def load_thesis_preparation(dataset_name: str) -> ThesisPreparation:
    """Carry out the published preparation on a data set."""
    # Here and not above: these need libraries that no other page does.
    from wbcseg.splitting.splits import build_thesis_split
    from wbcseg.splitting.thesis import build_thesis_dataset

    samples = list(cache.load_dataset(dataset_name))
    thesis_dataset = build_thesis_dataset(samples)
    same_cell_pairs = build_thesis_split(thesis_dataset, dataset_name, samples).find_leaking_pairs()
    empty_target_id = next(
        sample_id for sample_id, blank in zip(thesis_dataset.ids, thesis_dataset.unlabelled, strict=True) if blank.all()
    )
    return ThesisPreparation(
        thesis_dataset.ids,
        thesis_dataset.unlabelled,
        (len(thesis_dataset.train), len(thesis_dataset.dropped), len(thesis_dataset.test)),
        tuple(same_cell_pairs),
        empty_target_id,
    )


@st.cache_resource(max_entries=3, show_spinner="Looking for pictures of the same cell…")
def load_folds(dataset_name: str) -> Folds:
    """Split a data set into leak-free folds."""
    result = split_in_subprocess(dataset_name)
    return Folds(*(tuple(map(tuple, result[key])) for key in ("tests", "groups")))


def show_thesis_preparation(dataset: Dataset, sample_id: str) -> None:
    """Show the published preparation step by step, on the chosen picture where it takes part."""
    from wbcseg.splitting.thesis import IMAGE_SIDE, get_original_id, make_flipped_copy

    try:
        preparation = load_thesis_preparation(dataset.name)
    except WbcsegError as problem:
        st.info(escape_markdown(str(problem)), icon=":material/info:")
        return
    original_ids = {get_original_id(i) for i in preparation.ids}
    example_id = sample_id if sample_id in original_ids else min(original_ids)
    image = cache.load_image(dataset.name, example_id)
    mask = image.sample.mask

    st.subheader("1. Select")
    st.markdown(
        f"**{len(original_ids)} of {len(dataset)}** pictures are {IMAGE_SIDE} × {IMAGE_SIDE} pixels. The published training takes only "
        "those, so that all inputs have one size."
    )
    if example_id != sample_id:
        size = format_size(dataset.get_info(sample_id).size)
        st.caption(
            f"Picture {escape_markdown(get_local_id(sample_id))} is {size}, so the steps below show {escape_markdown(get_local_id(example_id))}."
        )

    st.subheader("2. Add a twin of each", help=GLOSSARY["Flipped copy"])
    st.markdown(
        f"Each picture is turned 90° to the left and then mirrored: {len(original_ids)} become **{len(preparation.ids)}**."
    )
    rotated = np.ascontiguousarray(np.rot90(image.sample.image))
    _show_image_row(
        ("Picture", image.sample.image, "The picture"),
        ("Turned to the left", rotated, "The picture turned 90 degrees to the left"),
        (
            "Mirrored: the twin",
            make_flipped_copy(image.sample.image).astype(np.uint8),
            "The turned picture, mirrored",
        ),
    )

    st.subheader("3. Make the target", help=GLOSSARY["Training target"])
    st.markdown(
        "The mask becomes three layers, white where a pixel belongs to the class. The published code stops one step "
        "short: the **last row and the last column** of every target stay empty, and so does the whole target of "
        f"picture {_format_name(preparation.empty_target_id)}. Look at the right and lower edge of the background layer."
    )
    if mask is not None:
        blank_target = preparation.blank_targets[preparation.ids.index(example_id)]
        _show_image_row(
            *(
                (
                    f"{pixel_class.name.capitalize()} layer",
                    _render_layer(mask, blank_target, pixel_class.id),
                    f"White where {pixel_class.name}",
                )
                for pixel_class in CLASSES
            )
        )

    st.subheader("4. Shuffle and split", help=GLOSSARY["Split"])
    train_count, dropped_count, test_count = preparation.split_counts
    st.markdown("The pictures are put into a random order that is always the same (seed 2), and cut.")
    with st.grid(3, min_column_width=105):
        st.metric("In training", train_count, border=True)
        st.metric(
            "In neither part", dropped_count, border=True, help="A slip of the published code leaves this one out."
        )
        st.metric("In the test", test_count, border=True)


def show_thesis_leakage(dataset: Dataset) -> None:
    """Show the pictures of the published test whose cell is also in the training."""
    from wbcseg.splitting.thesis import get_original_id

    try:
        preparation = load_thesis_preparation(dataset.name)
    except WbcsegError:
        return
    copy_pairs = [pair for pair in preparation.same_cell_pairs if get_original_id(pair[0]) == get_original_id(pair[1])]
    other_pairs = [pair for pair in preparation.same_cell_pairs if pair not in copy_pairs]
    leaky_ids = {test_id for _, test_id in preparation.same_cell_pairs}
    st.subheader("What the published split lets through", help=GLOSSARY["Data leakage"])
    with_copy, with_other_photo = ({test_id for _, test_id in pairs} for pairs in (copy_pairs, other_pairs))
    st.markdown(
        "The twins were made before the split, so the training also holds the twin of "
        f"**{len(with_copy)} of the {preparation.split_counts[2]}** test pictures, and another photograph of the same cell for "
        f"{len(with_other_photo)}. The network has met {len(leaky_ids)} of the {preparation.split_counts[2]} cells before its test."
    )
    # The other pictures of a cell first: they are the harder ones to believe.
    _show_groups(
        dataset,
        [((train_id, "in training"), (test_id, "in test")) for train_id, test_id in [*other_pairs, *copy_pairs]],
        "leak_page",
    )


def show_leak_free_split(dataset: Dataset) -> None:
    """Show the leak-free folds and the cells that were photographed more than once."""
    try:
        split_folds = load_folds(dataset.name)
    except WbcsegError as problem:
        st.info(escape_markdown(str(problem)), icon=":material/info:")
        return
    st.subheader("The leak-free split", help=f"{GLOSSARY['Fold']}\n\n**Data leakage** {GLOSSARY['Data leakage']}")
    st.markdown(
        f"All {sum(map(len, split_folds.test_ids))} pictures with a mask, of any size, are dealt into **{len(split_folds.test_ids)} "
        "folds**: all pictures of a cell into the same one, and each cell type evenly. Twins are made in training only."
    )
    type_counts = [Counter(dataset.get_info(i).cell_type for i in test_ids) for test_ids in split_folds.test_ids]
    cell_types = [cell_type for cell_type, _ in sum(type_counts, Counter()).most_common() if cell_type is not None]
    header = ["Fold", "Pictures", *(cell_type.capitalize() for cell_type in cell_types)]
    rows = [
        [str(fold), str(len(test_ids)), *(str(counts[cell_type]) for cell_type in cell_types)]
        for fold, (test_ids, counts) in enumerate(zip(split_folds.test_ids, type_counts, strict=True))
    ]
    show_table(header, rows, "Cell types in each fold")
    st.markdown(
        f"The code found **{len(split_folds.cell_groups)} cells** that were photographed more than once: the same picture, or the "
        "same cell shifted or in another light."
    )
    fold_of = {sample_id: fold for fold, test_ids in enumerate(split_folds.test_ids) for sample_id in test_ids}
    _show_groups(
        dataset, [tuple((i, f"fold {fold_of[i]}") for i in group) for group in split_folds.cell_groups], "cell_page"
    )


def _show_groups(dataset: Dataset, groups: Sequence[Sequence[tuple[str, str]]], key: str) -> None:
    """Show groups of labelled pictures, a page at a time."""
    if not groups:
        return
    tiles = st.container()
    page = select_page(len(groups), PAIRS_PER_PAGE, key)
    with tiles, st.grid(3, min_column_width=240) as grid:
        for group in groups[(page - 1) * PAIRS_PER_PAGE : page * PAIRS_PER_PAGE]:
            with grid.cell(), st.container(border=True, horizontal=True, wrap=False):
                for sample_id, badge_text in group:
                    _show_labelled_image(dataset, sample_id, badge_text)


def _show_labelled_image(dataset: Dataset, sample_id: str, badge_text: str) -> None:
    from wbcseg.splitting.thesis import get_original_id, is_flipped_copy, make_flipped_copy

    image = cache.load_image(dataset.name, get_original_id(sample_id)).sample.image
    image = make_flipped_copy(image).astype(np.uint8) if is_flipped_copy(sample_id) else image
    colour = {"in training": "orange", "in test": "blue"}.get(badge_text, "violet")
    with st.container(gap="xxsmall"):
        show_png(io.encode_png(resize_for_display(image, 240)), f"{_format_name(sample_id)}, {badge_text}")
        st.markdown(f":small[{escape_markdown(_format_name(sample_id))}] :{colour}-badge[{badge_text}]")


def _show_image_row(*tiles: tuple[str, RgbImage, str]) -> None:
    with st.grid(3, min_column_width=105, width=720) as grid:
        for heading, image, alt in tiles:
            with grid.cell(), st.container(gap="xxsmall"):
                st.markdown(f":small[{heading}]")
                show_png(io.encode_png(resize_for_display(np.ascontiguousarray(image), 360)), alt)


def _render_layer(mask: Labels, blank_target: NDArray[np.bool_], class_id: int) -> NDArray[np.uint8]:
    from wbcseg.splitting.thesis import encode_one_hot

    return (encode_one_hot(mask, blank_target)[:, :, class_id] * 255).astype(np.uint8)


def _format_name(sample_id: str) -> str:
    base, separator, _ = get_local_id(sample_id).partition("+")
    return f"{base}, twin" if separator else base
