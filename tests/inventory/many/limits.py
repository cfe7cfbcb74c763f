"""Purchase limits: nobody has more than the controls allowed under which it was decided."""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from ordermesh.inventory.domain.control import ControlKind
from tests.inventory.many.promises import BOUGHT

NO_LIMIT = 1_000_000_000


@dataclass
class History:
    """The values that controls ever had, by their ids, in the order of versions; None: deleted."""

    values: dict[str, list[tuple[int, int | None]]]

    @classmethod
    def read(cls, rows: Iterable[Any]) -> "History":
        """From the changes of controls."""
        values: dict[str, list[tuple[int, int | None]]] = defaultdict(list)
        for row in sorted(rows, key=lambda one: one.version):
            value = None if row.content is None else row.content["value"]
            values[row.control_id].append((row.version, value))
        return cls(values)

    def at(self, control_id: str, version: int) -> int | None:
        """What a control said under a version; None: there was none."""
        said = self.values.get(control_id, [])
        place = bisect_right(said, version, key=lambda one: one[0])
        return said[place - 1][1] if place else None

    def most(self, control_id: str) -> int:
        """The highest value since the control was last deleted."""
        highest = 0
        for _, value in self.values.get(control_id, ()):
            highest = 0 if value is None else max(highest, value)
        return highest


@dataclass(frozen=True)
class Purchases:
    """Lines of one item by reservation, and the headers of these reservations.

    Reservations that were reserved again are left out: they were decided on twice.
    """

    sku: str
    lines: dict[UUID, list[Any]]
    headers: Sequence[Any]

    def check(self, history: History) -> int:
        """No line, order or customer has more than was allowed; gives how many were limited."""
        limited = 0
        for header in self.headers:
            limit = history.at(f"limit_per_line {self.sku}", header.control_version)
            if limit is not None:
                limited += 1
                largest = max(self._by_line(header.reservation_id).values(), default=0)
                assert largest <= limit, f"{header}: a line of {largest}, {limit} are allowed"
        for kind in (ControlKind.LIMIT_PER_ORDER, ControlKind.LIMIT_PER_CUSTOMER):
            limited += self._check_buyers(history, kind)
        return limited

    def _by_line(self, reservation_id: UUID) -> dict[str, int]:
        sums: dict[str, int] = defaultdict(int)
        for line in self.lines[reservation_id]:
            sums[line.line_id] += line.quantity
        return sums

    def _bought(self, reservation_id: UUID) -> int:
        return sum(line.quantity for line in self.lines[reservation_id] if line.state in BOUGHT)

    def _check_buyers(self, history: History, kind: ControlKind) -> int:
        """When somebody bought last, all that they had then was not more than was allowed.

        What has been given back since only makes it less, so what they still have of it is not.
        """
        name = "order_id" if kind is ControlKind.LIMIT_PER_ORDER else "customer"
        buyers: dict[str, list[Any]] = defaultdict(list)
        for header in self.headers:
            if getattr(header, name):
                buyers[getattr(header, name)].append(header)
        limited = 0
        for buyer, headers in buyers.items():
            total = 0
            headers.sort(key=lambda one: one.create_time)
            for place, header in enumerate(headers):
                total += self._bought(header.reservation_id)
                is_last = place + 1 == len(headers)
                if not is_last and headers[place + 1].create_time == header.create_time:
                    continue  # decided together, nobody knows in which order
                limit = history.at(f"{kind.name.lower()} {self.sku}", header.control_version)
                limited += limit is not None
                assert total <= (NO_LIMIT if limit is None else limit), f"{buyer}: {total}, {limit}"
        return limited
