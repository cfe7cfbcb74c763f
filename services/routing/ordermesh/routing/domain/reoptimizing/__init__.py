"""Orders that have their stock, decided again together while nobody has begun their work."""
