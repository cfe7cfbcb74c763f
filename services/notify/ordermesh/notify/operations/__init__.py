"""What changes something: each in one transaction."""
