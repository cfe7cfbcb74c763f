"""Between the contracts' messages and the words of the domain."""
