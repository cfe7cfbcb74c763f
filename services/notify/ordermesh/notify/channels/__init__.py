"""Ways to a customer."""
