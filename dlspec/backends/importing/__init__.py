"""A saved model → steps of a spec: its file is read as data, and nothing of it runs."""
