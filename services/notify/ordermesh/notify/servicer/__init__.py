"""The services as callers see them."""
