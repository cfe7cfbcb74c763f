"""Checks an exported decision: is its plan permitted, and does it cost what it says?

A file of its own: it needs Python 3.11 and nothing else, and shares no line with the service that
made the decision. ``python proof.py decision.json`` prints what was checked, or what is wrong and
ends with 1. Money is in 1e-4 of the currency, emissions in micrograms of CO2e, every division is
rounded half to even.
"""

import argparse
import hashlib
import json
import sys
from collections import Counter
from fractions import Fraction
from pathlib import Path
from typing import Any

FORM = "ordermesh-decision-1"
MONEY: tuple[str, ...] = ("freight", "pick", "labor", "handling", "split", "carbon", "transit")
MONEY += ("late", "preference", "markdown", "reject_risk", "stock_out", "unfilled")
MONEY += ("stock_price", "labor_price")

Record = dict[str, Any]
Units = Counter[tuple[str, str]]


class Refused(Exception):
    """Something about the decision is not true."""


def require(holds: bool, what: str, *facts: object) -> None:
    """Raise ``Refused`` unless it holds."""
    if not holds:
        raise Refused(": ".join([what, " / ".join(map(str, facts))]))


def equal(what: str, claimed: object, true: object) -> None:
    """Raise ``Refused`` unless both are the same."""
    require(claimed == true, what, f"claimed {claimed}, is {true}")


