"""Measure how fast training and prediction are, beside plain Keras."""
