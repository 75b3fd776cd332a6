"""Training: built models and data in, a run folder out."""
