"""The routing service: orders, how they are sourced, and the work that locations have for them."""
