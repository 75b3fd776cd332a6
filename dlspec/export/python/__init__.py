"""A checked spec → plain Python that needs nothing of dlspec."""
