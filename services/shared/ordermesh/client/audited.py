"""Checks the proof of an audit: what was shipped, what it could have cost, what nobody can beat.

A file of its own: it needs Python 3.11 and nothing else, and shares no line with what made the
proof. ``python audited.py proof.json [shipments.csv] [--rates rates.csv] [--stock stock.csv]``
prints what was checked and what is taken as claimed, or what is wrong and ends with 1. Each file is
compared with its hash, and the proof with what the file says: every line of the shipments is used
once or told as left out, distances are those between its places, rates and stock are the files'.
Money is a whole number of 1e-4 of the currency, divisions are rounded half to even.

The bound: for prices that are not negative, no plan costs less than the sum, order by order, of the
least that any plan of the order costs with what it pays for its units, less what all units there
are would pay. Plans of an order are all ways to send each of its atoms from one building.
"""

import argparse
import csv
import hashlib
import io
import json
import sys
from collections.abc import Collection
from datetime import date
from decimal import Decimal
from math import asin, cos, radians, sin, sqrt
from pathlib import Path
from typing import Any

FORM, BATCH_FORM = "ordermesh.audit/1", "ordermesh.batch/1"
KINDS = {"same units", "free"}
NEVER, ANY_GRAMS, ATOMS_MAX = 1 << 62, 1 << 40, 12

Record = dict[str, Any]
Spot = tuple[int, int]
Cells = tuple[str, ...]


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
    fee, seen = whole(record["parcel_fee"]), set[tuple[str, object]]()
    for case in record["cases"]:
        kind, found = case["kind"], Case(case)
        require(kind in KINDS, "no such kind", kind)
        equal("fees of parcels", {fee, *found.fee}, {fee})
        equal("currency", case["batch"]["costs"]["currency"], record["currency"])
        pool = "all" if kind == "free" else record["pool"]
        days = {period_of(date.fromisoformat(name[-10:]), pool) for name in found.names}
        equal("days of a period", {case["period"]}, days)
        parts = [(kind, case["period"]), *((kind, name) for name in found.names)]
        parts += [(kind, line) for line in set(case["lines"])]
        require(seen.isdisjoint(parts), "a period, an order or a line is there twice", kind)
        seen.update(parts)
        actual, cost, bound = found.check(until_promise=record["until_promise"] is True)
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


def period_of(day: date, pool: str) -> str:
    """The day, the week or all, as a period is named."""
    require(pool in {"day", "week", "all"}, "no such pool", pool)
    year, week, _ = day.isocalendar()
    return {"day": day.isoformat(), "week": f"{year}-W{week:02}", "all": "all"}[pool]


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
        for name in ("labor_per_unit", "handling_days"):
            require(not any(column(places[name], self.places)), "is charged or waited for", name)
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

    def zone(self, km: int) -> int | None:
        """The zone so far away."""
        for number, zone in enumerate(self.costs["zones"]):
            if zone["distance_km_max"] is None or km <= zone["distance_km_max"]:
                return number
        return None

    def parcel(self, order: int, place: int, atoms: list[int]) -> int:
        """What one parcel costs; ``NEVER`` where it cannot be."""
        zone = self.zone(self.km[self.goal[order]][place])
        if zone is None:
            return NEVER
        total = self.base(zone, place, sum(self.weight(atom) for atom in atoms))
        return total + sum(self.atom(zone, atom) for atom in atoms)

    def arrives(self, order: int, place: int) -> int:
        """Days from a building to an order."""
        zone = self.zone(self.km[self.goal[order]][place])
        if zone is None:
            raise Refused(f"nobody delivers: {self.names[order]}")
        return int(self.costs["zones"][zone]["transit_days"])

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

    def atom(self, zone: int, atom: int) -> int:
        """What an atom adds; ``NEVER`` where it would be later than it was or was promised."""
        rates = self.costs["zones"][zone]
        if rates["transit_days"] > self.days[atom]:
            return NEVER
        return rounded(self.weight(atom) * rates["freight_per_kg"], 1_000)

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
            zone = self.zone(self.km[self.goal[order]][place])
            if zone is None:
                continue
            wage, most = prices[len(self.held) + place], self.limit[place]
            room = NEVER if most < 0 else most
            known = [(0, 0, 0, 0)]
            for bit, atom in enumerate(atoms):
                row, units = self.row.get((self.item[atom], place)), self.units[atom]
                if row is None or units > self.held[row]:
                    continue
                each = self.atom(zone, atom) + units * (wage + prices[row])
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


