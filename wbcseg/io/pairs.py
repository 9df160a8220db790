"""Open a picture and its expert mask so that they stay aligned."""

from __future__ import annotations

from wbcseg.errors import PairingError
from wbcseg.io.filenames import format_display_name
from wbcseg.io.headers import Header
from wbcseg.io.images import OpenedImage, open_image, read_file_header
from wbcseg.io.masks import open_mask
from wbcseg.labels import Labels


def open_pair(
    image_data: bytes,
    mask_data: bytes,
    *,
    image_name: str = "picture",
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
        image_data: The picture's file.
        mask_data: The mask's file.
        image_name: What messages call the picture.
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
    image_header = read_file_header(image_data, name=image_name, page=page)
    mask_header = read_file_header(mask_data, name=mask_name, kind="Mask")
    orientation = resolve_mask_orientation(image_header, mask_header, image_name=image_name, mask_name=mask_name)
    opened = open_image(image_data, name=image_name, page=page)
    return opened, open_mask(mask_data, name=mask_name, thresholds=thresholds, orientation=orientation)


def resolve_mask_orientation(image_header: Header, mask_header: Header, *, image_name: str, mask_name: str) -> int:
    """Return the EXIF orientation that aligns a mask with its picture, by the rule of :func:`open_pair`.

    Args:
        image_header: The picture's header.
        mask_header: The mask's header.
        image_name: What messages call the picture.
        mask_name: What messages call the mask.

    Raises:
        PairingError: If their sizes differ, or nothing says how the mask is to be turned.
    """
    if image_header.orientation == 1 or mask_header.orientation != 1:
        candidates = [mask_header.orientation] if mask_header.upright_size == image_header.upright_size else []
    else:
        stored_size = (image_header.height, image_header.width)
        size_by_orientation = {1: image_header.upright_size, image_header.orientation: stored_size}
        candidates = [
            orientation for orientation, size in size_by_orientation.items() if size == mask_header.upright_size
        ]
    if not candidates:
        height, width = image_header.upright_size
        raise PairingError(
            f"Picture {format_display_name(image_name)} has {width}×{height} pixels and its mask {format_display_name(mask_name)} has "
            f"{mask_header.upright_size[1]}×{mask_header.upright_size[0]}. They must be of the same size."
        )
    if len(candidates) > 1:
        raise PairingError(
            f"Picture {format_display_name(image_name)} is stored turned or mirrored (EXIF orientation {image_header.orientation}) and its mask "
            f"{format_display_name(mask_name)} does not say whether it is too. Save the picture upright, without EXIF orientation, "
            "and check that the mask fits."
        )
    return candidates[0]
