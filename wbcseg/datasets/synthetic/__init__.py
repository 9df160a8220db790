"""Synthetic blood smears with exact masks: a data set that is always available.

Each image shows one main white cell of one of the five types among red cells and platelets, with one of three stains (a
yellow or white background as in Zheng Dataset 1, purple as in Dataset 2). Shapes are formulas, so the mask is exact;
colours follow measured optical densities; light, focus and sensor noise are then simulated.
"""

from wbcseg.datasets.synthetic.generator import draw_sample, open_synthetic
from wbcseg.datasets.synthetic.stain_presets import StainName

__all__ = ["StainName", "draw_sample", "open_synthetic"]