def rows_of(record: Record, name: str, path: Path) -> dict[int, dict[str, str]]:
    """The rows of a file of the audit by their lines; nothing in those that cannot be read."""
    raw = path.read_bytes()
    claimed = record["sources"].get(name, {}).get("sha256")
    equal(f"hash of the {name}", claimed, hashlib.sha256(raw).hexdigest())
    text = io.StringIO(raw.decode("utf-8-sig", "surrogateescape"), newline="")
    reader, header, rows = csv.reader(text, strict=True), list[str](), dict[int, dict[str, str]]()
    while True:
        line = reader.line_num + 1
        try:
            cells = [cell.strip() for cell in next(reader)]
        except StopIteration:
            return rows
        except csv.Error:
            cells = ["?"]
        if header and any(cells):
            fits = len(cells) >= len(header) and not any(cells[len(header) :])
            rows[line] = dict(zip(header, cells, strict=False)) if fits else {}
        header = header or [cell.lower() for cell in cells]


def kilometres(start: Spot, end: Spot) -> float:
    """Along the great circle of a sphere of radius 6,371 km, between millionths of a degree."""
    (north, west), (south, east) = ([radians(one / 1e6) for one in spot] for spot in (start, end))
    chord = sin((south - north) / 2) ** 2 + cos(north) * cos(south) * sin((east - west) / 2) ** 2
    return 2 * 6_371 * asin(sqrt(min(1.0, chord)))


