"""A text held against what is declared: files that extend others, names in scope, options to components."""
