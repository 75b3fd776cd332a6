"""Where data come from, a source per file."""
