"""Open an image and its expert mask, aligned."""

from __future__ import annotations

from wbcseg.errors import ErrorCode, PairingError
from wbcseg.io.filenames import format_display_name
from wbcseg.io.formats.header import Header
from wbcseg.io.images import OpenedImage, PageChoice, open_image, read_file_header
from wbcseg.io.mask_meaning import MaskCorrection
from wbcseg.io.masks import open_mask
from wbcseg.labels import Labels


def open_pair(
    image_data: bytes,
    mask_data: bytes,
    *,
    image_name: str = "image",
    mask_name: str = "mask",
    thresholds: tuple[int, int] | None = None,
    page: PageChoice = None,
    correction: MaskCorrection | None = None,
) -> tuple[OpenedImage, Labels]:
    """Open an image and its mask, both upright and of the same size.

    Each is rotated by its own EXIF orientation. If the image has one and the mask has none, the mask may have been
    drawn on the upright image or on the pixels as stored; its size decides. If both sizes are the same, the pair is
    rejected: a mask that only seems aligned would be worse.

    Args:
        image_data: The image file.
        mask_data: The mask file.
        image_name: Name of the image in messages.
        mask_name: Name of the mask in messages.
        thresholds: As in :func:`wbcseg.io.open_mask`.
        page: Page of the image; see :data:`wbcseg.io.images.PageChoice`.
        correction: As in :func:`wbcseg.io.open_mask`.

    Returns:
        The image, and its labels ``uint8[H, W]`` of the same size.

    Raises:
        ImageError: If the image cannot be read.
        MaskError: If the mask cannot be read.
        PairingError: If they do not match.
    """
    image_header = read_file_header(image_data, name=image_name, page=page if isinstance(page, int) else 0)
    mask_header = read_file_header(mask_data, name=mask_name, kind="Mask")
    orientation = resolve_mask_orientation(image_header, mask_header, image_name=image_name, mask_name=mask_name)
    opened = open_image(image_data, name=image_name, page=page)
    labels = open_mask(mask_data, name=mask_name, thresholds=thresholds, orientation=orientation, correction=correction)
    return opened, labels


def resolve_mask_orientation(image_header: Header, mask_header: Header, *, image_name: str, mask_name: str) -> int:
    """Return the EXIF orientation that aligns a mask with its image, by the rule of :func:`open_pair`.

    Args:
        image_header: The image's header.
        mask_header: The mask's header.
        image_name: Name of the image in messages.
        mask_name: Name of the mask in messages.

    Raises:
        PairingError: If their sizes differ, or the mask's orientation is ambiguous.
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
        (height, width), (mask_height, mask_width) = image_header.upright_size, mask_header.upright_size
        raise PairingError(
            f"Image {format_display_name(image_name)} has {width}×{height} pixels and its mask "
            f"{format_display_name(mask_name)} has {mask_width}×{mask_height}.",
            file=mask_name,
            reason=f"The image has {width}×{height} pixels and its mask has {mask_width}×{mask_height}.",
            code=ErrorCode.SIZE_MISMATCH,
            hint="They must have the same size.",
        )
    if len(candidates) > 1:
        orientation = image_header.orientation
        raise PairingError(
            f"Image {format_display_name(image_name)} is stored rotated or mirrored (EXIF orientation {orientation}), "
            f"and its mask {format_display_name(mask_name)} does not say whether it is, too.",
            file=mask_name,
            reason=f"The image is stored rotated or mirrored (EXIF orientation {orientation}), and its mask does not "
            "say whether it is, too.",
            code=ErrorCode.AMBIGUOUS_ORIENTATION,
            hint="Save the image upright, without EXIF orientation, and check that the mask fits.",
        )
    return candidates[0]