class Shipments:
    """The file of shipments: every line of it is part of the proof, or left out and told."""

    def __init__(self, record: Record, path: Path) -> None:
        self.record, self.rows = record, rows_of(record, "shipments", path)
        self.cases, self.codes = [Case(one) for one in record["cases"]], set[str]()
        first = min(self.rows, default=0)
        out = (record["refused_lines"], record["left_beside"], record["set_aside"])
        self.refused, beside, aside = ({whole(n) for n in one if n >= first} for one in out)
        used = {line for case in self.cases for line in case.case["lines"]}
        odd = sorted((used | self.refused | beside | aside) - self.rows.keys())[:9]
        require(not odd, "lines that are not in the file", odd)
        orders = {self.rows[line].get("order_id") for line in self.refused}
        for line in beside:
            reason = f"line {line} belongs to no order that was refused"
            require(self.rows[line].get("order_id") in orders, reason)
        self.homes = {
            self.rows[line]["location_id"]: self.spot(self.rows[line], "location_")
            for line in sorted(used | aside)
        }
        for kind in record["totals"]:
            left: dict[int, int] = {}
            for case in self.cases:
                if case.kind == kind:
                    self._check_lines(case, left)
            for line, units in left.items():
                equal(f"quantity of line {line}", units, int(self.rows[line]["quantity"]))
            told = sorted([*left, *self.refused, *beside, *aside])
            odd = sorted(set(self.rows) ^ set(told))[:9]
            require(told == list(self.rows), "lines left out, or there twice", kind, odd)
        self._check_aside(aside)
        self._check_refused()
        some = ", ".join(map(str, sorted(self.refused)[:9])) + ", ..." * (len(self.refused) > 9)
        self.told = (
            f"Of {len(self.rows)} lines {len(used)} are part of it; left out are"
            f" {len(self.refused)} that cannot be read{f' ({some})' if some else ''},"
            f" {len(beside)} more of their orders, and {len(aside)} of orders without a price or"
            f" with too many lines."
        )

    def spot(self, row: dict[str, str], prefix: str) -> Spot:
        """Where a building or a customer is; what a postal code stands for is taken as claimed."""
        degrees = [row.get(prefix + name) for name in ("latitude", "longitude")]
        if all(degrees):
            north, east = (round(float(one or 0) * 1_000_000) for one in degrees)
            return north, east
        code = f"{row.get('country_code') or 'US'} {row[prefix + 'postal_code']}"
        self.codes.add(code)
        north, east = self.record["places"][code]
        return whole(north, -90_000_000), whole(east, -180_000_000)

    def _check_lines(self, case: Case, left: dict[int, int]) -> None:
        names, skus = (case.case["batch"][one] for one in ("locations", "items"))
        goals: dict[int, Spot] = {}
        for order, name in enumerate(case.names):
            atoms = range(case.first[order], case.first[order + 1])
            for atom in atoms:
                line, place = case.case["lines"][atom], case.case["actual"]["location"][atom]
                row, item, units = self.rows.get(line, {}), case.item[atom], case.units[atom]
                day, goal = row.get("shipped_on", ""), self.spot(row, "")
                equal(f"order of line {line}", name, f"{row.get('order_id')} on {day}")
                equal(f"item of line {line}", skus["skus"][item], row.get("sku"))
                equal(f"building of line {line}", names["ids"][place], row.get("location_id"))
                equal(f"weight of line {line}", case.grams[item], int(row["weight_grams"]))
                home = self.homes[row["location_id"]]
                equal(f"place of line {line}", home, self.spot(row, "location_"))
                equal(f"goal of line {line}", goals.setdefault(case.goal[order], goal), goal)
                left[line] = left.get(line, 0) + units
                rest = int(row["quantity"]) - 1
                if row.get("keep_together") == "yes":
                    equal(f"units of line {line} together", units, rest + 1)
                elif units > 1:
                    wide = units == rest + 1 and len(atoms) + rest > ATOMS_MAX
                    require(wide, f"units of line {line} are kept together")
                days = case.arrives(order, place)
                if self.record["until_promise"] is True and row.get("promised_on"):
                    promised = date.fromisoformat(row["promised_on"]) - date.fromisoformat(day)
                    days = max(days, promised.days)
                equal(f"days of line {line}", case.days[atom], days)
        for number, goal in goals.items():
            for name, claimed in zip(names["ids"], case.km[number], strict=True):
                true = kilometres(self.homes[name], goal)
                close = abs(true - claimed) < 0.500_001
                require(close, "distance", name, f"claimed {claimed}, is {true:.2f}")

    def _check_refused(self) -> None:
        """What is said to be unreadable has a cell that cannot be, or contradicts another line."""
        said: dict[tuple[str, ...], set[tuple[str, ...]]] = {}
        for line, row in self.rows.items():
            for key, facts in self._facts(line, row):
                said.setdefault(key, set()).add(facts)
        for line in self.refused:
            row = self.rows[line]
            agrees = all(len(said[key]) == 1 for key, _ in self._facts(line, row))
            require(not (agrees and self._is_readable(row)), f"line {line} can be read", row)

    def _facts(self, line: int, row: dict[str, str]) -> list[tuple[Cells, Cells]]:
        """What each line of an item, a building, an order and a line of it says alike."""
        order, sku, home = (row.get(one, "") for one in ("order_id", "sku", "location_id"))
        found = list[tuple[Cells, Cells]]([(("sku", sku), (row.get("weight_grams", ""),))])
        for key, prefix in ((("home", home), "location_"), (("order", order), "")):
            where = [prefix + one for one in ("latitude", "longitude", "postal_code")]
            found.append((key, tuple(row.get(one, "") for one in (*where, "country_code"))))
        if row.get("line_id"):
            same = ("line", order, row["line_id"], sku, home, row.get("shipped_on", ""))
            found.append((same, (str(line),)))
        return found

    def _is_readable(self, row: dict[str, str]) -> bool:
        """Whether nothing is wrong with any cell, as far as one can tell without doubt."""
        most = {"quantity": 10**6, "weight_grams": 10**9}
        try:
            needed = [row[one] for one in ("order_id", "sku", "location_id", "shipped_on")]
            numbers = [(int(row[one]), most[one]) for one in most if row[one].isdecimal()]
            for day in filter(None, (row["shipped_on"], row.get("promised_on"))):
                date.fromisoformat(day)
            spots = [self.spot(row, prefix) for prefix in ("location_", "")]
        except (KeyError, ValueError):
            return False
        degrees = [row.get(a + b, "") for a in ("location_", "") for b in ("latitude", "longitude")]
        country = row.get("country_code") or "US"
        return (
            all(needed)
            and all(cell.isascii() and cell.isprintable() for cell in row.values())
            and all(len(cell) <= 32 for cell in row.values())
            and len(numbers) == 2
            and all(1 <= number <= limit for number, limit in numbers)
            and all(abs(n) <= 90_000_000 and abs(e) <= 180_000_000 for n, e in spots)
            and all(len(one) <= 12 and not set(one) - set("-.0123456789") for one in degrees)
            and not any(one[:1] == "." or one[-1:] == "." or one[:2] == "-." for one in degrees)
            and all(bool(a) == bool(b) for a, b in (degrees[:2], degrees[2:]))
            and len(country) == 2
            and country.isalpha()
            and country.isupper()
            and (row.get("keep_together") or "no") in ("yes", "no")
        )

    def _check_aside(self, aside: set[int]) -> None:
        """What is left as it was has too many lines for one day, or no price."""
        groups: dict[str, list[dict[str, str]]] = {}
        for line in aside:
            row = self.rows[line]
            groups.setdefault(f"{row['order_id']} on {row['shipped_on']}", []).append(row)
        case, names = self.cases[0], {name for case in self.cases for name in case.names}
        for name, rows in groups.items():
            parcels: dict[str, int] = {}
            has_no_price = len(rows) > ATOMS_MAX
            for row in rows:
                home = row["location_id"]
                grams = int(row["weight_grams"]) * int(row["quantity"])
                parcels[home] = parcels.get(home, 0) + grams
                km = round(kilometres(self.homes[home], self.spot(row, "")))
                has_no_price |= case.zone(km) is None
            heavy = bool(case.edges) and max(parcels.values()) > case.edges[-1]
            require((has_no_price or heavy) and name not in names, "left out without reason", name)


