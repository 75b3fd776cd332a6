"""A run on disk: its folder, lock, checkpoints, identity and `report.json`."""
