"""How the thesis prepared and split the images, and the leak-free split, shown on the images themselves."""

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
from wbcseg.ui.formatting import escape_markdown, format_size, get_local_id, pluralise
from wbcseg.ui.glossary import GLOSSARY
from wbcseg.visualization import RgbImage, resize_for_display

PAIRS_PER_PAGE: Final = 6
IN_TRAINING: Final = "training"
IN_TEST: Final = "test"


@dataclass(frozen=True, eq=False)
class ThesisPreparation:
    """The result of the thesis' preparation of a data set, without the images.

    Attributes:
        ids: Ids in shuffled order; those of flipped copies have a suffix.
        blank_targets: ``bool[N, H, W]``, true where the target is zero for all three classes.
        split_counts: Number of images for training, dropped, and for testing.
        same_cell_pairs: (training id, test id) of images that show the same cell.
        empty_target_id: Id of the image whose whole target is empty.
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
        test_ids: Ids of the test images of each fold.
        cell_groups: Ids of images that show the same cell, for cells with several images.
    """

    test_ids: tuple[tuple[str, ...], ...]
    cell_groups: tuple[tuple[str, ...], ...]


def stop_without_masks(dataset: Dataset) -> None:
    """Say that a data set without masks is not split for training a segmentation, and stop the page."""
    if any(info.has_mask for info in dataset.sample_infos):
        return
    st.info(
        "This data set has no masks, so no segmentation network is trained on it. It trains and tests the cell "
        "detector and the model of cell types, with the same split for both.",
        icon=":material/info:",
    )
    st.stop()


@st.cache_resource(max_entries=3, show_spinner="Preparing the images as in the thesis…")
def load_thesis_preparation(dataset_name: str) -> ThesisPreparation:
    """Prepare a data set as in the thesis."""
    # Imported here because only this page needs their libraries.
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


@st.cache_resource(max_entries=3, show_spinner="Searching for images of the same cell…")
def load_folds(dataset_name: str) -> Folds:
    """Split a data set into leak-free folds."""
    result = split_in_subprocess(dataset_name)
    return Folds(*(tuple(map(tuple, result[key])) for key in ("tests", "groups")))


