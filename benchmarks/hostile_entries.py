"""Put edited models and run folders where the app looks for them: each must be marked, and nothing else may break.

    python -m benchmarks.hostile_entries --graphs 1000 --folders 200

*Graphs*: copies of a shipped model whose LiteRT graph is edited (inputs, shapes, types, quantisation, operators,
buffers) are loaded and run as a page does it, in a process that stands for the server. *Folders*: run folders with
edited files stand in one folder of runs, and every page is opened beside them, every run selected.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import multiprocessing
import os
import random
import shutil
import struct
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import numpy as np

ROOT: Final = Path(__file__).parents[1]
sys.path.append(str(ROOT / "tests"))

from ai_edge_litert import schema_py_generated as schema
from hostile import make_random_cases
from models import copy_of_shipped

from wbcseg.errors import WbcsegError
from wbcseg.inference import Catalog
from wbcseg.models.file_record import FileRecord
from wbcseg.training.runs.archive import zip_run
from wbcseg.training.runs.summary import list_summaries

BASES: Final = ("unet-16", "segnet-general", "unet-general")
PAGES: Final = ("home", "segment", "batch", "runs", "train")
FOLDERS_AT_ONCE: Final = 20
IMAGE: Final = np.random.default_rng(0).integers(60, 255, (70, 80, 3)).astype(np.uint8)


def edit_graph(data: bytes, chance: random.Random) -> bytes:
    """Return a well-formed LiteRT file with one or two edits of its graph."""
    import flatbuffers

    while True:
        graph = schema.ModelT.InitFromObj(schema.Model.GetRootAs(data, 0))
        for _ in range(chance.choice((1, 1, 2))):
            chance.choice(_EDITS)(graph, chance)
        builder = flatbuffers.Builder(len(data))
        try:
            builder.Finish(graph.Pack(builder), b"TFL3")
        except (TypeError, struct.error):
            # The format cannot hold such a value: another edit.
            continue
        return bytes(builder.Output())


def _edit_inputs(graph: Any, chance: random.Random) -> None:
    operator = chance.choice(graph.subgraphs[0].operators)
    inputs = np.array(operator.inputs, np.int32)
    count = len(graph.subgraphs[0].tensors)
    inputs[chance.randrange(len(inputs))] = chance.choice((-1, 0, chance.randrange(count), count, 1 << 30))
    operator.inputs = inputs


def _edit_outputs(graph: Any, chance: random.Random) -> None:
    operator = chance.choice(graph.subgraphs[0].operators)
    outputs = np.array(operator.outputs, np.int32)
    outputs[0] = chance.choice((-1, chance.randrange(len(graph.subgraphs[0].tensors))))
    operator.outputs = outputs


def _edit_shape(graph: Any, chance: random.Random) -> None:
    tensor = chance.choice(graph.subgraphs[0].tensors)
    shape = np.array(tensor.shape if tensor.shape is not None else [], np.int32)
    if len(shape):
        shape[chance.randrange(len(shape))] = chance.choice((0, -1, 1, 3, 1 << 20, int(shape.max()) * 2))
        tensor.shape = shape


def _edit_type(graph: Any, chance: random.Random) -> None:
    chance.choice(graph.subgraphs[0].tensors).type = chance.randrange(18)


def _edit_quantisation(graph: Any, chance: random.Random) -> None:
    quantisation = chance.choice(graph.subgraphs[0].tensors).quantization
    if quantisation is not None and quantisation.scale is not None and len(quantisation.scale):
        scale = np.array(quantisation.scale, np.float32)
        scale[0] = chance.choice((0.0, np.nan, np.inf, -1.0, 1e30))
        quantisation.scale = scale if chance.random() < 0.5 else scale[:1]


def _edit_operator(graph: Any, chance: random.Random) -> None:
    operator = chance.choice(graph.subgraphs[0].operators)
    operator.opcodeIndex = chance.randrange(len(graph.operatorCodes) + 1)


def _edit_code(graph: Any, chance: random.Random) -> None:
    code = chance.choice(graph.operatorCodes)
    code.builtinCode = code.deprecatedBuiltinCode = chance.randrange(120)


def _edit_buffer(graph: Any, chance: random.Random) -> None:
    buffer = chance.choice(graph.buffers)
    if buffer.data is not None and len(buffer.data):
        buffer.data = np.array(buffer.data, np.uint8)[: chance.randrange(len(buffer.data))]


def _remove_operator(graph: Any, chance: random.Random) -> None:
    graph.subgraphs[0].operators.pop(chance.randrange(len(graph.subgraphs[0].operators)))


def _edit_options(graph: Any, chance: random.Random) -> None:
    options = chance.choice(graph.subgraphs[0].operators).builtinOptions
    names = [name for name, value in vars(options).items() if isinstance(value, int)] if options is not None else []
    if names:
        name = chance.choice(names)
        old = getattr(options, name)
        setattr(options, name, not old if isinstance(old, bool) else chance.choice((0, 2, 7, 127)))


_EDITS: Final[tuple[Callable[[Any, random.Random], None], ...]] = (
    _edit_inputs,
    _edit_outputs,
    _edit_shape,
    _edit_type,
    _edit_quantisation,
    _edit_operator,
    _edit_code,
    _edit_buffer,
    _remove_operator,
    _edit_options,
)


def store_model(runs: Path, name: str, base: str, data: bytes) -> None:
    """Put a model into the folder of runs, with a matching checksum in its card."""
    folder = copy_of_shipped(runs, base, called=name)
    (folder / "model.tflite").write_bytes(data)
    card = json.loads((folder / "card.json").read_text(encoding="utf-8"))
    card["files"]["model"] = dataclasses.asdict(FileRecord.from_path(folder / "model.tflite"))
    (folder / "card.json").write_text(json.dumps(card), encoding="utf-8")


def use_models(runs: Path, names: list[str], results: Any) -> None:
    """Load and run models as a page does; in a process that stands for the server."""
    for name in names:
        try:
            Catalog(runs=runs).load(name).predict(IMAGE)
            results.put((name, "runs"))
        except WbcsegError as error:
            results.put((name, f"refused ({error.code})"))
        except Exception as error:
            results.put((name, f"MISTAKE {type(error).__name__}"))


def check_graphs(count: int) -> bool:
    """Try edited models. Return whether all went well."""
    outcomes: Counter[str] = Counter()
    context = multiprocessing.get_context("spawn")
    for start in range(0, count, 10):
        with tempfile.TemporaryDirectory() as folder:
            runs, names = Path(folder) / "runs", []
            for number in range(start, min(start + 10, count)):
                chance = random.Random(number)
                base = chance.choice(BASES)
                store_model(runs, f"edited-{number}", base, edit_graph(_read_model(base), chance))
                names.append(f"edited-{number}")
            results = context.Queue()
            server = context.Process(target=use_models, args=(runs, names, results))
            server.start()
            server.join()
            seen = {}
            while not results.empty() or len(seen) < len(names):
                try:
                    name, outcome = results.get(timeout=1.0)
                except Exception:
                    break
                seen[name] = outcome
            if server.exitcode != 0:
                print(f"the server ended with code {server.exitcode} after {len(seen)} of {names}", flush=True)
                outcomes["DEATH"] += 1
            outcomes.update(seen.values())
    print(f"{count} graphs: {dict(outcomes)}", flush=True)
    return not any(outcome.startswith(("DEATH", "MISTAKE")) for outcome in outcomes)


def _read_model(base: str) -> bytes:
    from wbcseg.paths import get_weights_folder

    return (get_weights_folder() / base / "model.tflite").read_bytes()


def open_pages(seed: int, count: int) -> None:
    """Open every page beside bad run folders; in a process of its own, which fails if one breaks."""
    from quick_app import APP, go_to
    from streamlit.testing.v1 import AppTest

    with tempfile.TemporaryDirectory() as folder:
        os.environ["WBCSEG_RUNS"] = folder
        list(make_random_cases(Path(folder), count, seed=seed))
        at = AppTest.from_file(str(APP), default_timeout=300).run()
        for page in PAGES:
            if page != "home":
                go_to(at, page)
                at.run()
            if at.exception:
                raise SystemExit(f"page {page} with seed {seed}: {at.exception[0].value}")
            if page == "runs":
                for summary in list_summaries():
                    at.session_state["selected_runs"] = [summary.name]
                    at.run()
                    if at.exception:
                        raise SystemExit(f"run {summary.name} with seed {seed}: {at.exception[0].value}")
        for summary in list_summaries():
            if summary.config is not None:
                zip_run(summary.run)


def check_folders(count: int) -> bool:
    """Open pages beside hostile run folders. Return whether all went well."""
    context = multiprocessing.get_context("spawn")
    failures = 0
    for seed in range(-(-count // FOLDERS_AT_ONCE)):
        process = context.Process(target=open_pages, args=(seed, min(FOLDERS_AT_ONCE, count - seed * FOLDERS_AT_ONCE)))
        process.start()
        process.join()
        failures += process.exitcode != 0
    print(f"{count} run folders: {failures} of {seed + 1} groups broke a page", flush=True)
    return not failures


def main() -> int:
    """Run the command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--graphs", type=int, default=1000, help="edited models (1000)")
    parser.add_argument("--folders", type=int, default=200, help="edited run folders (200)")
    options = parser.parse_args()
    cache, start = tempfile.mkdtemp(), time.monotonic()
    # Verdicts on models are kept there.
    os.environ["WBCSEG_CACHE"] = cache
    try:
        results = [
            check(count) for check, count in ((check_graphs, options.graphs), (check_folders, options.folders)) if count
        ]
    finally:
        shutil.rmtree(cache)
    print(f"{time.monotonic() - start:.0f} s")
    return 0 if all(results) else 1


if __name__ == "__main__":
    sys.exit(main())
