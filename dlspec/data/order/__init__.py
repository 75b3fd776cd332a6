"""Which examples belong to which split, and in which order they come."""
