"""What happened to orders, and how it is told."""
