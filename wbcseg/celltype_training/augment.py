"""Vary the cells of a batch: turn, zoom, stain, light, focus and outline. Imports TensorFlow.

Stain varies as optical density: densities of the channels are mixed, scaled and bent at random, as other dyes, other
staining times and other cameras do.
"""

from __future__ import annotations

import math
from typing import Any, Final

import tensorflow as tf

from wbcseg.celltype_training.library import LIBRARY_SIDE
from wbcseg.celltypes.crops import NETWORK_SIDE
from wbcseg.inference.detection.background import MAX_BRIGHTNESS

MIN_VALUE: Final = 0.02
BLUR_SIGMAS: Final = (0.8, 1.6, 3.0)
"""Standard deviations in pixels of the network's crop; the largest leaves no texture in a nucleus."""

REGION_SHARE: Final = 0.5
"""Share of cells whose nucleus and cytoplasm are stained anew, each for itself."""

FLAT_SHARE: Final = 0.3
"""Share of cells whose nucleus or cytoplasm loses texture: some laboratories' images show none."""

STRONG_SHARE: Final = 0.4
"""Share of cells whose stain varies most."""


def build_augmentation(severity: float) -> Any:
    """Return a function from the arrays of a batch to the network's inputs and what is to be answered.

    Args:
        severity: How much stain, light and focus vary, from 0 to 1.
    """

    def prepare(crops: Any, labels: Any, backgrounds: Any, features: Any, possible: Any, attributes: Any) -> Any:
        pixels = tf.cast(crops, tf.float32) / backgrounds[:, None, None, :]
        labels = tf.cast(labels, tf.float32)[..., None]
        planes = tf.concat([pixels, tf.cast(labels > 1.5, tf.float32), tf.cast(labels > 0.5, tf.float32)], -1)
        planes = _transform(planes)
        pixels = _hide_margins(planes[..., :3])
        pixels = _flatten_regions(pixels, planes[..., 3:], severity)
        pixels = _vary_regions(pixels, planes[..., 3:], severity)
        pixels = _vary_stain(pixels, severity)
        pixels = _vary_focus(pixels, severity)
        masks = _vary_outline(planes[..., 3:])
        features = features + tf.random.normal(tf.shape(features), stddev=0.15)
        inputs = tf.clip_by_value(pixels, 0.0, MAX_BRIGHTNESS)
        return [tf.concat([inputs, masks], -1), features], (possible, attributes)

    return prepare


def _uniform(count: Any, low: float, high: float, *shape: int) -> Any:
    return tf.random.uniform((count, *shape), low, high)


def _normal(count: Any, stddev: float, *shape: int) -> Any:
    return tf.random.normal((count, *shape), stddev=stddev)


def _transform(planes: Any) -> Any:
    """Turn by any angle, mirror, zoom, stretch and shift every cell, and cut out the network's square."""
    count = tf.shape(planes)[0]
    angle = _uniform(count, 0.0, 2 * math.pi)
    zoom = tf.exp(_uniform(count, -0.2, 0.2))
    stretch = tf.exp(_normal(count, 0.06))
    mirror = tf.where(_uniform(count, 0.0, 1.0) < 0.5, -1.0, 1.0)
    shear = _normal(count, 0.04)
    cos, sin = tf.cos(angle), tf.sin(angle)
    # From the output's pixels to the input's.
    a, b = zoom * stretch * mirror * cos, zoom * (shear * cos - sin)
    d, e = zoom * stretch * mirror * sin, zoom * (shear * sin + cos)
    centre_in, centre_out = (LIBRARY_SIDE - 1) / 2, (NETWORK_SIDE - 1) / 2
    shift_x, shift_y = _normal(count, 2.0), _normal(count, 2.0)
    c = centre_in + shift_x - (a + b) * centre_out
    f = centre_in + shift_y - (d + e) * centre_out
    zeros = tf.zeros_like(a)
    return tf.raw_ops.ImageProjectiveTransformV3(
        images=planes,
        transforms=tf.stack([a, b, c, d, e, f, zeros, zeros], 1),
        output_shape=(NETWORK_SIDE, NETWORK_SIDE),
        interpolation="BILINEAR",
        fill_mode="REFLECT",
        fill_value=0.0,
    )


def _hide_margins(pixels: Any) -> Any:
    """Make some crops end nearer to the cell: how far an image reaches says nothing about the cell."""
    count = tf.shape(pixels)[0]
    is_hidden = _uniform(count, 0.0, 1.0, 1) < 0.35
    margins = tf.where(is_hidden, _uniform(count, -12.0, 18.0, 4), -1.0)
    position = tf.range(NETWORK_SIDE, dtype=tf.float32)
    inside_x = (position >= margins[:, :1]) & (position <= NETWORK_SIDE - 1 - margins[:, 1:2])
    inside_y = (position >= margins[:, 2:3]) & (position <= NETWORK_SIDE - 1 - margins[:, 3:])
    inside = inside_y[:, :, None] & inside_x[:, None, :]
    return tf.where(inside[..., None], pixels, 1.0)


def _flatten_regions(pixels: Any, masks: Any, severity: float) -> Any:
    """Move nucleus and cytoplasm of some cells towards one colour each."""
    count = tf.shape(pixels)[0]
    is_varied = tf.cast(_uniform(count, 0.0, 1.0) < FLAT_SHARE, tf.float32)[:, None, None, None]
    nucleus, cell = masks[..., :1], masks[..., 1:]
    flat = pixels
    for region in (nucleus, tf.maximum(cell - nucleus, 0.0)):
        area = tf.reduce_sum(region, (1, 2), keepdims=True)
        mean = tf.reduce_sum(pixels * region, (1, 2), keepdims=True) / tf.maximum(area, 1.0)
        amount = severity * _uniform(count, 0.0, 1.0)[:, None, None, None]
        flat += amount * _blur(region, BLUR_SIGMAS[0]) * (mean - pixels)
    return pixels + is_varied * (flat - pixels)


