"""A spec from a model that was made elsewhere: its steps folded as a person would write them."""
