"""YAML and `$…` to data that know where they stand, and back to text; they know no meaning."""
