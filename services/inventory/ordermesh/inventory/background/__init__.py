"""What goes on beside the calls."""
