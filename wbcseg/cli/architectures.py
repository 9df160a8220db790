"""List the networks with their parameters, multiply-adds and output shapes."""

from __future__ import annotations

import argparse
import json
from typing import Any

from wbcseg.errors import ConfigError
from wbcseg.models import ARCHITECTURES, BASE_FILTERS_RANGE, SIZE_MULTIPLE, ArchitectureSpec
from wbcseg.models.structure import evaluate_polynomial, write_package_structures


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's options."""
    smallest, largest = BASE_FILTERS_RANGE
    parser.add_argument(
        "--base-filters", type=int, default=64, help=f"filters of the first stage, {smallest} to {largest} (64)"
    )
    parser.add_argument(
        "--input-size", type=int, default=120, help=f"side of the image in pixels, a multiple of {SIZE_MULTIPLE} (120)"
    )
    parser.add_argument("--layers", action="store_true", help="list every layer, not just the totals")
    parser.add_argument("--json", action="store_true", help="print JSON, with every layer")
    parser.add_argument(
        "--update-package",
        action="store_true",
        help="build every network and store its structure in the package (after adding or changing one)",
    )


def run_command(options: argparse.Namespace) -> int:
    """Run the command."""
    smallest, largest = BASE_FILTERS_RANGE
    if not smallest <= options.base_filters <= largest:
        raise ConfigError(
            f"Option --base-filters must be from {smallest} to {largest}. Received: {options.base_filters}"
        )
    if options.update_package:
        update_package()
    summaries = [summarise_network(spec, options.base_filters, options.input_size) for spec in ARCHITECTURES.values()]
    if options.json:
        print(json.dumps(summaries, indent=1))
        return 0
    for summary in summaries:
        print(f"{summary['title']} ({summary['name']}), {summary['base_filters']} base filters")
        print(f"  {summary['parameters']:,} parameters, {summary['trainable_parameters']:,} of them trainable")
        print(
            f"  {summary['multiply_adds'] / 1e9:.3f} billion multiply-adds for "
            f"{options.input_size}×{options.input_size} pixels"
        )
        print(f"  output {tuple(summary['output_shape'])}")
        for layer in summary["layers"] if options.layers else ():
            print(
                f"    {layer['name']:32} {layer['kind']:24} {tuple(layer['shape'])!s:20} "
                f"{layer['parameters']:>12,} {layer['multiply_adds']:>16,}"
            )
    return 0


def summarise_network(spec: ArchitectureSpec, base_filters: int, input_size: int) -> dict[str, Any]:
    """Return a network's numbers and layers as JSON values.

    Raises:
        ConfigError: If the network does not take that input size.
    """
    if input_size < spec.size_multiple or input_size % spec.size_multiple:
        raise ConfigError(
            f"Option --input-size must be a multiple of {spec.size_multiple} for {spec.name}. Received: {input_size}"
        )
    network = spec.structure
    layers = [
        {
            "name": layer.name,
            "kind": layer.kind,
            "shape": [input_size // layer.downsampling] * 2 + [layer.count_filters(base_filters)],
            "parameters": evaluate_polynomial(layer.parameters, base_filters),
            "multiply_adds": network.count_layer_multiply_adds(layer, base_filters, input_size),
        }
        for layer in network.layers
    ]
    return {
        "name": spec.name,
        "title": spec.title,
        "base_filters": base_filters,
        "input_size": input_size,
        "parameters": network.count_parameters(base_filters),
        "trainable_parameters": network.count_trainable_parameters(base_filters),
        "multiply_adds": network.count_multiply_adds(base_filters, input_size),
        "output_shape": layers[-1]["shape"],
        "layers": layers,
    }


def update_package() -> None:
    """Build the package's networks and store their structures in ``wbcseg/models/networks.json``. Loads TensorFlow."""
    from wbcseg.training.tf_env import import_tensorflow

    import_tensorflow()
    from wbcseg.models.describe import describe_network

    names = [name for name, spec in ARCHITECTURES.items() if spec.is_in_package]
    write_package_structures({name: describe_network(name) for name in names})
