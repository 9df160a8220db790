"""What methods without a deep network are made of: features of pixels, and classifiers stored as arrays."""
