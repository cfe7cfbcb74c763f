"""The reads: each one consistent snapshot, with the revision read first in it."""
