"""The ways of training: what all of dlspec asks of one, and those that there are, a file each."""
