"""Columns, splits and examples as `dlspec data` shows them."""
