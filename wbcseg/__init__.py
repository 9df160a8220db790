"""Segmentation of white blood cells in blood-smear images.

Each layer of the package imports only from those below it::

    cli, ui
    evaluation, benchmarking
    pipeline, export
    results
    inference, features, quality, visualization
    training
    models
    splitting
    datasets, transforms, metrics
    io
    errors, labels, paths

Importing :mod:`wbcseg` is cheap: neither TensorFlow nor Streamlit is loaded.
"""

__version__ = "0.2.0"