def check_rates(record: Record, path: Path) -> None:
    """Look whether all cases are priced by this rate card."""
    card: dict[int, dict[int, dict[str, str]]] = {}
    for row in rows_of(record, "rates", path).values():
        far, edge = row.get("distance_km_max") or NEVER, row.get("up_to_grams") or ANY_GRAMS
        card.setdefault(int(far), {})[int(edge)] = row
    edges = sorted({edge for steps in card.values() for edge in steps})
    true = []
    for far, steps in sorted(card.items()):
        prices = [steps[min(one for one in steps if one >= edge)]["price"] for edge in edges]
        row = next(iter(steps.values()))
        each = money(row.get("price_per_kg") or "0")
        true.append((far, int(row["transit_days"]), each, [money(one) for one in prices]))
    for case in map(Case, record["cases"]):
        claimed = []
        for number, zone in enumerate(case.costs["zones"]):
            added = case.steps[number] if case.edges else [0]
            prices = [zone["freight_per_parcel"] + step for step in added]
            far = NEVER if zone["distance_km_max"] is None else zone["distance_km_max"]
            claimed.append((far, zone["transit_days"], zone["freight_per_kg"], prices))
        equal("weights of the rates", case.edges or [ANY_GRAMS], edges)
        equal("rates", claimed, true)


def money(cell: str) -> int:
    """An amount in 1e-4 of the currency."""
    return round(Decimal(cell) * 10_000)


