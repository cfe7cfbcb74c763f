"""The returns service: what of every order has left, and so could come back."""
