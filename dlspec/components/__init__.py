"""Everything that can be written in a spec, each declared once."""
