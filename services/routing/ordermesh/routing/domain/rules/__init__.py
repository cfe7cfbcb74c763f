"""Rules: typed conditions over facts, each with one effect."""
