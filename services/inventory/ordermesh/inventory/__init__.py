"""The inventory service: items, locations, and the ledger that explains every unit."""
