"""One module per image format: read its header, strip its metadata, and check that its pixel data are complete.

Nothing here decodes an image; :mod:`wbcseg.io.decode` does. Each format has ``read_header(data, page)`` and
``strip_metadata(data, header, page)``.
"""
