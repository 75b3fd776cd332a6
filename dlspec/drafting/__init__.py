"""A first spec: from somebody's data, with a model that fits, or from a model that Keras saved."""
