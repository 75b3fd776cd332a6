"""A table becomes examples."""
