"""The way to the other services."""
