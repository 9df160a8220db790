"""Write ``wbcseg/architectures/structure.json`` from the Keras models: ``python -m benchmarks.structure``."""

from __future__ import annotations

import json
from typing import Any

from wbcseg.models import ARCHITECTURES
from wbcseg.models.graph import STRUCTURE_FILE
from wbcseg.training.tf_env import import_tensorflow

LAYER_KINDS = {
    "Conv2D": "convolution",
    "UpsampledConvolution": "convolution",
    "Conv2DTranspose": "transposed convolution",
    "MaxPooling2D": "pooling",
    "NearestUpsampling": "upsampling",
    "Dense": "dense",
    "Concatenate": "joining",
    "FusedBatchNormalization": "normalisation",
    "Activation": "activation",
    "Dropout": "dropout",
    "InputLayer": "input",
}


def read_layers(name: str) -> list[dict[str, Any]]:
    """Return a network's layers as its Keras model has them."""
    import keras

    from wbcseg.models import build_model
    from wbcseg.models.profile import compute_output_shapes

    input_size, filter_counts = 120, (8, 12)
    rows: list[dict[str, Any]] = []
    shapes = []
    for base_filters in filter_counts:
        keras.backend.clear_session()
        model = build_model(name, base_filters=base_filters)
        shapes.append(compute_output_shapes(model, input_size))
    for layer in model.layers:
        small, large = (shape[layer.name][2] for shape in shapes)
        slope = (large - small) // (filter_counts[1] - filter_counts[0])
        kind = type(layer).__name__
        factor = getattr(layer, "factor", 1)
        if kind in ("MaxPooling2D", "Conv2DTranspose"):
            factor = (layer.pool_size if kind == "MaxPooling2D" else layer.strides)[0]
        kernel = getattr(layer, "kernel_size", (1,))
        relu = getattr(getattr(layer, "activation", None), "__name__", "") == "relu"
        rows.append(
            {
                "name": layer.name,
                "kind": LAYER_KINDS[kind],
                "inputs": [tensor._keras_history.operation.name for tensor in _list_inputs(layer)],
                "kernel": kernel[0],
                "factor": factor,
                "channels": [slope, small - slope * filter_counts[0]],
                "divisor": input_size // shapes[0][layer.name][0],
                "relu": relu,
            }
        )
    return rows


def _list_inputs(layer: Any) -> list[Any]:
    if type(layer).__name__ == "InputLayer":
        return []
    return layer.input if isinstance(layer.input, list) else [layer.input]


def main() -> None:
    """Write the file."""
    import_tensorflow()
    networks = {name: read_layers(name) for name in ARCHITECTURES}
    rows = (
        f'"{name}": [\n' + ",\n".join(f"  {json.dumps(row)}" for row in layers) + "\n ]"
        for name, layers in networks.items()
    )
    STRUCTURE_FILE.write_text("{\n " + ",\n ".join(rows) + "\n}\n", encoding="utf-8")


if __name__ == "__main__":
    main()
