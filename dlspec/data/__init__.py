"""Data section to arrays, a source per file."""
