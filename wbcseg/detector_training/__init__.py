"""Train the cell detector: compose fields with exact truth, train its two networks, export them.

The detector itself is :mod:`wbcseg.inference.detection`; its tests are :mod:`wbcseg.evaluation.fields`.
"""
