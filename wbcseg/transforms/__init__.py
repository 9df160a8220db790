"""From samples to what a network learns from: selection, padding, twins, augmentation, splits."""
