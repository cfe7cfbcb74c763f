"""The notify service: the timeline of every order, in words for the customer."""
