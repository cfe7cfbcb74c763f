"""Returns in SQL."""
