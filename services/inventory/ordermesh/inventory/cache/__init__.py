"""The copy that is kept in Redis for many readers. It decides nothing and can be lost."""
