"""What a plan can be judged by: kinds of cost, counts, and tiers of weighted sums of both."""

from dataclasses import dataclass
from enum import StrEnum

THOUSANDTHS = 1_000
"""A weight of one."""


class Term(StrEnum):
    """One thing to be little of.

    Money terms are in 1e-4 of the currency, ``COST`` is all of them together. ``LATE_ATOMS`` arrive
    after the promise, ``ATOM_DAYS`` sum up the days of all until they arrive,
    ``CARBON_MICROGRAMS`` are emissions whatever they cost. ``UNITS_BY_RANK`` wants as many units as
    possible from the first location, then the next, and so on; it is a tier by itself.
    ``BACKORDERED_UNITS`` are still to come.
    """

    COST = "COST"
    FREIGHT = "FREIGHT"
    PICK = "PICK"
    LABOR = "LABOR"
    HANDLING = "HANDLING"
    SPLIT = "SPLIT"
    CARBON = "CARBON"
    TRANSIT = "TRANSIT"
    LATE = "LATE"
    PREFERENCE = "PREFERENCE"
    MARKDOWN = "MARKDOWN"
    REJECT_RISK = "REJECT_RISK"
    STOCK_OUT = "STOCK_OUT"
    STOCK_PRICE = "STOCK_PRICE"
    LABOR_PRICE = "LABOR_PRICE"
    UNFILLED = "UNFILLED"
    UNFILLED_UNITS = "UNFILLED_UNITS"
    SHIPMENTS = "SHIPMENTS"
    PARCELS = "PARCELS"
    LATE_ATOMS = "LATE_ATOMS"
    ATOM_DAYS = "ATOM_DAYS"
    CARBON_MICROGRAMS = "CARBON_MICROGRAMS"
    UNITS_BY_RANK = "UNITS_BY_RANK"
    BACKORDERED_UNITS = "BACKORDERED_UNITS"


MONEY_TERMS: tuple[Term, ...] = (
    Term.FREIGHT,
    Term.PICK,
    Term.LABOR,
    Term.HANDLING,
    Term.SPLIT,
    Term.CARBON,
    Term.TRANSIT,
    Term.LATE,
    Term.PREFERENCE,
    Term.MARKDOWN,
    Term.REJECT_RISK,
    Term.STOCK_OUT,
    Term.STOCK_PRICE,
    Term.LABOR_PRICE,
    Term.UNFILLED,
)
"""What ``COST`` is the sum of."""


@dataclass(frozen=True, slots=True)
class Weighted:
    """A term and its weight in thousandths, which is not negative; 0 disables it."""

    term: Term
    thousandths: int = THOUSANDTHS


@dataclass(frozen=True, slots=True)
class Tier:
    """A weighted sum that is minimised before all later tiers. Raises ``ValueError``.

    ``name`` is for people.
    """

    name: str
    terms: tuple[Weighted, ...]

    def __post_init__(self) -> None:
        names = [weighted.term for weighted in self.terms]
        if not names or len(set(names)) != len(names):
            raise ValueError("a tier has terms, each once")
        if any(weighted.thousandths < 0 for weighted in self.terms):
            raise ValueError("weights are not negative")
        if Term.UNITS_BY_RANK in names and len(names) > 1:
            raise ValueError("units by rank are a tier by themselves")
        if Term.COST in names and set(names) & set(MONEY_TERMS):
            raise ValueError("a cost counts once")


PLAIN = (Tier("cost", (Weighted(Term.COST),)),)
"""The least cost, and nothing else."""

IN_HAND_FIRST = (
    Tier("filled", (Weighted(Term.UNFILLED_UNITS),)),
    Tier("in hand", (Weighted(Term.BACKORDERED_UNITS),)),
)
"""Before all tiers of a policy that says nothing of goods that are still to come."""


def in_hand_first(tiers: tuple[Tier, ...]) -> tuple[Tier, ...]:
    """The tiers for a choice between what is in hand and what is still to come."""
    says = any(one.term is Term.BACKORDERED_UNITS for tier in tiers for one in tier.terms)
    return tiers if says else (*IN_HAND_FIRST, *tiers)
