"""Train the cell detector: compose fields with exact truth, train its two networks, export them.

The detector itself is :mod:`wbcseg.inference.detection`; it is tested by :mod:`wbcseg.evaluation.fields`.
"""
