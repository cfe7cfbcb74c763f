"""The tables: the network, copies of inventory's nouns, policies, orders, decisions and work.

Callers' ids are compared byte by byte, so that both databases sort them alike. Amounts are in 1e-4
of the currency beside them, places in millionths of a degree.
"""
