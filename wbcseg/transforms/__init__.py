"""Prepare images for networks: padding to a square, and augmentation."""
