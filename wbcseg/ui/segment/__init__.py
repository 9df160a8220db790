"""The page Segment."""
