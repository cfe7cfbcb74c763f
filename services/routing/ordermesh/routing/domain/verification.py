"""The independent verifier: is this plan permitted, and does it cost what it says?

It reads the problem and the plan, shares no arithmetic with those who make plans, and refuses on
a difference of one unit of anything. Costs are recomputed as fractions and rounded half to even.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace

from ordermesh.routing.domain.parcelling import PlanLine
from ordermesh.routing.domain.plan import Parcel, Plan, Shipment
from ordermesh.routing.domain.problem import Candidate, Option, Problem
from ordermesh.routing.domain.recosting import (
    KG,
    charged_grams,
    name_of,
    option_of,
    rounded,
    shipment_costs,
    units_of,
    whole_atoms,
)
from ordermesh.routing.domain.tariffs import Tariff


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong with a plan: which rule it breaks, where, and the two numbers."""

    rule: str
    where: str
    expected: int
    found: int


class PlanRefused(Exception):
    """The plan is not what it claims to be: a defect of whoever made it, never of the caller."""

    def __init__(self, findings: tuple[Finding, ...]) -> None:
        first = findings[0]
        super().__init__(
            f"{first.rule} at {first.where}: expected {first.expected}, found {first.found}"
            f" ({len(findings)} findings)"
        )
        self.findings = findings


def verify(problem: Problem, plan: Plan) -> None:
    """Return if the plan is permitted and costs what it says; raise ``PlanRefused`` otherwise."""
    findings = find_faults(problem, plan)
    if findings:
        raise PlanRefused(findings)


def find_faults(problem: Problem, plan: Plan) -> tuple[Finding, ...]:
    """Everything that is wrong with the plan, nothing if it stands."""
    checks = _Checks(problem, plan)
    checks.locations()
    checks.quantities()
    checks.limits()
    for shipment in plan.shipments:
        checks.shipment(shipment)
        checks.legs(shipment)
    if any(candidate.legs for candidate in problem.candidates):
        checks.sharing()
    checks.costs()
    return tuple(checks.findings)


