"""Which column feeds which input and target, and how their values are read."""
