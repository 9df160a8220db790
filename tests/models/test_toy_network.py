"""A network from a file outside the package goes through everything, with nothing else edited."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from models import copy_of_shipped

from wbcseg.datasets.synthetic import draw_sample
from wbcseg.errors import ConfigError, ModelError
from wbcseg.inference import Catalog
from wbcseg.inference.feature_maps import compute_feature_maps
from wbcseg.models import ARCHITECTURES, build_model, get_spec
from wbcseg.models.card import ModelCard
from wbcseg.models.forward import forward
from wbcseg.models.graph import list_layers, list_stages
from wbcseg.training import TrainingConfig
from wbcseg.training.cost import estimate

pytestmark = pytest.mark.usefixtures("toy_network")


def test_it_is_listed_after_the_networks_of_the_package() -> None:
    assert [*ARCHITECTURES][-1] == "toy"
    assert get_spec("toy").thesis_parameters is None
    assert TrainingConfig(architecture="toy").architecture == "toy"


def test_its_numbers_are_computed_in_a_child_process() -> None:
    pytest.importorskip("keras")
    spec = get_spec("toy")
    for base_filters in (4, 9):
        assert spec.count_parameters(base_filters) == build_model("toy", base_filters=base_filters).count_params()
    work = spec.count_multiply_adds(8, 48)
    assert spec.count_multiply_adds(8, 96) == 4 * work


def test_its_stages() -> None:
    stages = list_stages("toy", base_filters=8, input_size=48)
    assert [stage.map_size for stage in stages] == [48, 24, 6, 24, 48]
    assert [stage.is_decoder for stage in stages] == [False, False, False, True, True]
    assert [stage.skip_from for stage in stages] == [None, None, None, None, 0]
    assert [stage.filters for stage in stages] == [8, 16, 16, 8, 16]
    assert sum(stage.parameters for stage in stages) == get_spec("toy").count_parameters(8)
    # 3×3 (3), stride 2 (5), dilated 5×5 two pixels apart (13).
    assert [stats.receptive_field for stats in stages[1].layer_stats][:2] == [5, 13]


def test_its_forward_pass_in_numpy_equals_that_of_keras() -> None:
    keras = pytest.importorskip("keras")
    keras.utils.set_random_seed(3)
    model = build_model("toy", base_filters=4)
    image = np.random.default_rng(3).random((48, 48, 3)).astype(np.float32)
    expected = keras.Model(model.input, [layer.output for layer in model.layers])(image[None])
    weights = {f"{index:03}": np.asarray(weight) for index, weight in enumerate(model.weights)}
    for (layer, output), theirs in zip(forward("toy", weights, image), expected, strict=True):
        np.testing.assert_allclose(output, theirs.numpy()[0], atol=1e-4, err_msg=layer.name)


def test_its_costs_are_estimated() -> None:
    config = TrainingConfig(architecture="toy", dataset="synthetic", base_filters=4)
    cost = estimate.estimate_cost(config)
    assert cost.seconds > 0
    assert cost.memory_bytes > 0


@pytest.mark.training
def test_it_is_trained_exported_and_predicts(toy_runs: Path) -> None:
    segmenter = Catalog(runs=toy_runs).load("toy")
    assert segmenter.card.architecture == "toy"
    assert segmenter.card.title.startswith("Toy-Net")
    assert segmenter.card.parameters == get_spec("toy").count_parameters(4)
    result = segmenter.predict(draw_sample(9, 0).image)
    assert result.labels.shape == draw_sample(9, 0).size
    np.testing.assert_allclose(result.probabilities.sum(axis=-1), 1.0, atol=1e-4)
    maps = compute_feature_maps(toy_runs / "toy", segmenter.card, draw_sample(9, 0, size=(48, 48)).image)
    assert [stage_maps.maps.shape for stage_maps in maps] == [
        (48, 48, 4),
        (24, 24, 8),
        (6, 6, 8),
        (24, 24, 4),
        (48, 48, 8),
    ]


def test_a_model_of_a_network_that_is_not_registered_is_listed_with_the_reason(tmp_path: Path) -> None:
    copy_of_shipped(tmp_path, called="other", architecture="other")
    with pytest.raises(ModelError) as caught:
        ModelCard.read(tmp_path / "other")
    assert "toy" in ARCHITECTURES
    assert ", ".join(ARCHITECTURES) in str(caught.value)


def test_a_name_that_is_taken_is_refused() -> None:
    from wbcseg.models import register

    def unet(**_: object) -> None: ...

    with pytest.raises(ConfigError, match="already a network with the name 'unet'"):
        register(title="", summary="", reference="", has_skips=False, color="", marker="")(unet)  # type: ignore[type-var]


def test_layers_have_their_kinds() -> None:
    kinds = {layer.kind for layer in list_layers("toy")}
    assert {"depthwise convolution", "addition", "concatenation", "pooling"} <= kinds
    assert "other" not in kinds
