"""The data sets that have a name, one module each, which registers them (:func:`wbcseg.datasets.register_dataset`)."""
