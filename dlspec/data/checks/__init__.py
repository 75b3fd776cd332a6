"""What is wrong with bound data before anything is trained."""