def _vary_regions(pixels: Any, masks: Any, severity: float) -> Any:
    """Scale the optical densities of nucleus and cytoplasm, each for itself, with soft borders."""
    count = tf.shape(pixels)[0]
    is_varied = tf.cast(_uniform(count, 0.0, 1.0) < REGION_SHARE, tf.float32)[:, None, None, None]
    nucleus, cell = masks[..., :1], masks[..., 1:]
    regions = _blur(tf.concat([nucleus, tf.maximum(cell - nucleus, 0.0)], -1), BLUR_SIGMAS[0])
    factors = [
        severity * (_normal(count, colour, 1, 1, 3) + _normal(count, overall, 1, 1, 1))
        for colour, overall in ((0.2, 0.15), (0.25, 0.3))
    ]
    change = is_varied * (regions[..., :1] * factors[0] + regions[..., 1:] * factors[1])
    density = -tf.math.log(tf.clip_by_value(pixels, MIN_VALUE, MAX_BRIGHTNESS))
    return tf.exp(-density * tf.exp(change))


def _vary_stain(pixels: Any, severity: float) -> Any:
    count = tf.shape(pixels)[0]
    strength = severity * tf.where(_uniform(count, 0.0, 1.0) < STRONG_SHARE, 1.0, 0.4)[:, None, None]
    density = -tf.math.log(tf.clip_by_value(pixels, MIN_VALUE, MAX_BRIGHTNESS))
    mixing = tf.eye(3)[None] + strength * _normal(count, 0.16, 3, 3)
    mixing *= tf.exp(strength * _normal(count, 0.25, 1, 3)) * tf.exp(strength * _normal(count, 0.25, 1, 1))
    shape = tf.shape(density)
    mixed = tf.reshape(tf.matmul(tf.reshape(density, (count, -1, 3)), mixing), shape)
    # Towards a colourless stain, now and then.
    grey_share = tf.where(_uniform(count, 0.0, 1.0) < 0.15, _uniform(count, 0.0, 0.8), 0.0)[:, None, None, None]
    mixed += severity * grey_share * (tf.reduce_mean(mixed, -1, keepdims=True) - mixed)
    bend = tf.exp(strength[..., None] * _normal(count, 0.22, 1, 1, 1))
    mixed = tf.sign(mixed) * tf.pow(tf.abs(mixed) + 1e-4, bend)
    mixed += strength[..., None] * (_normal(count, 0.05, 1, 1, 3) + _normal(count, 0.04, 1, 1, 1))
    position = tf.linspace(-0.5, 0.5, NETWORK_SIDE)
    slope = 0.15 * strength * _normal(count, 1.0, 2, 1)
    mixed += (slope[:, 0, :, None] * position[None, :, None] + slope[:, 1, None, :] * position[None, None, :])[
        ..., None
    ]
    return tf.exp(-mixed)


def _vary_focus(pixels: Any, severity: float) -> Any:
    """Blur or sharpen, and add noise."""
    count = tf.shape(pixels)[0]
    drawn = _uniform(count, 0.0, 1.0)[:, None, None, None]
    fine, middle, coarse = (_blur(pixels, sigma) for sigma in BLUR_SIGMAS)
    amount = severity * _uniform(count, 0.0, 1.0)[:, None, None, None]
    strong = severity * _uniform(count, 0.5, 1.0)[:, None, None, None]
    varied = tf.where(drawn < 0.8, pixels - 1.2 * amount * (fine - pixels), pixels)
    for share, change in (
        (0.55, amount * (fine - pixels)),
        (0.4, strong * (middle - pixels)),
        (0.18, strong * (coarse - pixels)),
    ):
        varied = tf.where(drawn < share, pixels + change, varied)
    noise = severity * tf.maximum(0.0, _uniform(count, -0.03, 0.04))[:, None, None, None]
    return varied + noise * tf.random.normal(tf.shape(varied))


def _blur(pixels: Any, sigma: float) -> Any:
    radius = math.ceil(2.5 * sigma)
    weights = tf.exp(-0.5 * (tf.range(-radius, radius + 1, dtype=tf.float32) / sigma) ** 2)
    weights /= tf.reduce_sum(weights)
    for shape in ((-1, 1, 1, 1), (1, -1, 1, 1)):
        kernel = tf.tile(tf.reshape(weights, shape), (1, 1, pixels.shape[-1], 1))
        pixels = tf.nn.depthwise_conv2d(pixels, kernel, (1, 1, 1, 1), "SAME")
    return pixels


def _vary_outline(masks: Any) -> Any:
    """Grow or shrink some masks, and leave some out."""
    count = tf.shape(masks)[0]
    drawn = _uniform(count, 0.0, 1.0, 1, 1, 1)
    grown = tf.nn.max_pool2d(masks, 3, 1, "SAME")
    shrunk = -tf.nn.max_pool2d(-masks, 3, 1, "SAME")
    masks = tf.where(drawn < 0.2, grown, tf.where(drawn < 0.4, shrunk, masks))
    return masks * tf.cast(_uniform(count, 0.0, 1.0, 1, 1, 1) > 0.08, tf.float32)
