"""The images that a user uploads: one drop area and one list of files for Home, Segment and Batch."""
