"""Solvers of the sourcing problem: a problem in, a plan with its certificate out."""
