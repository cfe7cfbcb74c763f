"""Checks the proof of an audit: what was shipped, what it could have cost, what nobody can beat.

A file of its own: it needs Python 3.11 and nothing else, and shares no line with what made the
proof. ``python audited.py proof.json [shipments.csv]`` prints what was checked, or what is wrong
and ends with 1; with the shipments it also looks whether the proof speaks of them. Money is a whole
number of 1e-4 of the currency, divisions are rounded half to even.

The bound: for prices that are not negative, no plan costs less than the sum, order by order, of the
least that any plan of the order costs with what it pays for its units, less what all units there
are would pay. Plans of an order are all ways to send each of its atoms from one building.
"""

import argparse
import csv
import hashlib
import json
import sys
from datetime import date
from pathlib import Path
from typing import Any

FORM, BATCH_FORM = "ordermesh.audit/1", "ordermesh.batch/1"
KINDS = {"same units", "free"}
NEVER = 1 << 62

Record = dict[str, Any]


class Refused(Exception):
    """Something about the proof is not true."""


def require(holds: bool, what: str, *facts: object) -> None:
    """Raise ``Refused`` unless it holds."""
    if not holds:
        raise Refused(": ".join([what, " / ".join(map(str, facts))]))


def equal(what: str, claimed: object, true: object) -> None:
    """Raise ``Refused`` unless both are the same."""
    require(claimed == true, what, f"claimed {claimed}, is {true}")


def whole(value: object, least: int = 0) -> int:
    """A whole number of at least so much; raises ``Refused`` for anything else."""
    if type(value) is not int or value < least:
        raise Refused(f"no whole number from {least}: {value!r}")
    return value


def column(values: Any, length: int, least: int = 0) -> list[int]:
    """So many whole numbers."""
    require(isinstance(values, list) and len(values) == length, "a column has another length")
    return [whole(value, least) for value in values]


