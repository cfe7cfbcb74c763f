"""Purchase limits: how many units one line, one order or one customer may have.

What was bought is what open and shipped lines of reservations say: a line that was released, that
expired, or whose goods were not found gives the allowance back. What left beyond what was promised
is no line, and was bought too.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from ordermesh.inventory.domain.control import Control, ControlKind
from ordermesh.inventory.domain.errors.control import PurchaseLimit
from ordermesh.inventory.domain.kit import Wanted
from ordermesh.inventory.domain.reservation import Line, LineState, Reservation
from ordermesh.inventory.domain.selling import Terms
from ordermesh.kernel.errors import Facts

BOUGHT = frozenset({LineState.HELD, LineState.CONFIRMED, LineState.SHIPPED})
"""The states of lines that count as bought; a hold only until its time has passed."""


AskedFor = Wanted | Line
"""A line that is wanted or held."""


@dataclass(frozen=True)
class Buyer:
    """Who buys: an order, and a key of the caller's for the customer. Empty: nobody is named."""

    order_id: str = ""
    customer: str = ""
    channel: str = ""


@dataclass(frozen=True)
class Purchase:
    """Units of a SKU, or kits, that a reservation holds or has sold."""

    reservation_id: UUID
    buyer: Buyer
    sku: str
    units: int
    time: datetime


class Purchases:
    """What buyers have bought so far, while one after the other is decided about.

    ``beyond`` is what they were sent that was not promised to them: nobody can take it over.
    """

    def __init__(
        self,
        reservations: Iterable[Reservation],
        now: datetime,
        beyond: Iterable[Purchase] = (),
    ) -> None:
        self._now = now
        self._by_sku: dict[str, list[Purchase]] = {}
        self._beyond = tuple(beyond)
        for reservation in reservations:
            self.note(reservation)

    def note(self, made: Reservation) -> None:
        """Somebody bought something."""
        for one in purchases_of(made, self._now):
            self._by_sku.setdefault(one.sku, []).append(one)

    def renew(self, reservations: Sequence[Reservation]) -> None:
        """What these held was taken over by others: they are as given now."""
        if not reservations:
            return
        renewed = {one.reservation_id for one in reservations}
        for sku, rows in self._by_sku.items():
            self._by_sku[sku] = [row for row in rows if row.reservation_id not in renewed]
        for one in reservations:
            self.note(one)

    def already(
        self, control: Control, sku: str, buyer: Buyer, replaced: Sequence[Reservation]
    ) -> int:
        """Units that count against a limit; of what is ``replaced`` those that it has then.

        What has left of a reservation stays bought, whoever takes over the rest.
        """
        window = control.window
        since = None if window is None else self._now - window
        renewed = {one.reservation_id for one in replaced}
        known = (row for row in self._by_sku.get(sku, ()) if row.reservation_id not in renewed)
        left = (row for one in replaced for row in purchases_of(one, self._now) if row.sku == sku)
        beyond = (row for row in self._beyond if row.sku == sku)
        return sum(
            row.units
            for row in (*known, *left, *beyond)
            if _is_same(control.kind, row.buyer, buyer)
            and control.channel in ("", row.buyer.channel)
            and (since is None or row.time > since)
        )


def _is_same(kind: ControlKind, bought: Buyer, buyer: Buyer) -> bool:
    if kind is ControlKind.LIMIT_PER_ORDER:
        return bought.order_id == buyer.order_id != ""
    return kind is ControlKind.LIMIT_PER_CUSTOMER and bought.customer == buyer.customer != ""


def asked_units(lines: Iterable[AskedFor]) -> dict[tuple[str, str], int]:
    """Units by line id and the SKU that was asked for: kits, where a kit was asked for."""
    parts: dict[tuple[str, str], dict[tuple[str, int], int]] = {}
    for line in lines:
        part = (line.key.sku, max(1, line.quantity_per_kit))
        counts = parts.setdefault((line.line_id, line.kit_sku or line.key.sku), {})
        counts[part] = counts.get(part, 0) + line.quantity
    return {
        asked: max(-(-units // per_kit) for (_, per_kit), units in counts.items())
        for asked, counts in parts.items()
    }


def purchases_of(reservation: Reservation, now: datetime) -> list[Purchase]:
    """What a reservation holds or has sold, by SKU."""
    buyer = Buyer(reservation.order_id, reservation.customer, reservation.channel)
    lines = [
        line for line in reservation.lines if line.state in BOUGHT and not line.is_overdue(now)
    ]
    return [
        Purchase(reservation.reservation_id, buyer, sku, units, reservation.purchase_time)
        for (_, sku), units in asked_units(lines).items()
    ]


def sent_beyond(reservation: Reservation, units: Mapping[str, int]) -> list[Purchase]:
    """What left beyond what a reservation had promised, given the units of each item that did.

    Nothing but the item is written down. It counts as itself where the reservation has such a line,
    else as each kit that it is part of there.
    """
    buyer = Buyer(reservation.order_id, reservation.customer, reservation.channel)
    own = {line.key.sku for line in reservation.lines if not line.kit_sku}
    asked = {sku: count for sku, count in units.items() if sku in own}
    for line in reservation.lines:
        if line.key.sku in units and line.key.sku not in own:
            kits = -(-units[line.key.sku] // line.quantity_per_kit)
            asked[line.kit_sku] = max(kits, asked.get(line.kit_sku, 0))
    return [
        Purchase(reservation.reservation_id, buyer, sku, count, reservation.purchase_time)
        for sku, count in asked.items()
    ]


def refuse_over_limit(
    lines: Sequence[AskedFor],
    buyer: Buyer,
    terms: Terms,
    purchases: Purchases | None,
    replaced: Sequence[Reservation],
    now: datetime,
) -> None:
    """Raise ``PurchaseLimit`` with everything that is more than a line, order or buyer may have.

    An order or a customer that is not named is compared with what is wanted now alone. ``replaced``
    are reservations whose open lines are taken over, as they are without these.
    """
    if not terms.controls.limits_purchases:
        return
    over: list[Facts] = []
    totals: dict[str, int] = {}
    for (_, sku), units in (asked := asked_units(lines)).items():
        totals[sku] = totals.get(sku, 0) + units
    for sku, total in totals.items():
        largest = max(units for (_, other), units in asked.items() if other == sku)
        for kind, control in sorted(_limits(terms, sku, buyer.channel, now).items()):
            already = purchases.already(control, sku, buyer, replaced) if purchases else 0
            wanted = largest if kind is ControlKind.LIMIT_PER_LINE else total
            if already + wanted > control.value:
                over.append(_facts(sku, control, wanted, already))
    if over:
        raise PurchaseLimit(over)


def _limits(terms: Terms, sku: str, channel: str, now: datetime) -> Mapping[ControlKind, Control]:
    return terms.controls.product(sku, terms.tags.get(sku, ())).limits(channel, now)


def _facts(sku: str, control: Control, wanted: int, already: int) -> Facts:
    return {
        "sku": sku,
        "per": control.kind.name.removeprefix("LIMIT_PER_").lower(),
        "limit": control.value,
        "wanted": wanted,
        "already": already,
        "controlId": control.control_id,
    }
