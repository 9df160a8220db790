"""Features of pixels: colours, edges and texture at several scales, as in ilastik and Trainable Weka Segmentation.

Every filter is a Gaussian or one of its derivatives, so it can be applied to rows and columns in turn. For an image of
the size of a model's input, two products with a matrix of the filter's coefficients are the fastest way.

Sources: Berg et al. (2019), doi 10.1038/s41592-019-0582-9; Arganda-Carreras et al. (2017), doi
10.1093/bioinformatics/btx180.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from wbcseg.models.pixels.blas import single_threaded_blas
from wbcseg.models.pixels.colors import compute_lab, compute_saturation

Stack = NDArray[np.float32]

COLOR_CHANNELS: Final = ("red", "green", "blue", "L*", "a*", "b*", "saturation")
COLOR_SCALES: Final = (1.0, 2.0, 4.0, 8.0, 16.0)
"""Standard deviations, in pixels, of the Gaussians that smooth every colour channel."""

TEXTURE_CHANNELS: Final = ("green", "saturation")
"""Channels of edges and texture: nuclei are dark in green, and cells are more colourful than the background."""

TEXTURE_SCALES: Final = (1.0, 2.0, 4.0)
"""Standard deviations, in pixels, of the Gaussians whose derivatives are taken."""

TEXTURE_FEATURES: Final = (
    "gradient magnitude",
    "Laplacian",
    "larger Hessian eigenvalue",
    "smaller Hessian eigenvalue",
    "larger structure tensor eigenvalue",
    "smaller structure tensor eigenvalue",
)


def list_feature_names() -> tuple[str, ...]:
    """Return what each feature is, in the order of :func:`compute_features`."""
    smoothed = [f"{channel}, Gaussian {scale:g} px" for scale in COLOR_SCALES for channel in COLOR_CHANNELS]
    texture = [
        f"{feature} of {channel}, {scale:g} px"
        for scale in TEXTURE_SCALES
        for feature in TEXTURE_FEATURES
        for channel in TEXTURE_CHANNELS
    ]
    return (*COLOR_CHANNELS, *smoothed, *texture)


def compute_features(image: NDArray[np.uint8]) -> Stack:
    """Return the features of every pixel.

    Turning or mirroring the image turns or mirrors them: none depends on a direction.

    Args:
        image: ``uint8[H, W, 3]``, RGB. It is mirrored beyond its edges.

    Returns:
        ``float32[H, W, F]``, named by :func:`list_feature_names`.
    """
    with single_threaded_blas():
        colors = _compute_colors(image)
        smoothed = [_filter(colors, scale) for scale in COLOR_SCALES]
        textured = colors[[COLOR_CHANNELS.index(channel) for channel in TEXTURE_CHANNELS]]
        texture = [_compute_texture(textured, scale) for scale in TEXTURE_SCALES]
    return np.ascontiguousarray(np.concatenate([colors, *smoothed, *texture]).transpose(1, 2, 0))


def _compute_colors(image: NDArray[np.uint8]) -> Stack:
    """Return the colour channels, ``float32[C, H, W]``."""
    rgb = image.astype(np.float32) / np.float32(255)
    channels = np.concatenate([rgb, compute_lab(image), compute_saturation(image)[..., None]], axis=-1)
    return np.ascontiguousarray(channels.transpose(2, 0, 1))


def _compute_texture(channels: Stack, scale: float) -> Stack:
    """Return the texture features of channels ``float32[C, H, W]`` at one scale, ``float32[6 C, H, W]``."""
    by_row, by_column = _filter(channels, scale, 1, 0), _filter(channels, scale, 0, 1)
    rows, columns = _filter(channels, scale, 2, 0), _filter(channels, scale, 0, 2)
    hessian = _compute_eigenvalues(rows, _filter(channels, scale, 1, 1), columns)
    products = (by_row * by_row, by_row * by_column, by_column * by_column)
    tensor = _compute_eigenvalues(*(_filter(product, scale) for product in products))
    return np.concatenate([np.hypot(by_row, by_column), rows + columns, *hessian, *tensor])


def _compute_eigenvalues(first: Stack, mixed: Stack, second: Stack) -> tuple[Stack, Stack]:
    """Return the larger and the smaller eigenvalue of the symmetric matrices ``[[first, mixed], [mixed, second]]``."""
    mean = (first + second) / 2
    spread = np.hypot((first - second) / 2, mixed)
    return (mean + spread).astype(np.float32, copy=False), (mean - spread).astype(np.float32, copy=False)


def _filter(channels: Stack, scale: float, row_order: int = 0, column_order: int = 0) -> Stack:
    """Return channels ``float32[C, H, W]`` convolved with a derivative of a Gaussian.

    Args:
        channels: The channels.
        scale: Standard deviation in pixels.
        row_order: Order of the derivative down the rows.
        column_order: Order of the derivative along the columns.
    """
    down = _build_filter(channels.shape[1], scale, row_order)
    along = _build_filter(channels.shape[2], scale, column_order)
    return (down @ channels @ along.T).astype(np.float32, copy=False)


@lru_cache(maxsize=64)
def _build_filter(length: int, scale: float, order: int) -> Stack:
    """Return the matrix ``float32[length, length]`` that filters a column of pixels, mirrored at its ends."""
    from scipy import ndimage

    identity = np.eye(length, dtype=np.float32)
    matrix: Stack = ndimage.gaussian_filter1d(identity, scale, axis=0, order=order, mode="reflect")
    return matrix
