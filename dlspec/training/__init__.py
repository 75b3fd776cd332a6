"""Built models and data in, a run folder out; answers of the models that it holds."""
