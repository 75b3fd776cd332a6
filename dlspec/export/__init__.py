"""Everything that leaves dlspec: Python, projects, model files."""
