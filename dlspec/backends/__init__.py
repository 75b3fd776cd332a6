"""Frameworks that build and run a model, one folder each."""
