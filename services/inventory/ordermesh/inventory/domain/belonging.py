"""What belongs to whom: a caller in the role of a location speaks for its own locations alone."""

import enum
from collections.abc import Collection, Iterable

from ordermesh.inventory.domain.errors.belonging import NotYourLocation
from ordermesh.inventory.domain.errors.requests import TooMuchAsked
from ordermesh.inventory.domain.key import Actor
from ordermesh.inventory.domain.supply import Supply


class Side(enum.Enum):
    """Whose a supply is: where the goods come from, where they go, or either of both."""

    FROM = enum.auto()
    TO = enum.auto()
    EITHER = enum.auto()


def refuse_foreign(actor: Actor, location_ids: Iterable[str]) -> None:
    """Raise ``NotYourLocation`` with every location that is not the actor's own."""
    if actor.own_locations is None:
        return
    foreign = set(location_ids) - actor.own_locations
    if foreign:
        raise NotYourLocation(actor.caller, foreign)


def refuse_unnamed(actor: Actor, location_ids: Collection[str]) -> None:
    """As ``refuse_foreign``, for lists: a confined actor names locations of its own.

    Raises ``TooMuchAsked`` where it names none.
    """
    if actor.own_locations is not None and not location_ids:
        raise TooMuchAsked("Name locations of your own.", 1)
    refuse_foreign(actor, location_ids)


def refuse_foreign_supplies(actor: Actor, supplies: Iterable[Supply], side: Side) -> None:
    """Raise ``NotYourLocation`` for supplies of which the side is not the actor's own."""
    own = actor.own_locations
    if own is None:
        return
    foreign = set()
    for one in supplies:
        sides = {
            Side.FROM: (one.from_location_id,),
            Side.TO: (one.key.location_id,),
            Side.EITHER: (one.key.location_id, one.from_location_id),
        }[side]
        if own.isdisjoint(sides):
            foreign.add(sides[0])
    if foreign:
        raise NotYourLocation(actor.caller, foreign)
