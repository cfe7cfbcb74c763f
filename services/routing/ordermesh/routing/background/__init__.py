"""Processes beside the server, which do what would hold up its calls."""
