"""Search: Keras Tuner's oracles propose, the loop around them is ours: durable, resumable, honest about failures."""
