"""A training run: a folder with its config, progress, checkpoints and results."""
