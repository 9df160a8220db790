"""Deep supervision: inner decoders learn to segment, too, and are not in the finished model."""

from __future__ import annotations

import numpy as np
import pytest
from expect import raises

from wbcseg.errors import ConfigError, ErrorCode
from wbcseg.models import ARCHITECTURES
from wbcseg.training import TrainingConfig
from wbcseg.training.checkpoint import select_export_weights
from wbcseg.training.random_data import build_random_batch
from wbcseg.training.settings import SETTINGS

keras = pytest.importorskip("keras")

SMALL = TrainingConfig(
    architecture="unetplusplus", base_filters=4, input_size=24, batch_size=2, precision="float32", optimizer="adam"
)


def test_only_networks_with_inner_decoders_have_it() -> None:
    supervised = [name for name, spec in ARCHITECTURES.items() if spec.auxiliary_layers]
    assert supervised == ["unetplusplus"]
    with raises(ConfigError, ErrorCode.INVALID_VALUE, match="deep_supervision"):
        TrainingConfig(architecture="unet", deep_supervision=True)
    is_active = SETTINGS["deep_supervision"].is_active
    assert is_active(SMALL.to_dict())
    assert not is_active(SMALL.replace(architecture="unet").to_dict())


def test_heads_learn_with_the_network_and_stay_in_the_checkpoint() -> None:
    from wbcseg.training.trainer import Trainer

    def build(config: TrainingConfig) -> Trainer:
        keras.utils.clear_session()
        return Trainer(config, steps_per_epoch=4)

    images, targets = build_random_batch(SMALL)
    plain, supervised = build(SMALL), build(SMALL.replace(deep_supervision=True))
    start = {name: array.copy() for name, array in supervised.collect_state().items()}
    for name, array in plain.collect_state().items():
        if name.startswith("weight/"):
            np.testing.assert_array_equal(start[name], array, err_msg=name)
    losses = [trainer.step(images, targets, 0)[0] for trainer in (plain, supervised)]
    # The loss of the deepest decoder alone is reported, so that it can be compared.
    assert losses[0] == pytest.approx(losses[1], rel=1e-5)
    state = supervised.collect_state()
    heads = [name for name in state if name.startswith("head/")]
    assert len(heads) == 6
    assert all(not np.array_equal(start[name], state[name]) for name in heads)
    assert set(select_export_weights(state)) == set(select_export_weights(plain.collect_state()))

    resumed = build(SMALL.replace(deep_supervision=True))
    resumed.restore(state)
    for name, array in resumed.collect_state().items():
        np.testing.assert_array_equal(array, state[name], err_msg=name)
