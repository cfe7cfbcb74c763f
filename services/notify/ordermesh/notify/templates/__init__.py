"""Words to a customer."""
