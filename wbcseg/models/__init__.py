"""The networks, the cards of trained models, and their weights."""

from wbcseg.models.registry import (
    ARCHITECTURES,
    BASE_FILTERS_RANGE,
    COMPARED_PARAMETERS,
    SIZE_MULTIPLE,
    ArchitectureSpec,
    build_model,
    get_spec,
    register,
)

__all__ = [
    "ARCHITECTURES",
    "BASE_FILTERS_RANGE",
    "COMPARED_PARAMETERS",
    "SIZE_MULTIPLE",
    "ArchitectureSpec",
    "build_model",
    "get_spec",
    "register",
]
