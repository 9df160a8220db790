"""Structures of the networks, their stages and receptive fields, compared with the built Keras models."""

from __future__ import annotations

import math

import numpy as np
import pytest

from wbcseg.models import ARCHITECTURES, build_model, get_spec
from wbcseg.models.graph import list_layers, list_stages
from wbcseg.models.structure import evaluate_polynomial

tf = pytest.importorskip("tensorflow")

every_network = pytest.mark.parametrize("name", ARCHITECTURES)


@every_network
def test_the_stored_structure_is_that_of_the_built_model(name: str) -> None:
    from wbcseg.models.describe import describe_network

    assert get_spec(name).structure == describe_network(name)


@pytest.mark.parametrize(
    ("name", "base_filters"),
    [(name, 7) for name in ARCHITECTURES]
    + [(name, count) for name, spec in ARCHITECTURES.items() if spec.thesis_parameters for count in (4, 48)],
)
def test_counts_without_building_equal_those_of_keras(name: str, base_filters: int) -> None:
    model = build_model(name, base_filters=base_filters)
    spec = get_spec(name)
    assert spec.count_parameters(base_filters) == model.count_params()
    trainable = sum(math.prod(weight.shape) for weight in model.trainable_weights)
    assert spec.structure.count_trainable_parameters(base_filters) == trainable
    outputs = tf.keras.Model(model.input, [layer.output for layer in model.layers])(
        np.zeros((1, 72, 72, 3), np.float32)
    )
    assert spec.count_activations(base_filters, 72) == sum(math.prod(output.shape) for output in outputs[1:])
    for layer, built, output in zip(list_layers(name), model.layers, outputs, strict=True):
        assert evaluate_polynomial(layer.parameters, base_filters) == built.count_params()
        assert (72 // layer.downsampling, layer.count_filters(base_filters)) == (output.shape[1], output.shape[3])


@every_network
@pytest.mark.parametrize("base_filters", [4, 16, 64])
def test_the_stages_add_up_to_the_network(name: str, base_filters: int) -> None:
    stages = list_stages(name, base_filters=base_filters, input_size=120)
    assert sum(stage.parameters for stage in stages) == get_spec(name).count_parameters(base_filters)
    assert sum(stage.multiply_adds for stage in stages) == get_spec(name).count_multiply_adds(base_filters, 120)


@pytest.mark.parametrize("name", [name for name, spec in ARCHITECTURES.items() if spec.thesis_parameters])
def test_stages_are_grouped_by_resolution(name: str) -> None:
    stages = list_stages(name, base_filters=16, input_size=120)
    assert [stage.map_size for stage in stages] == [120, 60, 30, 15, 5, 15, 30, 60, 120]
    assert [stage.is_decoder for stage in stages] == [False] * 5 + [True] * 4
    skips = [3, 2, 1, 0] if get_spec(name).has_skips else [None] * 4
    assert [stage.skip_from for stage in stages] == [None] * 5 + skips


@every_network
def test_a_changed_pixel_reaches_no_further_than_the_receptive_field(name: str) -> None:
    """Batch normalisation uses its running averages here, so that only kernels carry a change sideways."""
    size, position = 480, 240
    # In some random networks, too many channels are silent for a change to reach as far as it could.
    tf.keras.utils.set_random_seed(2)
    model = build_model(name, base_filters=4)
    # By index, as Keras goes on numbering the layers of a second network.
    indices = {layer.name: index for index, layer in enumerate(list_layers(name))}
    stages = list_stages(name, base_filters=4, input_size=size)
    last_layers = [model.layers[indices[stage.layer_stats[-1].layer.name]].output for stage in stages]
    probe = tf.keras.Model(model.input, last_layers)
    image = np.random.default_rng(0).random((1, size, size, 3), np.float32)
    changed = image.copy()
    changed[0, position, position] += 50.0
    for stage, before, after in zip(stages, probe(image), probe(changed), strict=True):
        rows = np.flatnonzero(np.any(before.numpy() != after.numpy(), axis=(0, 2, 3)))
        spacing = size // stage.map_size
        # From the far edge of the farthest changed pixel to the changed one, in both directions.
        reach = (rows.max() - rows.min()) * spacing + 1
        field = stage.layer_stats[-1].receptive_field
        # All pixels that were enlarged from one of the smallest maps change together.
        coarsest = size // min(other.map_size for other in stages)
        assert reach <= field + max(2 * spacing, coarsest if stage.is_decoder else 0)
        if field < size // 2:
            assert reach >= 0.6 * field
