"""The one door through which untrusted bytes become arrays.

A file is judged by its content, never by its name: PNG, JPEG, BMP and TIFF come in, everything else is refused with
its reason. Three steps, each in a module of its own:

1. :mod:`.headers` reads the file's structure (size, pages, orientation) without decoding anything. Its loops are
   bounded, so a file with millions of pages, segments or tags is refused at once, and a pixel bomb by its header.
2. :mod:`.cleaning` keeps only the parts of the file that make up the pixels. Metadata (text, EXIF, GPS, colour
   profiles, thumbnails) never reaches the decoder and so can neither attack it nor leak into an export.
3. :mod:`.decoding` decodes what is left with Pillow, completely or not at all.

:func:`open_image` and :func:`open_mask` turn the result into RGB and into class ids; :func:`open_pair` keeps both
aligned.
"""

from wbcseg.io.filenames import format_display_name, make_safe_stem
from wbcseg.io.images import OpenedImage, open_image, read_size
from wbcseg.io.limits import MAX_BYTES, MAX_PAGES, MAX_PIXELS, MAX_SIDE
from wbcseg.io.masks import open_mask
from wbcseg.io.pairs import open_pair
from wbcseg.io.png import encode_png

__all__ = [
    "MAX_BYTES",
    "MAX_PAGES",
    "MAX_PIXELS",
    "MAX_SIDE",
    "OpenedImage",
    "encode_png",
    "format_display_name",
    "make_safe_stem",
    "open_image",
    "open_mask",
    "open_pair",
    "read_size",
]
