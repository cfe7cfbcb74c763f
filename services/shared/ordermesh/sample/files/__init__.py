"""A retailer in four CSV files: items, network, stock and orders, each with documented columns."""
