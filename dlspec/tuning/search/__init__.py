"""The search: its record, folder, page."""
