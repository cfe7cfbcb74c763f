"""Mutants that no test can tell from the program, by name, each with the reason."""

from collections.abc import Mapping

REASONS: Mapping[str, str] = {}
