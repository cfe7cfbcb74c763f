"""The tables of the inventory service and the statements on them, the same for both databases."""
