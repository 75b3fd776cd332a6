"""Valid data → structured program (blocks and repeats kept) → flat, frozen graph."""
