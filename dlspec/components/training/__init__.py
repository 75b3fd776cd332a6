"""Activations, initializers, regularizers, constraints, losses, metrics, optimizers, schedules and callbacks."""
