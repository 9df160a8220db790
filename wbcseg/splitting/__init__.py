"""Split a data set into training and test images, without leakage."""
