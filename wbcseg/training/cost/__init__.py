"""Estimate how long a training takes and how much memory it needs."""
