"""Adversarial training: the critic, what it adds to a step, its state and its cost."""

from __future__ import annotations

import numpy as np
import pytest

from wbcseg.training import TrainingConfig
from wbcseg.training.auxiliary.critic_cost import (
    count_critic_activations,
    count_critic_multiply_adds,
    count_critic_parameters,
)
from wbcseg.training.checkpoint import select_export_weights
from wbcseg.training.cost.model import estimate_memory, estimate_train_seconds_per_image, load_reference_sources
from wbcseg.training.random_data import build_random_batch

keras = pytest.importorskip("keras")
tf = pytest.importorskip("tensorflow")

SMALL = TrainingConfig(base_filters=4, input_size=48, batch_size=2, precision="float32", optimizer="adam")


def test_it_is_off_by_default_and_for_runs_from_before_it_existed() -> None:
    values = TrainingConfig().to_dict()
    del values["adversarial_weight"]
    assert not TrainingConfig.from_dict(values).uses_critic


@pytest.mark.parametrize("size", [48, 72])
def test_the_critic_has_as_many_parameters_and_values_as_estimates_count(size: int) -> None:
    from wbcseg.training.auxiliary.critic import build_critic

    critic = build_critic()
    assert critic.count_params() == count_critic_parameters()
    convolutions = [layer for layer in critic.layers if isinstance(layer, keras.layers.Conv2D)]
    maps = keras.Model(critic.inputs, [layer.output for layer in convolutions])([np.zeros((1, size, size, 3))] * 2)
    assert count_critic_activations(size) == sum(int(np.prod(output.shape)) for output in maps)
    assert count_critic_multiply_adds(size) == sum(
        int(np.prod(layer.kernel.shape)) * output.shape[1] * output.shape[2]
        for layer, output in zip(convolutions, maps, strict=True)
    )


def test_softened_masks_keep_the_experts_class_and_the_networks_proportions() -> None:
    from wbcseg.training.auxiliary.critic import soften_targets

    probabilities = tf.constant([[0.2, 0.6, 0.2], [0.02, 0.95, 0.03], [1.0, 0.0, 0.0], [0.5, 0.3, 0.2]])
    targets = tf.constant([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 0.0]])
    expected = [[0.9, 0.075, 0.025], [0.02, 0.95, 0.03], [1.0, 0.0, 0.0], [0.5, 0.3, 0.2]]
    np.testing.assert_allclose(soften_targets(targets, probabilities), expected, atol=1e-6)


def test_the_critic_learns_to_tell_masks_apart_and_the_network_to_be_taken_for_an_expert() -> None:
    from wbcseg.training.auxiliary.critic import Adversary

    keras.utils.set_random_seed(0)
    adversary = Adversary(learning_rate=0.03)
    images, targets = (tf.constant(array) for array in build_random_batch(SMALL))
    wrong = tf.Variable(tf.fill(targets.shape, 1 / 3))
    before = float(adversary.compute_loss(images, wrong))
    for _ in range(30):
        adversary.learn(images, targets, wrong)
    assert float(adversary.compute_loss(images, wrong)) > 2 * before
    assert float(adversary.compute_loss(images, targets)) < before
    with tf.GradientTape() as tape:
        loss = adversary.compute_loss(images, wrong)
    wrong.assign_sub(1e-2 * tf.sign(tape.gradient(loss, wrong)))
    assert float(adversary.compute_loss(images, wrong)) < float(loss)


@pytest.mark.usefixtures("toy_network")
def test_a_training_with_a_critic_differs_resumes_exactly_and_exports_the_network_alone() -> None:
    from wbcseg.training.trainer import Trainer

    images, targets = build_random_batch(SMALL)

    def build(config: TrainingConfig) -> Trainer:
        keras.utils.clear_session()
        return Trainer(config, steps_per_epoch=4)

    small = SMALL.replace(architecture="toy")
    adversarial = small.replace(adversarial_weight=0.5)
    plain, whole = build(small), build(adversarial)
    start = {name: array.copy() for name, array in whole.collect_state().items()}
    for name, array in plain.collect_state().items():
        if name.startswith("weight/"):
            np.testing.assert_array_equal(start[name], array, err_msg=name)
    plain_loss, _ = plain.step(images, targets, 0)
    loss, _ = whole.step(images, targets, 0)
    # The loss of the masks alone is reported, so that it can be compared.
    assert loss == pytest.approx(plain_loss, rel=1e-5)
    state = {name: array.copy() for name, array in whole.collect_state().items()}
    critics = [name for name in state if name.startswith("critic/")]
    assert any(not np.array_equal(start[name], state[name]) for name in critics)
    weights = select_export_weights(state)
    assert set(weights) == set(select_export_weights(plain.collect_state()))
    plain_weights = select_export_weights(plain.collect_state())
    assert any(not np.array_equal(plain_weights[name], array) for name, array in weights.items())

    resumed = build(adversarial)
    resumed.restore(state)
    for trainer in (whole, resumed):
        trainer.step(images, targets, 1)
    again = resumed.collect_state()
    for name, array in whole.collect_state().items():
        np.testing.assert_allclose(again[name], array, rtol=1e-4, atol=1e-5, err_msg=name)


@pytest.mark.parametrize("network", ["unet", "segnet", "deconvnet"])
def test_time_and_memory_of_a_critic_are_estimated(network: str) -> None:
    source = next(s for s in load_reference_sources() if s.record.architecture == network)
    config = SMALL.replace(architecture=network, input_size=120, base_filters=16)
    adversarial = config.replace(adversarial_weight=0.1)
    seconds = [estimate_train_seconds_per_image(c, source) for c in (config, adversarial)]
    assert 1.02 < seconds[1] / seconds[0] < 1.3
    assert estimate_memory(adversarial, source, 10) > estimate_memory(config, source, 10)
    assert not source.matches(adversarial)
