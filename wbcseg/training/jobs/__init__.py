"""Training processes: start, queue, stop and resume them."""
