"""The material of composed fields: cells, scenes, red cells and platelets, decoded once and kept in the cache.

:func:`wbcseg.detector_training.library.build.build_library` builds it.
"""

from wbcseg.detector_training.library.arrays import Library, Part, get_library_folder, is_built

__all__ = ["Library", "Part", "get_library_folder", "is_built"]
