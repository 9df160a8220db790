"""Visitors of the app: when a visit ends, and how much each may upload."""
