"""The Vega-Lite specification of charts with curves."""
