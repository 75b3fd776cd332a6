"""What a run tells people: figures and examples of a trained model, and the page that shows them."""
