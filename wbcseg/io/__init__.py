"""Read and write images, masks and other files. Untrusted bytes become arrays only here.

The format is detected from the content, never from the name: PNG, JPEG, BMP, TIFF, WebP and HEIC are read, everything
else is rejected with the reason. There are three steps:

1. :mod:`.formats` reads the structure (size, pages, orientation) without decoding, one module per format. Its loops
   are bounded, so a file with millions of pages, segments or tags is rejected at once, and a decompression bomb by its
   header.
2. It keeps only the pixel data. Metadata (text, EXIF, GPS, colour profiles, thumbnails) never reaches the decoder, so
   it can neither attack it nor leak into an export. Checksums and lengths are checked where the format has them.
3. :mod:`.decode` decodes the rest, completely or not at all: a decoder that fills in missing parts is not trusted.

:func:`open_image` and :func:`open_mask` turn the result into RGB and into class ids; :func:`open_pair` keeps both
aligned.
"""

from wbcseg.io.encode import encode_png, encode_tiff
from wbcseg.io.filenames import format_display_name, make_safe_stem
from wbcseg.io.images import OpenedImage, PageChoice, open_image, read_size
from wbcseg.io.limits import MAX_BYTES, MAX_PAGES, MAX_PIXELS, MAX_SHRUNK_PIXELS, MAX_SIDE
from wbcseg.io.mask_meaning import CORRECTION_LABELS, MaskCorrection, MaskIssue, check_mask
from wbcseg.io.masks import look_like_photograph, open_mask
from wbcseg.io.pairs import open_pair

__all__ = [
    "CORRECTION_LABELS",
    "MAX_BYTES",
    "MAX_PAGES",
    "MAX_PIXELS",
    "MAX_SHRUNK_PIXELS",
    "MAX_SIDE",
    "MaskCorrection",
    "MaskIssue",
    "OpenedImage",
    "PageChoice",
    "check_mask",
    "encode_png",
    "encode_tiff",
    "format_display_name",
    "look_like_photograph",
    "make_safe_stem",
    "open_image",
    "open_mask",
    "open_pair",
    "read_size",
]
