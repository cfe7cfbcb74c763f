"""The tables: items, locations, and the ledger with its balances, entries and reservations.

Items and locations have integer surrogates, because they are in every row of the ledger. Callers'
ids are compared byte by byte, so that both databases sort them alike.
"""
