"""What a search varies, and what is known of it before it starts."""
