"""What is told of the networks without building them, against the networks themselves."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.structure import read_layers
from wbcseg.models import ARCHITECTURES, build_model, get_spec
from wbcseg.models.graph import Layer, list_layers, list_stages

tf = pytest.importorskip("tensorflow")

every_network = pytest.mark.parametrize("name", ARCHITECTURES)


@every_network
def test_the_file_is_that_of_the_keras_models(name: str) -> None:
    expected = tuple(
        Layer(**{**row, "inputs": tuple(row["inputs"]), "channels": tuple(row["channels"])})
        for row in read_layers(name)
    )
    assert list_layers(name) == expected


@every_network
@pytest.mark.parametrize("width", [4, 16, 64])
def test_the_stages_add_up_to_the_network(name: str, width: int) -> None:
    found = list_stages(name, base_filters=width, input_size=120)
    assert sum(stage.parameters for stage in found) == get_spec(name).count_parameters(width)
    assert sum(stage.multiply_adds for stage in found) == get_spec(name).count_multiply_adds(width, 120)


@every_network
def test_the_stages_go_down_and_up_again(name: str) -> None:
    found = list_stages(name, base_filters=16, input_size=120)
    assert [stage.map_size for stage in found] == [120, 60, 30, 15, 5, 15, 30, 60, 120]
    assert [stage.is_decoder for stage in found] == [False] * 5 + [True] * 4
    copies = [3, 2, 1, 0] if name == "unet" else [None] * 4
    assert [stage.skip_from for stage in found] == [None] * 5 + copies


@every_network
def test_no_pixel_sees_more_than_is_said(name: str) -> None:
    """A pixel of the picture is changed; no output farther away than the receptive field says may change with it.

    Batch normalisation has its running means here, so nothing but the kernels carries a change sideways.
    """
    side, at = 480, 240
    # Of some random networks, too many channels are silent to carry a change as far as they could.
    tf.keras.utils.set_random_seed(2)
    model = build_model(name, base_filters=4)
    # By their place, as Keras numbers the layers of a second network on.
    places = {layer.name: place for place, layer in enumerate(list_layers(name))}
    wanted = [places[stage.layer_stats[-1].layer.name] for stage in list_stages(name, base_filters=4, input_size=side)]
    probe = tf.keras.Model(model.input, [model.layers[place].output for place in wanted])
    rng = np.random.default_rng(0)
    picture = rng.random((1, side, side, 3), np.float32)
    changed = picture.copy()
    changed[0, at, at] += 50.0
    for stage, before, after in zip(
        list_stages(name, base_filters=4, input_size=side), probe(picture), probe(changed), strict=True
    ):
        rows = np.flatnonzero(np.any(before.numpy() != after.numpy(), axis=(0, 2, 3)))
        apart = side // stage.map_size
        # From the far edge of the farthest changed pixel to the changed one, both ways.
        reach = (rows.max() - rows.min()) * apart + 1
        field = stage.layer_stats[-1].receptive_field
        assert reach <= field + 2 * apart
        if field < side // 2:
            assert reach >= 0.6 * field