def show_thesis_preparation(dataset: Dataset, sample_id: str) -> None:
    """Show the thesis' preparation step by step, with the selected image if it is part of it."""
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
        f"**{len(original_ids)} of {len(dataset)}** images have {IMAGE_SIDE} × {IMAGE_SIDE} pixels. The thesis uses "
        "only these, so that all inputs have the same size."
    )
    if example_id != sample_id:
        name, example_name = (escape_markdown(get_local_id(i)) for i in (sample_id, example_id))
        size = format_size(dataset.get_info(sample_id).size)
        st.caption(f"Image {name} has {size} pixels, so the steps below show image {example_name}.")

    st.subheader("2. Add flipped copies", help=GLOSSARY["Flipped copy"])
    st.markdown(
        f"A copy of each image is rotated by 90° to the left and mirrored: {len(original_ids)} images become "
        f"**{len(preparation.ids)}**."
    )
    rotated = np.ascontiguousarray(np.rot90(image.sample.image))
    _show_image_row(
        ("Image", image.sample.image, "The original image"),
        ("Rotated", rotated, "The image rotated by 90 degrees to the left"),
        ("Flipped copy", make_flipped_copy(image.sample.image).astype(np.uint8), "The rotated image, mirrored"),
    )

    st.subheader("3. Build the training target", help=GLOSSARY["Training target"])
    st.markdown(
        "The mask is split into three layers, each white where a pixel belongs to the class. The thesis' code stops "
        "one step too early: the **last row and the last column** of each target remain empty, and so does the whole "
        f"target of {_format_reference(preparation.empty_target_id)}. See the right and bottom edges of the "
        "background layer."
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
    st.markdown("The images are shuffled with a fixed seed (2), then divided.")
    with st.grid(3, min_column_width=105):
        st.metric("Training", train_count, border=True)
        st.metric("Dropped", dropped_count, border=True, help="A bug in the thesis' code drops this image.")
        st.metric("Test", test_count, border=True)


def show_thesis_leakage(dataset: Dataset) -> None:
    """Show the test images of the thesis whose cell is also in the training set."""
    from wbcseg.splitting.thesis import get_original_id

    try:
        preparation = load_thesis_preparation(dataset.name)
    except WbcsegError:
        return
    copy_pairs = [pair for pair in preparation.same_cell_pairs if get_original_id(pair[0]) == get_original_id(pair[1])]
    other_pairs = [pair for pair in preparation.same_cell_pairs if pair not in copy_pairs]
    leaky_ids = {test_id for _, test_id in preparation.same_cell_pairs}
    st.subheader("Leakage in the published split", help=GLOSSARY["Data leakage"])
    test_count = preparation.split_counts[2]
    with_copy, with_other_image = ({test_id for _, test_id in pairs} for pairs in (copy_pairs, other_pairs))
    st.markdown(
        "The flipped copies were made before the split. The training set therefore contains the flipped copy of "
        f"**{len(with_copy)} of the {test_count}** test images, and another image of the same cell for "
        f"{pluralise(len(with_other_image), 'test image')}. In total, {len(leaky_ids)} of the {test_count} test cells "
        "were seen in training."
    )
    # Other images of a cell first: they are harder to recognise than flipped copies.
    _show_groups(
        dataset,
        [((train_id, IN_TRAINING), (test_id, IN_TEST)) for train_id, test_id in [*other_pairs, *copy_pairs]],
        "leakage_page",
    )


def show_leak_free_split(dataset: Dataset) -> None:
    """Show the leak-free folds and the cells with several images."""
    try:
        split_folds = load_folds(dataset.name)
    except WbcsegError as problem:
        st.info(escape_markdown(str(problem)), icon=":material/info:")
        return
    st.subheader("Leak-free split", help=f"{GLOSSARY['Fold']}\n\n**Data leakage** {GLOSSARY['Data leakage']}")
    st.markdown(
        f"All {pluralise(sum(map(len, split_folds.test_ids)), 'image')} with a mask, of any size, are divided into "
        f"**{len(split_folds.test_ids)} folds**. All images of a cell are in the same fold, and cell types are evenly "
        "distributed. Flipped copies are made of training images only."
    )
    type_counts = [Counter(dataset.get_info(i).cell_type for i in test_ids) for test_ids in split_folds.test_ids]
    cell_types = [cell_type for cell_type, _ in sum(type_counts, Counter()).most_common() if cell_type is not None]
    header = ["Fold", "Images", *(cell_type.capitalize() for cell_type in cell_types)]
    rows = [
        [str(fold), str(len(test_ids)), *(str(counts[cell_type]) for cell_type in cell_types)]
        for fold, (test_ids, counts) in enumerate(zip(split_folds.test_ids, type_counts, strict=True))
    ]
    show_table(header, rows, "Cell types in each fold")
    n_cells = len(split_folds.cell_groups)
    st.markdown(
        f"**{pluralise(n_cells, 'cell')}** {'has' if n_cells == 1 else 'have'} several images: the same image twice, "
        "or the same cell shifted or under different illumination."
        if n_cells
        else "No cell has several images."
    )
    fold_of = {sample_id: fold for fold, test_ids in enumerate(split_folds.test_ids) for sample_id in test_ids}
    _show_groups(
        dataset, [tuple((i, f"fold {fold_of[i]}") for i in group) for group in split_folds.cell_groups], "cell_page"
    )


def _show_groups(dataset: Dataset, groups: Sequence[Sequence[tuple[str, str]]], key: str) -> None:
    """Show groups of labelled images, one page at a time."""
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
    colour = {IN_TRAINING: "orange", IN_TEST: "blue"}.get(badge_text, "violet")
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


def _format_reference(sample_id: str) -> str:
    base, separator, _ = get_local_id(sample_id).partition("+")
    return f"the flipped copy of image {base}" if separator else f"image {base}"


def _format_name(sample_id: str) -> str:
    base, separator, _ = get_local_id(sample_id).partition("+")
    return f"{base}, flipped copy" if separator else base
