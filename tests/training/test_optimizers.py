"""The fused optimisers compute the same as Keras'. In a separate process, which imports TensorFlow."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

CODE = """
from wbcseg.training.tf_env import import_tensorflow
import_tensorflow()
import json
import keras
import numpy as np
import tensorflow as tf
from wbcseg.training.optimizers import FusedAdam, FusedAdamW

SHAPES = ((3, 4), (5,), (2, 2, 3, 3))


def trained(kind, **settings):
    start = np.random.default_rng(0)
    weights = [keras.Variable(start.normal(size=s).astype("float32"), name=f"w{len(s)}") for s in SHAPES]
    optimizer = kind(1e-3, **settings)
    if settings:
        optimizer.exclude_from_weight_decay(var_names=["w1"])
    optimizer.build(weights)
    step = tf.function(lambda gradients: optimizer.apply(gradients, weights))
    rng = np.random.default_rng(1)
    for number in range(40):
        optimizer.learning_rate.assign(1e-2 * (number + 1) / 40)
        step([tf.constant(rng.normal(size=shape).astype("float32")) for shape in SHAPES])
    return [keras.ops.convert_to_numpy(v) for v in (*weights, *optimizer.variables)]


result = {}
for fused, keras_own, settings in (
    (FusedAdam, keras.optimizers.Adam, {}),
    (FusedAdamW, keras.optimizers.AdamW, {"weight_decay": 0.1}),
):
    pairs = list(zip(trained(fused, **settings), trained(keras_own, **settings), strict=True))
    result[fused.__name__] = [len(pairs), max(float(np.abs(a - b).max()) for a, b in pairs)]
print(json.dumps(result))
"""


@pytest.mark.training
def test_weights_and_averages_equal_those_of_keras_up_to_rounding() -> None:
    done = subprocess.run([sys.executable, "-c", CODE], capture_output=True, text=True, check=True)
    result = json.loads(done.stdout.splitlines()[-1])
    assert set(result) == {"FusedAdam", "FusedAdamW"}
    for count, difference in result.values():
        assert count == 3 + 2 + 2 * 3  # weights, step and learning rate, two averages each
        assert difference < 2e-6
