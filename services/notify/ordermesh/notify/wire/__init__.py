"""Messages to the domain, and back."""
