"""A graph to `keras.Model`; seeds, structure, the weights in a `.keras` file."""
