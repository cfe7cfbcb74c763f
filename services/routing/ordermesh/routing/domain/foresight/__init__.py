"""What orders will come: levels of demand from the orders that came, and drawn futures."""
