"""What the service does: each operation loads, lets the domain decide, and writes."""
