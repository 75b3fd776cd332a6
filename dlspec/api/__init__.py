"""The Python interface: specs, runs and searches as objects, for notebooks and programs."""
