"""Fields of view composed of published cells, red cells and artefacts, with exact truth.

Everything is laid over each other in optical density above the empty background, so that cells and backgrounds of
different laboratories fit together and can be stained anew. Light, lens, sensor and file format then make an image of
it. The material is in :mod:`wbcseg.detector_training.library`.
"""

from wbcseg.detector_training.composing.composer import REALISTIC_SEVERITY, Composer
from wbcseg.detector_training.composing.field import ComposedField

__all__ = [
    "REALISTIC_SEVERITY",
    "ComposedField",
    "Composer",
]
