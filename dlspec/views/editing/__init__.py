"""Everything that an editor shows of a spec while it is written: figures, names, completions; it knows no protocol."""
