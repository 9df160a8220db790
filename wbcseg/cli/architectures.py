"""List the networks: parameters, multiply-adds, output shapes. Loads TensorFlow."""

from __future__ import annotations

import argparse
import json

from wbcseg.errors import ConfigError
from wbcseg.models import ARCHITECTURES, BASE_FILTERS_RANGE, SIZE_MULTIPLE
from wbcseg.training.tf_env import import_tensorflow


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's options."""
    parser.add_argument(
        "--base-filters",
        type=int,
        default=64,
        help=f"filters of the first stage, {BASE_FILTERS_RANGE[0]} to {BASE_FILTERS_RANGE[1]} (64)",
    )
    parser.add_argument(
        "--input-size", type=int, default=120, help=f"side of the picture, a multiple of {SIZE_MULTIPLE} (120)"
    )
    parser.add_argument("--layers", action="store_true", help="every layer, not just the totals")
    parser.add_argument("--json", action="store_true", help="as JSON, with every layer")


def run_command(options: argparse.Namespace) -> int:
    """Carry out the command."""
    if options.input_size < SIZE_MULTIPLE or options.input_size % SIZE_MULTIPLE:
        raise ConfigError(f"Option --input-size must be a multiple of {SIZE_MULTIPLE}. Received: {options.input_size}")
    import_tensorflow()
    from wbcseg.models.profile import summarise_network

    summaries = [
        summarise_network(name, base_filters=options.base_filters, input_size=options.input_size)
        for name in ARCHITECTURES
    ]
    if options.json:
        print(json.dumps([summary.to_dict() for summary in summaries], indent=1))
        return 0
    for s in summaries:
        print(f"{ARCHITECTURES[s.name].title} ({s.name}), width {s.base_filters}")
        print(f"  {s.parameters:,} parameters, {s.trainable_parameters:,} of them trainable")
        print(f"  {s.multiply_adds / 1e9:.3f} billion multiply-adds for {s.input_size}×{s.input_size} pixels")
        print(f"  output {s.output_shape}")
        for layer in s.layers if options.layers else ():
            print(
                f"    {layer.name:32} {layer.kind:24} {layer.shape!s:20} "
                f"{layer.parameters:>12,} {layer.multiply_adds:>16,}"
            )
    return 0
