"""dlspec: one schema-validated YAML spec becomes a checked, trained and reported Keras 3 model."""

__version__ = "0.1.0"
