"""The ways in which orders are decided."""

from enum import StrEnum


class SourcingMethod(StrEnum):
    """How a plan is found."""

    EXACT = "EXACT"
    NEAREST_SINGLE = "NEAREST_SINGLE"
    FEWEST_SPLITS = "FEWEST_SPLITS"
    FIXED_PRIORITY_LIST = "FIXED_PRIORITY_LIST"
    TOGETHER = "TOGETHER"
