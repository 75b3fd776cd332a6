"""A spec from a model that was made elsewhere: its file is read as data, and nothing of it runs."""
