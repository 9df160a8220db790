"""Compare runtimes and number formats for inference: ``python -m benchmarks.runtimes > benchmarks/runtimes.json``.

Needs additional packages: ``pip install onnx tf2onnx onnxruntime``, and training runs of general models: the shipped
ones come without trainable weights. Exports the models in several formats, alternates between them on one thread with
the held-out images (synthetic ones if the Zheng data sets are missing), and compares the predictions with those of
Keras. docs/results.md shows the result.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

from wbcseg.training.tf_env import configure_tensorflow, get_processor_flags, get_processor_name

configure_tensorflow()

import keras
import numpy as np
import tensorflow as tf

from wbcseg.datasets import open_dataset
from wbcseg.errors import DatasetError
from wbcseg.inference import Catalog, ModelEntry
from wbcseg.metrics import score
from wbcseg.models import build_model
from wbcseg.models.weights import read_weights
from wbcseg.transforms.padding import pad_to_square, unpad

ROUNDS = 12


def main() -> None:
    results: dict[str, Any] = {
        "processor": get_processor_name(),
        "avx512": "avx512f" in get_processor_flags(),
        "models": {},
    }
    entries = [entry for entry in Catalog().usable if not entry.shipped and entry.card.two_stage]
    with tempfile.TemporaryDirectory() as folder:
        for entry in entries:
            results["models"][entry.name] = benchmark_model(entry, Path(folder))
        results["start"] = {
            module: measure_import_cost(module)
            for module in ("ai_edge_litert.interpreter", "onnxruntime", "tensorflow")
        }
    print(json.dumps(results, indent=1))


def benchmark_model(entry: ModelEntry, folder: Path) -> dict[str, Any]:
    card = entry.card
    weights = read_weights(entry.folder / card.files["weights"].name)
    model = build_model(card.architecture, base_filters=card.base_filters)
    model.set_weights(list(weights.arrays.values()))
    try:
        dataset = open_dataset(card.dataset)
        samples = [dataset.read(i) for i in card.split["test"] if i in dataset]
    except DatasetError:
        samples = [s for s in open_dataset("synthetic") if max(s.size) <= card.input_size]
    padded = [pad_to_square(s.image, card.input_size) for s in samples]
    inputs = [(padded_image[None] / np.float32(255)).astype(np.float32) for padded_image, _ in padded]

    runners: dict[str, tuple[Callable[[Any], Any], int]] = {}
    files = {"LiteRT, int8 (shipped)": entry.folder / card.files["model"].name}
    for format_name, path in (files | export_formats(model, folder / entry.name)).items():
        runners[format_name] = (
            build_onnx_runner(path) if path.suffix == ".onnx" else build_tflite_runner(path, card.input_size),
            path.stat().st_size,
        )

    seconds: dict[str, list[float]] = {format_name: [] for format_name in runners}
    for round_index in range(ROUNDS):
        for format_name, (run, _) in runners.items():
            start = time.process_time()
            run(inputs[round_index % len(inputs)])
            seconds[format_name].append(time.process_time() - start)

    reference = model.predict(np.concatenate(inputs), batch_size=9, verbose=0).argmax(-1)
    table = {}
    for format_name, (run, size) in runners.items():
        outputs = [run(p)[0] for p in inputs]
        dice = [
            score(s.mask, unpad(f, placement).argmax(-1).astype(np.uint8)).dice
            for s, f, (_, placement) in zip(samples, outputs, padded, strict=True)
        ]
        table[format_name] = {
            "milliseconds": round(1000 * median(seconds[format_name][2:]), 1),
            "agreement": round(
                float(np.mean([(f.argmax(-1) == r).mean() for f, r in zip(outputs, reference, strict=True)])), 5
            ),
            "dice_nucleus": round(float(np.nanmean([d["nucleus"] for d in dice])), 4),
            "dice_cytoplasm": round(float(np.nanmean([d["cytoplasm"] for d in dice])), 4),
            "megabytes": round(size / 1e6, 1),
        }
    return {"images": len(inputs), "side": card.input_size, "formats": table}


def export_formats(model: keras.Model, stem: Path) -> dict[str, Path]:
    """Export the model in all other formats and return the files."""
    stem.mkdir()
    files = {"LiteRT, float32": stem / "float.tflite"}
    model.export(str(files["LiteRT, float32"]), format="litert", verbose=False)
    files["LiteRT, float16 weights"] = stem / "half.tflite"
    model.export(str(stem / "saved"), format="tf_saved_model", verbose=False)
    converter = tf.lite.TFLiteConverter.from_saved_model(str(stem / "saved"))
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.target_spec.supported_types = [tf.float16]
    files["LiteRT, float16 weights"].write_bytes(converter.convert())
    files["ONNX Runtime, float32"] = stem / "float.onnx"
    model.export(str(files["ONNX Runtime, float32"]), format="onnx", verbose=False)
    return files


def build_tflite_runner(path: Path, input_size: int) -> Callable[[Any], Any]:
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(str(path), num_threads=1)
    input_index, output_index = (
        interpreter.get_input_details()[0]["index"],
        interpreter.get_output_details()[0]["index"],
    )
    interpreter.resize_tensor_input(input_index, (1, input_size, input_size, 3))
    interpreter.allocate_tensors()

    def run(image: Any) -> Any:
        interpreter.set_tensor(input_index, image)
        interpreter.invoke()
        return interpreter.get_tensor(output_index)

    return run


def build_onnx_runner(path: Path) -> Callable[[Any], Any]:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    name = session.get_inputs()[0].name
    return lambda image: session.run(None, {name: image})[0]


def measure_import_cost(module: str) -> dict[str, float]:
    """Return the processor seconds and megabytes that importing a runtime takes in a fresh process."""
    code = (
        "import numpy, time\n"
        "memory = lambda: int(open('/proc/self/statm').read().split()[1]) * 4096 / 1e6\n"
        "started, before = time.process_time(), memory()\n"
        f"import {module}\n"
        "print(time.process_time() - started, memory() - before)"
    )
    runs = [subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True) for _ in range(3)]
    values = [tuple(map(float, run.stdout.split()[-2:])) for run in runs]
    return {"seconds": round(median(v[0] for v in values), 2), "megabytes": round(median(v[1] for v in values))}


if __name__ == "__main__":
    main()
