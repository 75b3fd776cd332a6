"""The program of a spec, its flat graph, and the counts that follow from it."""