class _Checks:
    """The checks of one plan against one problem; ``findings`` collects what they refuse."""

    def __init__(self, problem: Problem, plan: Plan) -> None:
        self.findings: list[Finding] = []
        self._problem = problem
        self._plan = plan
        self._candidates = {c.location_id: c for c in problem.candidates}
        self._parts = {
            (group.line_id, part.sku): (group, part)
            for group in problem.groups
            for part in group.parts
        }

    def _expect(self, rule: str, where: str, expected: int, found: int) -> None:
        if expected != found:
            self.findings.append(Finding(rule, where, expected, found))

    def _at_most(self, rule: str, where: str, most: int, found: int) -> None:
        if found > most:
            self.findings.append(Finding(rule, where, most, found))

    def _known(self, shipment: Shipment) -> Candidate | None:
        return self._candidates.get(shipment.location_id)

    def locations(self) -> None:
        """Every location is a candidate, ships once, in order of rank, by services of its own."""
        uses = Counter(shipment.location_id for shipment in self._plan.shipments)
        for location_id, number in uses.items():
            self._expect("location ships once", location_id, 1, number)
            self._expect("location is permitted", location_id, 1, location_id in self._candidates)
        places = {c.location_id: place for place, c in enumerate(self._problem.candidates)}
        order = [places.get(shipment.location_id, -1) for shipment in self._plan.shipments]
        self._expect("shipments in order", self._problem.order_id, 1, order == sorted(order))
        for shipment in self._plan.shipments:
            candidate = self._known(shipment)
            if candidate is None:
                continue
            where, last = shipment.location_id, 0
            for parcel in shipment.parcels:
                option = option_of(candidate, parcel)
                self._expect("service is offered", where, 1, option is not None)
                if option is not None:
                    self._expect("days of a parcel", where, option.days, parcel.days)
                    last = max(last, option.days)
            self._expect("days", where, last, shipment.days)

    def quantities(self) -> None:
        """Every unit of every line is shipped or unfilled exactly once, and none is negative."""
        lines = [*self._plan.unfilled]
        for shipment in self._plan.shipments:
            lines.extend(shipment.lines)
            self._expect("shipment has lines", shipment.location_id, 1, bool(shipment.lines))
        for line in lines:
            self._expect("quantity is positive", name_of(line), 1, line.quantity > 0)
            self._expect(
                "line is ordered", name_of(line), 1, (line.line_id, line.sku) in self._parts
            )
        found = units_of(lines)
        for key, (group, part) in self._parts.items():
            self._expect("quantity", "/".join(key), group.atoms * part.units, found[key])
        for where, listed in self._listings():
            repeated = len(listed) - len({(line.line_id, line.sku) for line in listed})
            self._expect("line is listed once", where, 0, repeated)

    def _listings(self) -> Iterable[tuple[str, tuple[PlanLine, ...]]]:
        yield "unfilled", self._plan.unfilled
        for shipment in self._plan.shipments:
            yield shipment.location_id, shipment.lines
            for parcel in shipment.parcels:
                yield shipment.location_id, parcel.lines

    def limits(self) -> None:
        """The number of shipments and of parcels, and all or nothing."""
        most = self._problem.shipments_max
        if most is not None:
            self._at_most("shipments", self._problem.order_id, most, len(self._plan.shipments))
        if self._problem.parcels_max is not None:
            parcels = sum(len(shipment.parcels) for shipment in self._plan.shipments)
            self._at_most("parcels", self._problem.order_id, self._problem.parcels_max, parcels)
        if self._problem.all_or_nothing and self._plan.unfilled:
            self._expect("all or nothing", self._problem.order_id, 0, len(self._plan.shipments))

    def shipment(self, shipment: Shipment) -> None:
        """Its stock, what leaves together, and its parcels."""
        self.stock(shipment)
        self.togetherness(shipment)
        self.parcels(shipment)

    def legs(self, shipment: Shipment) -> None:
        """What a hub ships is brought to it, by runs that are shipments of their own."""
        hub = self._known(shipment)
        if hub is None or not (hub.legs or shipment.legs):
            return
        brought = units_of(line for leg in shipment.legs for line in leg.lines)
        shipped = units_of(shipment.lines)
        for key in brought.keys() | shipped.keys():
            where = f"{'/'.join(key)} to {shipment.location_id}"
            self._expect("brought", where, shipped[key], brought[key])
        unlimited = replace(self._problem.costs, parcel_limit_grams=None)
        alone = replace(self._problem, candidates=hub.legs, costs=unlimited, apart=())
        checks = _Checks(alone, replace(self._plan, shipments=shipment.legs))
        checks.locations()
        for leg in shipment.legs:
            checks.shipment(leg)
        self.findings += checks.findings

    def sharing(self) -> None:
        """A location, and the legs that bring its goods to hubs, take what there is once."""
        taken: Counter[tuple[str, str]] = Counter()
        for shipment in self._plan.shipments:
            place = self._candidates[shipment.location_id].place_id
            for sent in shipment.legs or (shipment,):
                for line in sent.lines:
                    taken[sent.location_id, line.sku] += line.quantity
                    if not shipment.legs or sent.location_id != place:
                        taken[sent.location_id, ""] += line.quantity
            if shipment.legs:
                taken[place, ""] += sum(line.quantity for line in shipment.lines)
        candidates = self._problem.candidates
        for one in (*candidates, *(leg for hub in candidates for leg in hub.legs)):
            place = one.place_id if one.legs else one.location_id
            for sku, units in () if one.legs else one.available:
                self._at_most("shared stock", f"{sku} at {place}", units, taken[place, sku])
            if one.capacity_units is not None:
                self._at_most("shared capacity", place, one.capacity_units, taken[place, ""])

    def stock(self, shipment: Shipment) -> None:
        """Units by SKU within what is available, units within capacity, no excluded line."""
        candidate = self._known(shipment)
        if candidate is None:
            return
        available = dict(candidate.available)
        units: Counter[str] = Counter()
        for line in shipment.lines:
            units[line.sku] += line.quantity
            excluded = line.line_id in candidate.excluded_line_ids
            self._expect(
                "line is permitted", f"{name_of(line)} at {shipment.location_id}", 0, excluded
            )
        for sku, number in units.items():
            where = f"{sku} at {shipment.location_id}"
            self._at_most("stock", where, available.get(sku, 0), number)
        if candidate.capacity_units is not None:
            most = candidate.capacity_units
            self._at_most("capacity", shipment.location_id, most, sum(units.values()))

    def togetherness(self, shipment: Shipment) -> None:
        """What must leave together does: the parts of every group are there in whole atoms."""
        where, quantities = shipment.location_id, units_of(shipment.lines)
        for group in self._problem.groups:
            atoms = whole_atoms(group, quantities)
            for part in group.parts:
                found = quantities[group.line_id, part.sku]
                place = f"{group.line_id}/{part.sku} at {where}"
                self._expect("whole atoms", place, atoms * part.units, found)

    def parcels(self, shipment: Shipment) -> None:
        """The parcels hold exactly the shipment, and each is what it says and may be."""
        where = shipment.location_id
        packed = units_of(line for parcel in shipment.parcels for line in parcel.lines)
        shipped = units_of(shipment.lines)
        for key in packed.keys() | shipped.keys():
            self._expect("parcelled", f"{'/'.join(key)} at {where}", shipped[key], packed[key])
        candidate = self._known(shipment)
        if candidate is None:
            return
        unlimited = []
        for parcel in shipment.parcels:
            option = option_of(candidate, parcel)
            if option is not None:
                limit = self._parcel(where, candidate, option, parcel)
                unlimited.append(limit is None)
        plain = len(candidate.options) == 1 and self._tariff(candidate.options[0])[0].is_linear
        if plain and all(unlimited) and not self._problem.apart:
            self._expect("one parcel", where, 1, len(shipment.parcels))

    def _tariff(self, option: Option) -> tuple[Tariff, int | None]:
        """The tariff of an option, and what a parcel of it may weigh."""
        tariff = self._problem.tariffs[option.tariff]
        limits = [tariff.grams_max, self._problem.costs.parcel_limit_grams]
        known = [limit for limit in limits if limit is not None]
        return tariff, min(known) if known else None

    def _parcel(
        self, where: str, candidate: Candidate, option: Option, parcel: Parcel
    ) -> int | None:
        """Weight, charged weight, emissions, what may lie together; gives the limit of weight."""
        tariff, limit = self._tariff(option)
        units = sum(line.quantity for line in parcel.lines)
        grams, volume = self._weight(parcel), self._volume(parcel)
        self._expect("parcel has units", where, 1, units > 0)
        self._expect("parcel weight", where, grams, parcel.weight_grams)
        if limit is not None and units > 1:
            self._at_most("parcel limit", where, limit, grams)
        billable = charged_grams(tariff, grams, volume)
        self._expect("charged weight", where, billable, parcel.billable_grams)
        carbon = tariff.carbon or self._problem.costs.carbon
        km = candidate.distance_km
        micrograms = carbon.parcel_micrograms + carbon.parcel_micrograms_per_km * km
        micrograms += carbon.micrograms_per_gram_km * grams * km
        self._expect("emissions", where, micrograms, parcel.micrograms)
        groups = {name: part[0] for name, part in self._parts.items()}
        held = [
            groups[line.line_id, line.sku]
            for line in parcel.lines
            if (line.line_id, line.sku) in groups
        ]
        for line in parcel.lines:
            barred = line.line_id in option.excluded_line_ids
            self._expect("service takes the line", f"{name_of(line)} at {where}", 0, barred)
        categories = {group.category for group in held}
        mixed = sum(1 for pair in self._problem.apart if set(pair) <= categories)
        self._expect("may lie together", where, 0, mixed)
        return limit

    def _weight(self, parcel: Parcel) -> int:
        known = [line for line in parcel.lines if (line.line_id, line.sku) in self._parts]
        return sum(
            line.quantity * self._parts[line.line_id, line.sku][1].weight_grams for line in known
        )

    def _volume(self, parcel: Parcel) -> int:
        known = [line for line in parcel.lines if (line.line_id, line.sku) in self._parts]
        return sum(
            line.quantity * self._parts[line.line_id, line.sku][1].cubic_mm for line in known
        )

    def costs(self) -> None:
        """Every term of every shipment, the penalties, and the totals."""
        totals: Counter[str] = Counter()
        for place, shipment in enumerate(self._plan.shipments):
            candidate = self._known(shipment)
            if candidate is None:
                continue
            terms = shipment_costs(self._problem, candidate, shipment)
            runs = {leg.location_id: leg for leg in candidate.legs}
            for leg in shipment.legs:
                brought = shipment_costs(self._problem, runs[leg.location_id], leg)
                terms.update(brought)
                for name, amount in leg.costs.items():
                    self._expect("cost", f"{name} of {leg.location_id}", brought[name], amount)
            charged = len(shipment.parcels) - (place == 0)
            terms["split"] = charged * self._problem.costs.split_charge
            totals.update(terms)
            for name, amount in shipment.costs.items():
                where = f"{name} of {shipment.location_id}"
                self._expect("cost", where, terms[name], amount)
        left = units_of(self._plan.unfilled)
        costs = self._problem.costs
        for group in self._problem.groups:
            penalty = costs.unfilled_per_atom + costs.unfilled_per_unit * group.units
            penalty += rounded(group.grams * costs.unfilled_per_kg, KG)
            totals["unfilled"] += penalty * whole_atoms(group, left)
        for name, amount in self._plan.costs.items():
            self._expect("cost", f"{name} in total", totals[name], amount)
