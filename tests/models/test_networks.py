"""Every network passes the same checks: parameters, sizes, base filters, dropout, layers."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
import pytest
from expect import raises

from wbcseg.errors import ConfigError, ErrorCode
from wbcseg.models import ARCHITECTURES, build_model, get_spec

keras = pytest.importorskip("keras")
tf = pytest.importorskip("tensorflow")

THESIS_PARAMETERS = {
    "unet": (26_242_627, 26_230_851),
    "segnet": (29_723_395, 29_719_555),
    "deconvnet": (67_218_563, 67_201_667),
}
MULTIPLY_ADDS = {"unet": (0.478e9, 7.57e9), "segnet": (1.57e9, 24.7e9), "deconvnet": (2.79e9, 44.6e9)}


@cache
def build_smallest(name: str) -> Any:
    """The network at four base filters: building the deep ones takes seconds."""
    return build_model(name, base_filters=4)


every_network = pytest.mark.parametrize("name", ARCHITECTURES)


@pytest.mark.parametrize("name", THESIS_PARAMETERS)
def test_parameters_at_the_base_filters_of_the_thesis(name: str) -> None:
    model = build_model(name, base_filters=64)
    trainable = sum(int(np.prod(w.shape)) for w in model.trainable_weights)
    assert (model.count_params(), trainable) == THESIS_PARAMETERS[name]
    assert get_spec(name).thesis_parameters == model.count_params()


@every_network
@pytest.mark.parametrize(("height", "width"), [(24, 48), (120, 120), (144, 96)])
def test_any_multiple_of_24_is_accepted(name: str, height: int, width: int) -> None:
    outputs = build_smallest(name)(np.zeros((2, height, width, 3), np.float32)).numpy()
    assert outputs.shape == (2, height, width, 3)
    assert outputs.dtype == np.float32
    np.testing.assert_allclose(outputs.sum(axis=-1), 1.0, atol=1e-5)


@every_network
def test_dropout_is_connected(name: str) -> None:
    """In the notebooks, the layer was created and never used. Here it changes the output, in training only."""
    # More than one position in the smallest maps, which batch normalisation would make zero.
    image = np.random.default_rng(0).random((1, 48, 48, 3), np.float32)
    with_dropout = build_model(name, base_filters=4, dropout=0.5)
    runs = [with_dropout(image, training=True).numpy() for _ in range(2)]
    assert not np.allclose(runs[0], runs[1])
    assert np.allclose(with_dropout(image).numpy(), with_dropout(image).numpy())
    assert not any(isinstance(layer, keras.layers.Dropout) for layer in build_smallest(name).layers)


@every_network
def test_base_filters_scale_every_stage(name: str) -> None:
    counts = [get_spec(name).count_parameters(base_filters) for base_filters in (4, 8, 16)]
    assert 3.5 < counts[1] / counts[0] < 4
    assert 3.5 < counts[2] / counts[1] < 4.01


@pytest.mark.parametrize("name", MULTIPLY_ADDS)
def test_multiply_adds(name: str) -> None:
    for base_filters, expected in zip((16, 64), MULTIPLY_ADDS[name], strict=True):
        assert get_spec(name).count_multiply_adds(base_filters, 120) == pytest.approx(expected, rel=0.006)


def test_fused_batch_normalisation_equals_that_of_keras() -> None:
    from wbcseg.models.blocks import FusedBatchNormalization

    rng = np.random.default_rng(1)
    ours, theirs = FusedBatchNormalization(0.9), keras.layers.BatchNormalization(momentum=0.9)
    for _ in range(5):
        batch = rng.normal(2, 3, (4, 12, 12, 5)).astype(np.float32)
        np.testing.assert_allclose(ours(batch, training=True), theirs(batch, training=True), atol=2e-5)
    names = [w.name for w in theirs.weights]
    assert [w.name for w in ours.weights] == names
    for mine, keras_weight in zip(ours.weights, theirs.weights, strict=True):
        # The fused operation divides the variance by n − 1, Keras by n.
        np.testing.assert_allclose(mine.numpy(), keras_weight.numpy(), rtol=3e-3, atol=1e-5)
    for weight, source in zip(ours.weights, theirs.weights, strict=True):
        weight.assign(source)
    np.testing.assert_allclose(ours(batch), theirs(batch), atol=2e-5)


def test_debiased_averages_start_as_plain_means() -> None:
    from wbcseg.models.blocks import FusedBatchNormalization

    layer = FusedBatchNormalization(0.99)
    done = [0]
    layer.enable_debiasing(lambda: done[0])
    means = []
    for batch in np.random.default_rng(2).normal(5, 1, (4, 2, 8, 8, 3)).astype(np.float32):
        layer(batch, training=True)
        done[0] += 1
        means.append(batch.mean(axis=(0, 1, 2)))
    weights = 0.99 ** np.arange(4)[::-1]
    expected = (weights[:, None] * np.array(means)).sum(axis=0) / weights.sum()
    np.testing.assert_allclose(layer.moving_mean.numpy(), expected, rtol=1e-5)


@pytest.mark.parametrize("factor", [2, 3])
def test_upsampling_repeats_pixels(factor: int) -> None:
    from wbcseg.models.blocks import NearestUpsampling

    image = np.random.default_rng(0).random((2, 5, 7, 3), np.float32)
    expected = image.repeat(factor, axis=1).repeat(factor, axis=2)
    assert np.array_equal(NearestUpsampling(factor)(image), expected)


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize(("kernel", "factor"), [(7, 2), (7, 3), (3, 2), (3, 3), (5, 2), (5, 3), (1, 2)])
def test_upsampled_convolution_is_upsampling_and_then_convolution(kernel: int, factor: int, training: bool) -> None:
    from wbcseg.models.blocks import UpsampledConvolution

    keras.utils.set_random_seed(factor)
    joined = UpsampledConvolution(4, kernel, factor, bias_initializer="normal")
    apart = keras.layers.Conv2D(4, kernel, padding="same")
    small = tf.Variable(np.random.default_rng(factor).normal(size=(2, 5, 7, 3)).astype(np.float32))
    large = keras.layers.UpSampling2D(factor)
    joined.build(small.shape)
    apart.build((2, 5 * factor, 7 * factor, 3))
    assert [w.shape for w in apart.weights] == [w.shape for w in joined.weights]
    apart.set_weights(joined.get_weights())

    def gradients(function: Callable[[Any], Any], layer: Any) -> tuple[Any, list[Any]]:
        with tf.GradientTape() as tape:
            result = function(small)
            loss = tf.reduce_sum(result**2 * tf.reshape(tf.range(4.0), [1, 1, 1, 4]))
        return result, tape.gradient(loss, [small, *layer.trainable_variables])

    result, slopes = gradients(lambda x: joined(x, training=training), joined)
    expected, expected_slopes = gradients(lambda x: apart(large(x)), apart)
    assert tuple(joined.compute_output_shape((2, 5, 7, 3))) == tuple(expected.shape)
    np.testing.assert_allclose(result, expected, atol=1e-5)
    for slope, wanted in zip(slopes, expected_slopes, strict=True):
        np.testing.assert_allclose(slope, wanted, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"name": "unet", "base_filters": 2}, "from 4 to 128. Received: 2"),
        ({"name": "unet", "base_filters": 16.5}, "whole number"),
        ({"name": "unet", "dropout": 1.0}, "less than 1"),
        ({"name": "unet", "bn_momentum": 1.0}, "between 0 and 1"),
    ],
)
def test_wrong_arguments_are_named(arguments: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        build_model(**arguments)


def test_an_unknown_network_is_an_error_that_lists_the_known_ones() -> None:
    with raises(ConfigError, ErrorCode.INVALID_VALUE, match="Received: 'fcn'") as caught:
        build_model(name="fcn")
    assert f"must be one of {', '.join(ARCHITECTURES)}. " in str(caught.value)
