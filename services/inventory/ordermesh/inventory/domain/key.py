"""Stock keys and actors: the two words that every part of the domain uses."""

from dataclasses import field
from typing import NamedTuple

from ordermesh.kernel.records import record


class StockKey(NamedTuple):
    """What and where: the key of one balance."""

    sku: str
    location_id: str

    def __str__(self) -> str:
        return f"{self.sku} at {self.location_id}"


@record
class Actor:
    """Who is answerable for a change.

    ``is_service`` says that the caller is a service of the mesh, which acts for others: what it
    makes belongs to the one it acts for. ``own_locations`` are those it speaks for; None: any.
    """

    caller: str
    on_behalf_of: str = ""
    is_service: bool = False
    own_locations: frozenset[str] | None = field(default=None, compare=False)

    @property
    def owner(self) -> str:
        """To whom a reservation belongs that this actor makes."""
        return self.on_behalf_of if self.is_service and self.on_behalf_of else self.caller

    def may_change(self, owner: str) -> bool:
        """Whether this actor may change a reservation of ``owner``.

        A service of the mesh that names nobody acts for the owner, whoever that is; one that names
        somebody acts for that one alone.
        """
        return self.owner == owner or (self.is_service and not self.on_behalf_of)
