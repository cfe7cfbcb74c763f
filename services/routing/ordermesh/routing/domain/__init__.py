"""What sourcing decides and what it costs, as pure values and functions."""
