"""The networks, the cards of trained models, and their weights."""

from wbcseg.models.registry import ARCHITECTURES, MULTIPLE, WIDTHS, Architecture, build, describe

__all__ = ["ARCHITECTURES", "MULTIPLE", "WIDTHS", "Architecture", "build", "describe"]
