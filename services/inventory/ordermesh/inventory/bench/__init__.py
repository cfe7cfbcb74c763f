"""The ledger's own benchmark: what it does in a second, against what its database can do at best.

Reference and product run in turn within one run, on one machine and one server of PostgreSQL, so
that their ratio means the same everywhere. After every case the books are checked.
"""
