"""The page Architectures."""
