"""Why the routing service refuses: one class for each published reason that it raises itself.

Where several rows are wrong, all of them are named, not only the first.
"""
