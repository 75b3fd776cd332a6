"""A process that has imported TensorFlow once and is copied for each command, so that commands start without it."""
