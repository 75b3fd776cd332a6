"""A first spec from somebody's table: what its columns are, what to predict, and a model that fits."""