def check_stock(record: Record, path: Path, buildings: Collection[str]) -> None:
    """Look whether the free case has the stock of this file, and what really left."""
    given: dict[tuple[str, str], int] = {}
    for row in rows_of(record, "stock", path).values():
        key, number = (row.get("sku", ""), row.get("location_id", "")), row.get("quantity", "")
        if number.isascii() and number.isdecimal() and key[1] in buildings:
            given.setdefault(key, int(number))
    for case in map(Case, record["cases"]):
        if case.kind == "free":
            batch, true = case.case["batch"], dict[tuple[str, str], int]()
            skus, ids = batch["items"]["skus"], batch["locations"]["ids"]
            for item, place, units in zip(
                case.item, case.case["actual"]["location"], case.units, strict=True
            ):
                key = skus[item], ids[place]
                true[key] = true.get(key, 0) + units
            for key, units in given.items():
                if units and key[0] in skus:
                    true[key] = max(units, true.get(key, 0))
            held = {
                (skus[item], ids[place]): case.held[row] for (item, place), row in case.row.items()
            }
            odd = sorted(key for key in held.keys() | true if held.get(key) != true.get(key))
            require(not odd, "stock", odd[:9])


def check_files(
    record: Record, shipments: Path | None, rates: Path | None, stock: Path | None
) -> list[str]:
    """Compare the proof with the files that are there; tells the rest. Raises ``Refused``."""
    told, claimed, found = list[str](), list[str](), None
    require("free" not in record["totals"] or "stock" in record["sources"], "stock of no file")
    if shipments is None:
        claimed.append("what was shipped when, from where and whereto, and all distances")
    else:
        found = Shipments(record, shipments)
        told.append(found.told)
        if found.codes:
            many = f"the places of {len(found.codes)} postal codes as the proof lists them"
            claimed.append(f"{many}, and with them distances are taken as claimed")
    if rates is None:
        claimed.append("the rates")
    else:
        check_rates(record, rates)
    if stock is not None:
        require(found is not None, "the stock is compared together with the shipments only")
        check_stock(record, stock, found.homes if found else ())
    elif "free" in record["totals"]:
        claimed.append("the stock of the free case")
    if record["parcel_fee"]:
        claimed.append(f"a fee of {record['parcel_fee'] / 10_000:,.4f} for each parcel")
    return told + [f"Taken as claimed: {one}." for one in claimed]


def main() -> int:
    """Check a file; gives the exit code."""
    parser = argparse.ArgumentParser(
        description="Checks the proof of an audit of shipments, and tells what it takes as claimed."
    )
    parser.add_argument("proof", type=Path)
    parser.add_argument("shipments", type=Path, nargs="?", help="the file that was audited")
    parser.add_argument("--rates", type=Path, help="the rate card that it was audited by")
    parser.add_argument("--stock", type=Path, help="the stock of the free case")
    asked = parser.parse_args()
    try:
        record = json.loads(asked.proof.read_text())
        totals = check(record)
        told = check_files(record, asked.shipments, asked.rates, asked.stock)
    except Refused as wrong:
        sys.stdout.write(f"REFUSED: {wrong}\n")
        return 1
    except (OSError, ArithmeticError, LookupError, TypeError, ValueError, AttributeError) as wrong:
        sys.stdout.write(f"REFUSED: not a proof of an audit: {wrong!r}\n")
        return 1
    for kind, total in totals.items():
        amounts = {name: f"{value / 10_000:,.2f}" for name, value in total.items()}
        pool = {"day": "a day", "week": "a week", "all": "the file"}[record["pool"]]
        within = f" within {pool}" if kind == "same units" else ""
        told.insert(
            0,
            f"ACCEPTED, {kind}{within}: it cost {amounts['actual']} {record['currency']}, could"
            f" have cost {amounts['plan']} ({amounts['saved']} less), and nobody could have saved"
            f" more than {amounts['most']}.",
        )
    sys.stdout.write("\n".join(told) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