def digest(value: Any) -> str:
    """SHA-256 of a value as JSON with sorted keys, without spaces."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(text.encode()).hexdigest()


def check(record: Record) -> None:
    """Check everything that the record claims. Raises ``Refused``."""
    equal("form", record.get("form"), FORM)
    equal("seal", record["seal"], digest({k: v for k, v in record.items() if k != "seal"}))
    claims = record["certificate"]
    equal("hash of the problem", claims["problem_hash"], digest(record["problem"]))
    Check(record["problem"], record["plan"]).run()
    equal("objective", claims["objective"], sum(record["plan"]["costs"].values()))
    if claims["bound"] is not None:
        require(claims["bound"] <= claims["objective"], "bound above the plan", claims["bound"])
    if claims["status"] == "OPTIMAL":
        equal("bound of an optimum", claims["bound"], claims["objective"])
    if claims["status"] == "INFEASIBLE":
        equal("shipments of nothing", record["plan"]["shipments"], [])
    parts = {(g["line_id"], p["sku"]): p for g in record["problem"]["groups"] for p in g["parts"]}
    for one in record.get("replaced", ()):
        part = parts.get((one["line_id"], one["sku"]))
        require(part is not None, "a substitute that is not wanted", one["sku"])
        require((one["line_id"], one["ordered_sku"]) not in parts, "both wanted", one["line_id"])


class Check:
    """One plan against one problem."""

    def __init__(self, problem: Record, plan: Record) -> None:
        self.problem, self.plan, self.costs = problem, plan, problem["costs"]
        self.places = {c["location_id"]: c for c in problem["candidates"]}
        self.groups = problem["groups"]
        self.parts = {(g["line_id"], p["sku"]): p for g in self.groups for p in g["parts"]}
        self.group_of = {(g["line_id"], p["sku"]): g for g in self.groups for p in g["parts"]}

    def run(self) -> None:
        """Quantities, limits, each shipment, and all costs."""
        plan, problem = self.plan, self.problem
        names = [shipment["location_id"] for shipment in plan["shipments"]]
        equal("locations that ship twice", len(names) - len(set(names)), 0)
        require(set(names) <= self.places.keys(), "not a candidate", set(names) - set(self.places))
        if problem["shipments_max"] is not None:
            require(len(names) <= problem["shipments_max"], "too many shipments", len(names))
        if problem["parcels_max"] is not None:
            parcels = sum(len(shipment["parcels"]) for shipment in plan["shipments"])
            require(parcels <= problem["parcels_max"], "too many parcels", parcels)
        if problem["all_or_nothing"] and plan["unfilled"]:
            equal("a part of all or nothing", names, [])
        found = units_of(plan["unfilled"])
        for shipment in plan["shipments"]:
            found += units_of(shipment["lines"])
        wanted: Units = Counter()
        for (line_id, sku), part in self.parts.items():
            wanted[line_id, sku] = part["units"] * self.group_of[line_id, sku]["atoms"]
        equal("units of the lines", dict(found), dict(wanted))
        totals: Counter[str] = Counter(dict.fromkeys(MONEY, 0))
        for place, shipment in enumerate(plan["shipments"]):
            costs = self.shipment(shipment)
            costs["split"] = (len(shipment["parcels"]) - (place == 0)) * self.costs["split_charge"]
            for name in MONEY:
                claimed = shipment["costs"].get(name, 0)
                equal(f"{name} of {shipment['location_id']}", claimed, costs[name])
                totals[name] += costs[name]
        left = units_of(plan["unfilled"])
        totals["unfilled"] = sum(self.penalty(g) * atoms_in(g, left) for g in self.groups)
        for name in MONEY:
            equal(f"{name} of the plan", plan["costs"].get(name, 0), totals[name])

    def penalty(self, group: Record) -> int:
        """What an atom costs that stays."""
        costs, units = self.costs, sum(part["units"] for part in group["parts"])
        by_weight = rounded(grams_of(group) * costs["unfilled_per_kg"], 1_000)
        return int(costs["unfilled_per_atom"] + costs["unfilled_per_unit"] * units + by_weight)

    def shipment(self, shipment: Record) -> Counter[str]:
        """Check stock, capacity, togetherness and parcels; gives the costs but for the split."""
        where = self.places[shipment["location_id"]]
        units = units_of(shipment["lines"])
        require(bool(units), "a shipment of nothing", where["location_id"])
        by_sku: Counter[str] = Counter()
        for (line_id, sku), number in units.items():
            require(line_id not in where["excluded_line_ids"], "excluded line", line_id)
            by_sku[sku] += number
        held = dict(where["available"])
        short = [sku for sku, number in by_sku.items() if number > held.get(sku, 0)]
        equal(f"stock of {where['location_id']} that is not there", short, [])
        if where["capacity_units"] is not None:
            require(by_sku.total() <= where["capacity_units"], "capacity", where["location_id"])
        for group in self.groups:
            for part in group["parts"]:
                whole = atoms_in(group, units) * part["units"]
                equal("what leaves together", units[group["line_id"], part["sku"]], whole)
        packed: Units = Counter()
        for parcel in shipment["parcels"]:
            packed += units_of(parcel["lines"])
        equal("units in parcels", dict(packed), dict(units))
        options = [self.parcel(where, parcel) for parcel in shipment["parcels"]]
        equal("days", shipment["days"], max(option["days"] for option in options))
        return self.shipment_costs(where, shipment, options)

    def parcel(self, where: Record, parcel: Record) -> Record:
        """Check one parcel; gives the option that takes it."""
        found = [o for o in where["options"] if o["service_id"] == parcel["service_id"]]
        require(len(found) == 1, "service", parcel["service_id"])
        option, tariff = found[0], self.problem["tariffs"][found[0]["tariff"]]
        units = units_of(parcel["lines"])
        require(units.total() > 0, "an empty parcel", where["location_id"])
        grams = sum(self.parts[key]["weight_grams"] * number for key, number in units.items())
        volume = sum(self.parts[key]["cubic_mm"] * number for key, number in units.items())
        equal("weight of a parcel", parcel["weight_grams"], grams)
        limits = [tariff["grams_max"], self.costs["parcel_limit_grams"]]
        heavy = [limit for limit in limits if limit is not None and grams > limit]
        require(units.total() == 1 or not heavy, "overweight parcel", grams)
        barred = [key for key in units if key[0] in option["excluded_line_ids"]]
        equal("lines that the service does not take", barred, [])
        categories = {self.group_of[key]["category"] for key in units}
        mixed = [pair for pair in self.problem["apart"] if set(pair) <= categories]
        equal("goods that share no parcel", mixed, [])
        equal("charged weight", parcel["billable_grams"], billable(tariff, grams, volume))
        equal("days of a parcel", parcel["days"], option["days"])
        per_gram = self.carbon(tariff)["micrograms_per_gram_km"] * where["distance_km"]
        emitted = self.parcel_carbon(where, tariff) + per_gram * grams
        equal("emissions", parcel["micrograms"], emitted)
        return dict(option)

    def carbon(self, tariff: Record) -> Record:
        """The factors of a tariff."""
        return dict(tariff["carbon"] or self.costs["carbon"])

    def parcel_carbon(self, where: Record, tariff: Record) -> int:
        """What a parcel emits, whatever is in it."""
        carbon = self.carbon(tariff)
        per_km = carbon["parcel_micrograms_per_km"] * where["distance_km"]
        return int(carbon["parcel_micrograms"] + per_km)

    def shipment_costs(
        self, where: Record, shipment: Record, options: list[Record]
    ) -> Counter[str]:
        """The costs of a shipment by kind, but for the split."""
        costs: Counter[str] = Counter(dict.fromkeys(MONEY, 0))
        costs["handling"] = where["handling_per_shipment"]
        costs["labor"] = where["labor_per_line"] * len({x["line_id"] for x in shipment["lines"]})
        for one in where["adjustments"]:
            if not one["line_id"]:
                costs[one["kind"].lower()] += one["amount"]
        for parcel, option in zip(shipment["parcels"], options, strict=True):
            costs.update(self.parcel_costs(where, option, parcel["billable_grams"]))
        # By one service, what leaves together may lie in several parcels.
        alone = len({option["service_id"] for option in options}) == 1
        loads = [shipment] if alone else shipment["parcels"]
        for load, option in zip(loads, options, strict=False):
            units = units_of(load["lines"])
            for group in self.groups:
                each = self.atom_costs(where, option, group)
                for name, amount in each.items():
                    costs[name] += amount * atoms_in(group, units)
        return costs

    def parcel_costs(self, where: Record, option: Record, grams: int) -> Counter[str]:
        """What a parcel costs beside its atoms."""
        tariff = self.problem["tariffs"][option["tariff"]]
        price = self.costs["carbon"]["price_per_kg"]
        return Counter(
            freight=tariff["per_parcel"] if is_line(tariff) else tariff_price(tariff, grams),
            pick=where["pick_fee_per_parcel"],
            carbon=rounded(self.parcel_carbon(where, tariff) * price, 10**9),
        )

    def atom_costs(self, where: Record, option: Record, group: Record) -> Counter[str]:
        """What an atom costs beside its share of a parcel."""
        tariff, costs = self.problem["tariffs"][option["tariff"]], self.costs
        grams, units = grams_of(group), sum(part["units"] for part in group["parts"])
        emitted = self.carbon(tariff)["micrograms_per_gram_km"] * grams * where["distance_km"]
        promised = self.problem["promise_days"]
        late = 0 if promised is None else max(0, option["days"] - promised)
        found = Counter(
            freight=units * tariff["per_unit"]
            + (rounded(grams * tariff["per_kg"], 1_000) if is_line(tariff) else 0),
            labor=where["labor_per_unit"] * units,
            carbon=rounded(emitted * costs["carbon"]["price_per_kg"], 10**9),
            transit=costs["transit_day"] * option["transit_days"],
            late=costs["late_day"] * late,
        )
        for one in where["adjustments"]:
            if one["line_id"] == group["line_id"]:
                found[one["kind"].lower()] += one["amount"] * units
        return found


def is_line(tariff: Record) -> bool:
    """Whether goods pay for their own weight, and a parcel only for being one."""
    odd = tariff["brackets"] or tariff["cubic_mm_per_gram"] or tariff["grams_step"] != 1
    return not odd


def billable(tariff: Record, grams: int, volume: int) -> int:
    """The greater of weight and size, in whole steps."""
    if tariff["cubic_mm_per_gram"]:
        grams = max(grams, -(-volume // tariff["cubic_mm_per_gram"]))
    return int(-(-grams // tariff["grams_step"]) * tariff["grams_step"])


def tariff_price(tariff: Record, grams: int) -> int:
    """What a parcel costs by its charged weight."""
    edge = 0
    for bracket in tariff["brackets"]:
        edge = bracket["grams_max"]
        if grams <= edge:
            return int(bracket["price"])
    return int(tariff["per_parcel"] + rounded((grams - edge) * tariff["per_kg"], 1_000))


def rounded(numerator: int, denominator: int) -> int:
    """Half to even."""
    return round(Fraction(numerator, denominator))


def grams_of(group: Record) -> int:
    """Weight of an atom."""
    return sum(part["units"] * part["weight_grams"] for part in group["parts"])


def units_of(lines: list[Record]) -> Units:
    """Units by line and SKU. Raises ``Refused`` for none and for twice."""
    units: Units = Counter()
    for line in lines:
        require(line["quantity"] > 0, "quantity", line["quantity"])
        require((line["line_id"], line["sku"]) not in units, "listed twice", line["line_id"])
        units[line["line_id"], line["sku"]] = line["quantity"]
    return units


def atoms_in(group: Record, units: Units) -> int:
    """Whole atoms of a group, judged by its first part."""
    first = group["parts"][0]
    return int(units[group["line_id"], first["sku"]] // first["units"])


def main() -> int:
    """Check the files that are named; 1 if any of them is refused."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("files", nargs="+", type=Path)
    asked, refused = parser.parse_args(), 0
    for file in asked.files:
        try:
            record = json.loads(file.read_text())
            check(record)
            print(f"{file}: permitted, and costs what it says")  # noqa: T201 - what it is for
        except (Refused, KeyError, ValueError, TypeError, IndexError) as error:
            refused = 1
            print(f"{file}: REFUSED: {error}")  # noqa: T201 - as above
    return refused


if __name__ == "__main__":
    sys.exit(main())
