"""The changes: each one transaction that loads, decides by the domain, and writes."""
