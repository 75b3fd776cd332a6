"""Variants of a spec, each with one thing less, derived from its graph and from what components say of themselves."""
