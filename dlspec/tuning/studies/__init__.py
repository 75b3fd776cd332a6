"""Studies: a training repeated in several ways, each in a run folder of its own."""
