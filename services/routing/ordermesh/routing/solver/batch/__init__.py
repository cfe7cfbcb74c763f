"""The joint optimisation of a batch of orders, with a bound that every plan is proven against."""
