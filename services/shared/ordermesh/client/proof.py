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
MONEY = ["freight", "pick", "labor", "handling", "split", "carbon", "transit", "late"]
MONEY += ["preference", "markdown", "reject_risk", "stock_out", "unfilled"]
MONEY += ["stock_price", "labor_price"]

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
    found = Check(record["problem"], record["plan"])
    found.run()
    equal("objective", claims["objective"], sum(record["plan"]["costs"].values()))
    bound, status = claims["bound"], claims["status"]
    require(bound is None or bound <= claims["objective"], "bound above the plan", bound)
    require(status != "OPTIMAL" or bound == claims["objective"], "bound of an optimum", bound)
    require(status != "INFEASIBLE" or not record["plan"]["shipments"], "shipments of nothing")
    for one in record.get("replaced", ()):
        line_id, ordered = one["line_id"], one["ordered_sku"]
        require((line_id, one["sku"]) in found.parts, "a substitute nobody wants", one["sku"])
        is_alone = len(found.group_of[line_id, one["sku"]]["parts"]) == 1  # not lines kept together
        require(not is_alone or (line_id, ordered) not in found.parts, "both wanted", line_id)


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
        equal("candidates that ship once", len(self.places.keys() & set(names)), len(names))
        parcels = sum(len(shipment["parcels"]) for shipment in plan["shipments"])
        for what, number in (("shipments", len(names)), ("parcels", parcels)):
            most = problem[f"{what}_max"]
            require(most is None or number <= most, f"too many {what}", number)
        is_part = problem["all_or_nothing"] and plan["unfilled"]
        require(not (is_part and names), "a part of all or nothing", names)
        found = all_of([{"lines": plan["unfilled"]}, *plan["shipments"]])
        wanted = {k: part["units"] * self.group_of[k]["atoms"] for k, part in self.parts.items()}
        equal("units of the lines", dict(found), wanted)
        self.sharing()
        totals: Counter[str] = Counter(dict.fromkeys(MONEY, 0))
        for place, shipment in enumerate(plan["shipments"]):
            costs = self.shipment(shipment, self.places[shipment["location_id"]])
            costs["split"] = (len(shipment["parcels"]) - (place == 0)) * self.costs["split_charge"]
            equal(f"costs of {shipment['location_id']}", amounts(shipment["costs"]), amounts(costs))
            totals.update(costs)
        left = units_of(plan["unfilled"])
        totals["unfilled"] = sum(self.penalty(g) * atoms_in(g, left) for g in self.groups)
        equal("costs of the plan", amounts(plan["costs"]), amounts(totals))

    def penalty(self, group: Record) -> int:
        """What an atom costs that stays."""
        costs, units = self.costs, sum(part["units"] for part in group["parts"])
        by_weight = round(Fraction(grams_of(group) * costs["unfilled_per_kg"], 1_000))
        return int(costs["unfilled_per_atom"] + costs["unfilled_per_unit"] * units + by_weight)

    def sharing(self) -> None:
        """Check stock and capacity, which locations and runs that bring their goods share."""
        taken: Counter[tuple[str, str]] = Counter()
        for shipment in self.plan["shipments"]:
            place = self.places[shipment["location_id"]]
            hub = place["source_id"] if place["legs"] else ""
            taken[hub, ""] += units_of(shipment["lines"]).total()
            for sent in shipment["legs"] if hub else [shipment]:
                for (_, sku), number in units_of(sent["lines"]).items():
                    taken[sent["location_id"], sku] += number
                    taken[sent["location_id"], ""] += number * (sent["location_id"] != hub)
        runs = [run for place in self.places.values() for run in place["legs"]]
        for one in [*self.places.values(), *runs]:
            name = one["source_id"] if one["legs"] else one["location_id"]
            held, room = dict(one["available"]), one["capacity_units"]
            used = {sku: number for (where, sku), number in taken.items() if where == name and sku}
            short = [sku for sku, number in used.items() if number > held.get(sku, 0)]
            require(bool(one["legs"]) or not short, f"stock of {name} that is not there", short)
            require(room is None or taken[name, ""] <= room, "capacity", name)

    def shipment(self, shipment: Record, where: Record, run: bool = False) -> Counter[str]:
        """Check togetherness, parcels and runs; gives the costs but for the split."""
        units = units_of(shipment["lines"])
        require(bool(units), "a shipment of nothing", where["location_id"])
        require(not {k[0] for k in units} & {*where["excluded_line_ids"]}, "excluded line", units)
        for key, part in self.parts.items():
            whole = atoms_in(self.group_of[key], units) * part["units"]
            equal("what leaves together", units[key], whole)
        equal("units in parcels", dict(all_of(shipment["parcels"])), dict(units))
        options = [self.parcel(where, parcel, run) for parcel in shipment["parcels"]]
        equal("days", shipment["days"], max(option["days"] for option in options))
        costs, legs = self.shipment_costs(where, shipment, options), shipment["legs"]
        runs = {leg["location_id"]: leg for leg in where["legs"]}
        equal("runs", len({leg["location_id"] for leg in legs} & runs.keys()), len(legs))
        require(not runs or all_of(legs) == units, "what is brought", where["location_id"])
        for leg in legs:
            brought = self.shipment(leg, runs[leg["location_id"]], run=True)
            equal("costs of a run", amounts(leg["costs"]), amounts(brought))
            costs.update(brought)
        return costs

    def parcel(self, where: Record, parcel: Record, run: bool) -> Record:
        """Check one parcel; gives the option that takes it."""
        found = [o for o in where["options"] if o["service_id"] == parcel["service_id"]]
        require(len(found) == 1, "service", parcel["service_id"])
        option, tariff = found[0], self.problem["tariffs"][found[0]["tariff"]]
        units = units_of(parcel["lines"])
        require(units.total() > 0, "an empty parcel", where["location_id"])
        grams = sum(self.parts[key]["weight_grams"] * number for key, number in units.items())
        volume = sum(self.parts[key]["cubic_mm"] * number for key, number in units.items())
        equal("weight of a parcel", parcel["weight_grams"], grams)
        limits = [tariff["grams_max"] or grams, self.costs["parcel_limit_grams"] or grams]
        require(run or units.total() == 1 or grams <= min(limits), "overweight parcel", grams)
        require(not {k[0] for k in units} & {*option["excluded_line_ids"]}, "not taken", units)
        categories = {self.group_of[key]["category"] for key in units}
        mixed = [pair for pair in self.problem["apart"] if set(pair) <= categories]
        require(run or not mixed, "goods that share no parcel", mixed)
        equal("charged weight", parcel["billable_grams"], billable(tariff, grams, volume))
        equal("days of a parcel", parcel["days"], option["days"])
        by_parcel, by_gram = self.emitted(where, tariff)
        equal("emissions", parcel["micrograms"], by_parcel + by_gram * grams)
        return dict(option)

    def emitted(self, where: Record, tariff: Record) -> tuple[int, int]:
        """What a parcel emits, whatever is in it, and what each gram of it does."""
        carbon, km = tariff["carbon"] or self.costs["carbon"], where["distance_km"]
        parcel = carbon["parcel_micrograms"] + carbon["parcel_micrograms_per_km"] * km
        return parcel, carbon["micrograms_per_gram_km"] * km

    def shipment_costs(
        self, where: Record, shipment: Record, options: list[Record]
    ) -> Counter[str]:
        """The costs of a shipment by kind, but for the split."""
        costs: Counter[str] = Counter(dict.fromkeys(MONEY, 0))
        costs["handling"] = where["handling_per_shipment"]
        costs["labor"] = where["labor_per_line"] * len({x["line_id"] for x in shipment["lines"]})
        for one in (one for one in where["adjustments"] if not one["line_id"]):
            costs[one["kind"].lower()] += one["amount"]
        for parcel, option in zip(shipment["parcels"], options, strict=True):
            costs.update(self.parcel_costs(where, option, parcel["billable_grams"]))
        # By one service, what leaves together may lie in several parcels.
        alone = len({option["service_id"] for option in options}) == 1
        loads = [shipment] if alone else shipment["parcels"]
        for load, option in zip(loads, options, strict=False):
            units = units_of(load["lines"])
            for group in self.groups:
                for name, amount in self.atom_costs(where, option, group).items():
                    costs[name] += amount * atoms_in(group, units)
        return costs

    def parcel_costs(self, where: Record, option: Record, grams: int) -> Counter[str]:
        """What a parcel costs beside its atoms."""
        tariff, price = (
            self.problem["tariffs"][option["tariff"]],
            self.costs["carbon"]["price_per_kg"],
        )
        return Counter(
            freight=tariff["per_parcel"] if is_line(tariff) else tariff_price(tariff, grams),
            pick=where["pick_fee_per_parcel"],
            carbon=round(Fraction(self.emitted(where, tariff)[0] * price, 10**9)),
        )

    def atom_costs(self, where: Record, option: Record, group: Record) -> Counter[str]:
        """What an atom costs beside its share of a parcel."""
        tariff, costs = self.problem["tariffs"][option["tariff"]], self.costs
        grams, units = grams_of(group), sum(part["units"] for part in group["parts"])
        emitted = self.emitted(where, tariff)[1] * grams
        promised = self.problem["promise_days"]
        late = max(0, option["days"] - (option["days"] if promised is None else promised))
        found = Counter(
            freight=units * tariff["per_unit"]
            + (round(Fraction(grams * tariff["per_kg"], 1_000)) if is_line(tariff) else 0),
            labor=where["labor_per_unit"] * units,
            carbon=round(Fraction(emitted * costs["carbon"]["price_per_kg"], 10**9)),
            transit=costs["transit_day"] * option["transit_days"],
            late=costs["late_day"] * late,
        )
        for one in (one for one in where["adjustments"] if one["line_id"] == group["line_id"]):
            found[one["kind"].lower()] += one["amount"] * units
        return found


def amounts(costs: Record) -> dict[str, int]:
    """What each kind of cost comes to."""
    return {name: costs.get(name, 0) for name in MONEY}


def is_line(tariff: Record) -> bool:
    """Whether goods pay for their own weight, and a parcel only for being one."""
    return not (tariff["brackets"] or tariff["cubic_mm_per_gram"] or tariff["grams_step"] != 1)


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
    return int(tariff["per_parcel"] + round(Fraction((grams - edge) * tariff["per_kg"], 1_000)))


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


def all_of(parts: list[Record]) -> Units:
    """Units of all of these together."""
    return sum((units_of(part["lines"]) for part in parts), Counter())


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
            check(json.loads(file.read_text()))
            print(f"{file}: permitted, and costs what it says")  # noqa: T201 - what it is for
        except (Refused, KeyError, ValueError, TypeError, IndexError) as error:
            refused = 1
            print(f"{file}: REFUSED: {error}")  # noqa: T201 - as above
    return refused


if __name__ == "__main__":
    sys.exit(main())
