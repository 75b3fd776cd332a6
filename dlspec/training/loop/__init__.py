"""The loop over epochs and steps, on one device or several."""
