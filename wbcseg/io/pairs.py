"""Open a picture and its expert mask so that they stay aligned."""

from __future__ import annotations

from wbcseg.errors import PairingError
from wbcseg.io.filenames import format_display_name
from wbcseg.io.headers import Header
from wbcseg.io.images import OpenedImage, open_image, read_file_header
from wbcseg.io.masks import open_mask
from wbcseg.labels import Labels


def open_pair(
    image: bytes,
    mask: bytes,
    *,
    name: str = "picture",
    mask_name: str = "mask",
    thresholds: tuple[int, int] | None = None,
    page: int = 0,
) -> tuple[OpenedImage, Labels]:
    """Open a picture and its mask, both upright and of the same size.

    Each is turned by its own EXIF orientation. Where the picture has one and the mask has none, the mask may have been
    drawn on the upright picture or on the pixels as stored. The size decides: a mask with the size of the upright
    picture is left alone, one with the size as stored is turned along. Where both sizes are the same, nothing can
    decide and the pair is refused: a mask that only looks aligned would be worse.

    Args:
        image: The picture's file.
        mask: The mask's file.
        name: What messages call the picture.
        mask_name: What messages call the mask.
        thresholds: As in :func:`wbcseg.io.open_mask`.
        page: Which page of the picture, from 0.

    Returns:
        The picture, and its labels ``uint8[H, W]`` of the picture's size.

    Raises:
        ImageError: If the picture cannot be read.
        MaskError: If the mask cannot be read.
        PairingError: If they do not belong together.
    """
    header = read_file_header(image, name=name, page=page)
    mask_header = read_file_header(mask, name=mask_name, kind="Mask")
    orientation = resolve_mask_orientation(header, mask_header, name=name, mask_name=mask_name)
    picture = open_image(image, name=name, page=page)
    return picture, open_mask(mask, name=mask_name, thresholds=thresholds, orientation=orientation)


def resolve_mask_orientation(image: Header, mask: Header, *, name: str, mask_name: str) -> int:
    """Return the EXIF orientation that aligns a mask with its picture, by the rule of :func:`open_pair`.

    Args:
        image: The picture's header.
        mask: The mask's header.
        name: What messages call the picture.
        mask_name: What messages call the mask.

    Raises:
        PairingError: If their sizes differ, or nothing says how the mask is to be turned.
    """
    if image.orientation == 1 or mask.orientation != 1:
        fitting = [mask.orientation] if mask.upright_size == image.upright_size else []
    else:
        stored = (image.height, image.width)
        drawn_on = {1: image.upright_size, image.orientation: stored}
        fitting = [orientation for orientation, size in drawn_on.items() if size == mask.upright_size]
    if not fitting:
        height, width = image.upright_size
        raise PairingError(
            f"Picture {format_display_name(name)} has {width}×{height} pixels and its mask {format_display_name(mask_name)} has "
            f"{mask.upright_size[1]}×{mask.upright_size[0]}. They must be of the same size."
        )
    if len(fitting) > 1:
        raise PairingError(
            f"Picture {format_display_name(name)} is stored turned or mirrored (EXIF orientation {image.orientation}) and its mask "
            f"{format_display_name(mask_name)} does not say whether it is too. Save the picture upright, without EXIF orientation, "
            "and check that the mask fits."
        )
    return fitting[0]
