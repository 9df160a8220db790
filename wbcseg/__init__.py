"""Segmentation of white blood cells in blood-smear pictures.

The package is a house of floors, each of which uses only those below it::

    8  cli, ui                                faces
    7  analysis                               findings
    6  evaluation, export                     results
    5  prediction, measurement, drawing, trust reading a picture
    4  training                               learning
    3  architectures, cards                   networks
    2  datasets, preparation, metrics, thesis data
    1  classes, images, errors, files         ground

Importing :mod:`wbcseg` is cheap: neither TensorFlow nor Streamlit is loaded.
"""

__version__ = "0.1.0"
