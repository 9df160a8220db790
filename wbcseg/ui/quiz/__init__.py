"""The page Quiz."""
