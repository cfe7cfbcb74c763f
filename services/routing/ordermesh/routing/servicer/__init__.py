"""The services of the contract: each method translates and calls."""
