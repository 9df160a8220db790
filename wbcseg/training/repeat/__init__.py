"""A training to repeat elsewhere: as a command for a terminal, or as a notebook."""