def digest(value: Any) -> str:
    """SHA-256 of a value as JSON with sorted keys, without spaces."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(text.encode()).hexdigest()


def rounded(numerator: int, denominator: int) -> int:
    """The quotient, halves to the even number."""
    quotient, rest = divmod(numerator, denominator)
    up = 2 * rest > denominator or (2 * rest == denominator and quotient % 2 == 1)
    return quotient + up


def check(record: Record) -> dict[str, dict[str, int]]:
    """Check everything that the proof claims; gives the totals. Raises ``Refused``."""
    equal("form", record.get("form"), FORM)
    equal("seal", record.get("seal"), digest({k: v for k, v in record.items() if k != "seal"}))
    totals: dict[str, dict[str, int]] = {}
    periods = set()
    for case in record["cases"]:
        kind = case["kind"]
        require(kind in KINDS, "no such kind", kind)
        require((kind, case["period"]) not in periods, "a period is there twice", case["period"])
        periods.add((kind, case["period"]))
        actual, cost, bound = Case(case).check(until_promise=record["until_promise"] is True)
        total = totals.setdefault(kind, dict.fromkeys(("actual", "plan", "bound"), 0))
        total["actual"] += actual
        total["plan"] += cost
        total["bound"] += bound
    require("same units" in totals, "nothing was audited")
    for total in totals.values():
        total["saved"] = total["actual"] - total["plan"]
        total["most"] = total["actual"] - total["bound"]
    equal("totals", record["totals"], totals)
    return totals


class Case:
    """One batch with what happened and what is claimed of it."""

    def __init__(self, case: Record) -> None:
        batch = case["batch"]
        equal("form of a batch", batch.get("form"), BATCH_FORM)
        self.case, self.costs, self.kind = case, batch["costs"], case["kind"]
        self._check_costs()
        places, items = batch["locations"], batch["items"]
        self.places = len(places["ids"])
        self.fee = column(places["pick_fee"], self.places)
        self.labor = column(places["labor_per_unit"], self.places)
        self.handling = column(places["handling_days"], self.places)
        self.limit = column(places["capacity"], self.places, -1)
        self.grams = column(items["grams"], len(items["skus"]))
        orders, atoms = batch["orders"], batch["atoms"]
        self.names = orders["ids"]
        require(len(set(self.names)) == len(self.names), "an order is there twice")
        require(len(set(items["skus"])) == len(items["skus"]), "an item is there twice")
        require(len(set(places["ids"])) == self.places, "a building is there twice")
        self.goal = column(orders["destination"], len(self.names))
        self.first = column(orders["first_atom"], len(self.names) + 1)
        count = len(atoms["item"])
        self.item, self.units = column(atoms["item"], count), column(atoms["units"], count, 1)
        self.days = column(atoms["days_max"], count)
        self.penalty = column(atoms["penalty"], count)
        column(case["lines"], count, 2)
        require(self.first[0] == 0 and self.first[-1] == count, "atoms of no order")
        rising = all(a < b for a, b in zip(self.first, self.first[1:], strict=False))
        require(rising, "an order of nothing")
        self._read_stock(batch["stock"])
        self.km = [column(row, self.places) for row in batch["distance_km"]]
        self.edges, self.steps = self._brackets(batch)

    def _check_costs(self) -> None:
        """Only freight is part of an audit, and what a building charges for a parcel."""
        costs, zones = self.costs, self.costs["zones"]
        for name in ("split_charge", "transit_day", "late_day"):
            equal(name, costs[name], 0)
        carbon = {key: value for key, value in costs["carbon"].items() if key != "factor_version"}
        require(not any(carbon.values()), "carbon is charged")
        far = [zone["distance_km_max"] for zone in zones]
        edges = [whole(edge) for edge in far if edge is not None]
        require(edges == sorted(set(edges)) and None not in far[:-1], "zones do not rise")
        for zone in zones:
            for name in ("freight_per_parcel", "freight_per_kg", "transit_days"):
                whole(zone[name])

    def _read_stock(self, stock: Record) -> None:
        count = len(stock["item"])
        items, places = column(stock["item"], count), column(stock["location"], count)
        self.held, credit = column(stock["units"], count, 1), column(stock["credit"], count)
        require(not any(credit), "stock has a credit")
        self.row = {key: place for place, key in enumerate(zip(items, places, strict=True))}
        require(len(self.row) == count, "stock is there twice")
        self.holders: dict[int, list[int]] = {}
        for item, place in self.row:
            self.holders.setdefault(item, []).append(place)

    def _brackets(self, batch: Record) -> tuple[list[int], list[list[int]]]:
        found, zones = batch.get("brackets"), len(self.costs["zones"])
        if found is None:
            return [], []
        edges = [whole(edge, 1) for edge in found["up_to_grams"]]
        require(edges == sorted(set(edges)), "brackets do not rise")
        equal("zones of brackets", len(found["price"]), zones)
        price = [column(row, len(edges)) for row in found["price"]]
        require(all(row == sorted(row) for row in price), "a heavier parcel is cheaper")
        return edges, price

    def check(self, *, until_promise: bool) -> tuple[int, int, int]:
        """What happened, what would have cost less, and the bound, each recomputed."""
        actual, plan = self.case["actual"], self.case["plan"]
        used = self._checked_cost(actual, "what happened")
        for order in range(len(self.names)):
            for atom in range(self.first[order], self.first[order + 1]):
                days = self.arrives(order, actual["location"][atom])
                later = "served later than it was"
                require(days == self.days[atom] or until_promise, later, self.names[order])
        taken = self._checked_cost(plan, "the plan")
        if self.kind == "same units":
            equal("units that left each building", used, dict(enumerate(self.held)))
            equal("units that leave each building", taken, used)
        else:
            equal("units of the labor", self.limit, self._labor(actual["location"]))
        require(plan["cost"] <= actual["cost"], "the plan is dearer than what happened")
        prices = [0] * (len(self.held) + self.places)
        for name, price in plan["prices"].items():
            require(name.isdecimal() and int(name) < len(prices), "a price of nothing", name)
            prices[int(name)] = whole(price)
        there = [*self.held, *self.limit]
        unlimited = [place for place, units in enumerate(there) if units < 0 and prices[place]]
        equal("prices of labor without limit", unlimited, [])
        paid = sum(price * units for price, units in zip(prices, there, strict=True) if price)
        proven = sum(self.least(order, prices) for order in range(len(self.names))) - paid
        bound = whole(plan["bound"], -NEVER)
        require(bound <= proven, "the prices prove less", f"{proven}, not {bound}")
        return actual["cost"], plan["cost"], bound

    def _labor(self, location: list[int]) -> list[int]:
        found = [0] * self.places
        for units, place in zip(self.units, location, strict=True):
            found[place] += units
        return found

    def _checked_cost(self, plan: Record, what: str) -> dict[int, int]:
        """Recompute the cost of a plan that sends everything; gives the units by row of stock."""
        location = column(plan["location"], len(self.item))
        require(max(location) < self.places, "no such building", what)
        used: dict[int, int] = {}
        labor = self._labor(location)
        for atom, place in enumerate(location):
            row = self.row.get((self.item[atom], place))
            if row is None:
                raise Refused(f"{what}: nothing of it was in that building: atom {atom}")
            used[row] = used.get(row, 0) + self.units[atom]
        require(all(n <= self.held[row] for row, n in used.items()), "more than there was", what)
        within = all(most < 0 or n <= most for n, most in zip(labor, self.limit, strict=True))
        require(within, "more than a building sends", what)
        total = 0
        for order in range(len(self.names)):
            parcels: dict[int, list[int]] = {}
            for atom in range(self.first[order], self.first[order + 1]):
                parcels.setdefault(location[atom], []).append(atom)
            for place, atoms in parcels.items():
                total += self.parcel(order, place, atoms)
        require(total < NEVER, "goes where nobody delivers, too late or too heavy", what)
        equal(f"cost of {what}", plan["cost"], total)
        return dict(sorted(used.items()))

    def zone(self, order: int, place: int) -> int | None:
        """The zone from a building to an order."""
        km = self.km[self.goal[order]][place]
        for number, zone in enumerate(self.costs["zones"]):
            if zone["distance_km_max"] is None or km <= zone["distance_km_max"]:
                return number
        return None

    def parcel(self, order: int, place: int, atoms: list[int]) -> int:
        """What one parcel costs; ``NEVER`` where it cannot be."""
        zone = self.zone(order, place)
        if zone is None:
            return NEVER
        total = self.base(zone, place, sum(self.weight(atom) for atom in atoms))
        return total + sum(self.atom(zone, place, atom) for atom in atoms)

    def arrives(self, order: int, place: int) -> int:
        """Days from a building to an order."""
        zone = self.zone(order, place)
        if zone is None:
            raise Refused(f"nobody delivers: {self.names[order]}")
        return int(self.costs["zones"][zone]["transit_days"]) + self.handling[place]

    def weight(self, atom: int) -> int:
        """Grams of an atom."""
        return self.grams[self.item[atom]] * self.units[atom]

    def base(self, zone: int, place: int, grams: int) -> int:
        """What a parcel of this weight costs but for what each atom adds."""
        total = int(self.costs["zones"][zone]["freight_per_parcel"]) + self.fee[place]
        if not self.edges:
            return total
        for edge, step in zip(self.edges, self.steps[zone], strict=True):
            if grams <= edge:
                return total + step
        return NEVER

    def atom(self, zone: int, place: int, atom: int) -> int:
        """What an atom adds; ``NEVER`` where it would be later than it was or was promised."""
        rates = self.costs["zones"][zone]
        if rates["transit_days"] + self.handling[place] > self.days[atom]:
            return NEVER
        by_weight = rounded(self.weight(atom) * rates["freight_per_kg"], 1_000)
        return by_weight + self.labor[place] * self.units[atom]

    def twins(self, atoms: list[int], bit: int) -> int:
        """The earlier atoms of the same item, as a set."""
        item = self.item[atoms[bit]]
        return sum(1 << other for other in range(bit) if self.item[atoms[other]] == item)

    def members(self, atoms: list[int], members: int) -> int:
        """The units of a set of atoms."""
        return sum(self.units[atom] for bit, atom in enumerate(atoms) if members >> bit & 1)

    def least(self, order: int, prices: list[int]) -> int:
        """The least that any plan of an order pays; what it could leave costs its penalty."""
        atoms = list(range(self.first[order], self.first[order + 1]))
        size = 1 << len(atoms)
        cheapest: dict[int, int] = {}
        for place in sorted({p for atom in atoms for p in self.holders.get(self.item[atom], ())}):
            zone = self.zone(order, place)
            if zone is None:
                continue
            wage, most = prices[len(self.held) + place], self.limit[place]
            room = NEVER if most < 0 else most
            known = [(0, 0, 0, 0)]
            for bit, atom in enumerate(atoms):
                row, units = self.row.get((self.item[atom], place)), self.units[atom]
                if row is None or units > self.held[row]:
                    continue
                each = self.atom(zone, place, atom) + units * (wage + prices[row])
                if each >= self.penalty[atom]:
                    continue
                weight, twins = self.weight(atom), self.twins(atoms, bit)
                known += [
                    (m | 1 << bit, p + each, g + weight, n + units)
                    for m, p, g, n in known
                    if n + units <= room
                    and (not twins or self.members(atoms, m & twins) + units <= self.held[row])
                ]
            for members, paid, grams, _ in known[1:]:
                total = paid + self.base(zone, place, grams)
                if total < cheapest.get(members, NEVER):
                    cheapest[members] = total
        best = [0] * size
        for members in range(1, size):
            low = members & -members
            found = best[members ^ low] + self.penalty[atoms[low.bit_length() - 1]]
            for part, paid in cheapest.items():
                if part & low and part & members == part:
                    found = min(found, paid + best[members ^ part])
            best[members] = found
        return best[size - 1]


def check_source(record: Record, path: Path) -> int:
    """Look whether the proof speaks of this file: its hash, and each line that an atom is from."""
    raw = path.read_bytes()
    equal("hash of the shipments", record["sources"]["shipments"]["sha256"], _sha256(raw))
    lines: dict[int, dict[str, str]] = {}
    reader = csv.reader(raw.decode("utf-8-sig").splitlines())
    header = [name.strip().lower() for name in next(reader)]
    for cells in reader:
        stripped = (cell.strip() for cell in cells)
        lines[reader.line_num] = dict(zip(header, stripped, strict=False))
    for record_of_case in record["cases"]:
        _check_lines(Case(record_of_case), lines, until_promise=record["until_promise"] is True)
    return len(lines)


def _check_lines(case: Case, lines: dict[int, dict[str, str]], *, until_promise: bool) -> None:
    batch, left = case.case["batch"], dict[int, int]()
    for order, name in enumerate(case.names):
        for atom in range(case.first[order], case.first[order + 1]):
            line, place = case.case["lines"][atom], case.case["actual"]["location"][atom]
            row, item = lines.get(line, {}), case.item[atom]
            day = row.get("shipped_on", "")
            equal(f"order of line {line}", name, f"{row.get('order_id')} on {day}")
            equal(f"item of line {line}", batch["items"]["skus"][item], row.get("sku"))
            building = batch["locations"]["ids"][place]
            equal(f"building of line {line}", building, row.get("location_id"))
            equal(f"weight of line {line}", case.grams[item], int(row["weight_grams"]))
            left[line] = left.get(line, 0) + case.units[atom]
            days = case.arrives(order, place)
            if until_promise and row.get("promised_on"):
                promised = date.fromisoformat(row["promised_on"]) - date.fromisoformat(day)
                days = max(days, promised.days)
            equal(f"days of line {line}", case.days[atom], days)
    for line, units in left.items():
        equal(f"quantity of line {line}", units, int(lines[line]["quantity"]))


def _sha256(raw: bytes) -> str:
    return hashlib.sha256(raw).hexdigest()


def main() -> int:
    """Check a file; gives the exit code."""
    parser = argparse.ArgumentParser(description="checks the proof of an audit of shipments")
    parser.add_argument("proof", type=Path)
    parser.add_argument("shipments", type=Path, nargs="?", help="the file that was audited")
    asked = parser.parse_args()
    try:
        record = json.loads(asked.proof.read_text())
        totals = check(record)
        if asked.shipments is not None:
            check_source(record, asked.shipments)
    except Refused as wrong:
        sys.stdout.write(f"REFUSED: {wrong}\n")
        return 1
    except (OSError, KeyError, TypeError, ValueError, AttributeError, IndexError) as wrong:
        sys.stdout.write(f"REFUSED: not a proof of an audit: {wrong!r}\n")
        return 1
    for kind, total in totals.items():
        amounts = {name: f"{value / 10_000:,.2f}" for name, value in total.items()}
        sys.stdout.write(
            f"ACCEPTED, {kind}: it cost {amounts['actual']}, could have cost {amounts['plan']}"
            f" ({amounts['saved']} less), and nobody could have saved more than"
            f" {amounts['most']}.\n"
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
