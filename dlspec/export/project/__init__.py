"""A whole spec → a small project of plain Python that trains the same model on the same batches."""
