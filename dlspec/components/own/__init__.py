"""Components that a spec brings along in Python files of its own: read as text, run only where that is allowed."""
