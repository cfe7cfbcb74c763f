"""The independent verifier: is this plan permitted, and does it cost what it says?

It reads the problem and the plan, shares no arithmetic with those who make plans, and refuses on
a difference of one unit of anything. Costs are recomputed as fractions and rounded half to even.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction

from ordermesh.routing.domain.parcelling import PlanLine
from ordermesh.routing.domain.plan import Parcel, Plan, Shipment
from ordermesh.routing.domain.problem import Candidate, Group, Option, Problem
from ordermesh.routing.domain.tariffs import Tariff

_KG = 1_000
_KG_OF_CARBON = 1_000_000_000


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
        checks.stock(shipment)
        checks.togetherness(shipment)
        checks.parcels(shipment)
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
                option = _option(candidate, parcel)
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
            self._expect("quantity is positive", _name(line), 1, line.quantity > 0)
            self._expect("line is ordered", _name(line), 1, (line.line_id, line.sku) in self._parts)
        found = _sum(lines)
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
                "line is permitted", f"{_name(line)} at {shipment.location_id}", 0, excluded
            )
        for sku, number in units.items():
            where = f"{sku} at {shipment.location_id}"
            self._at_most("stock", where, available.get(sku, 0), number)
        if candidate.capacity_units is not None:
            most = candidate.capacity_units
            self._at_most("capacity", shipment.location_id, most, sum(units.values()))

    def togetherness(self, shipment: Shipment) -> None:
        """What must leave together does: the parts of every group are there in whole atoms."""
        where, quantities = shipment.location_id, _sum(shipment.lines)
        for group in self._problem.groups:
            atoms = _atoms(group, quantities)
            for part in group.parts:
                found = quantities[group.line_id, part.sku]
                place = f"{group.line_id}/{part.sku} at {where}"
                self._expect("whole atoms", place, atoms * part.units, found)

    def parcels(self, shipment: Shipment) -> None:
        """The parcels hold exactly the shipment, and each is what it says and may be."""
        where = shipment.location_id
        packed = _sum(line for parcel in shipment.parcels for line in parcel.lines)
        shipped = _sum(shipment.lines)
        for key in packed.keys() | shipped.keys():
            self._expect("parcelled", f"{'/'.join(key)} at {where}", shipped[key], packed[key])
        candidate = self._known(shipment)
        if candidate is None:
            return
        unlimited = []
        for parcel in shipment.parcels:
            option = _option(candidate, parcel)
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
        billable = _billable(tariff, grams, volume)
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
            self._expect("service takes the line", f"{_name(line)} at {where}", 0, barred)
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
            terms = _shipment_costs(self._problem, candidate, shipment)
            charged = len(shipment.parcels) - (place == 0)
            terms["split"] = charged * self._problem.costs.split_charge
            totals.update(terms)
            for name, amount in shipment.costs.items():
                where = f"{name} of {shipment.location_id}"
                self._expect("cost", where, terms[name], amount)
        left = _sum(self._plan.unfilled)
        costs = self._problem.costs
        for group in self._problem.groups:
            penalty = costs.unfilled_per_atom + costs.unfilled_per_unit * group.units
            penalty += _rounded(group.grams * costs.unfilled_per_kg, _KG)
            totals["unfilled"] += penalty * _atoms(group, left)
        for name, amount in self._plan.costs.items():
            self._expect("cost", f"{name} in total", totals[name], amount)


def _shipment_costs(problem: Problem, candidate: Candidate, shipment: Shipment) -> Counter[str]:
    """The terms of a shipment by name, from the rates of the problem alone."""
    costs, km = problem.costs, candidate.distance_km
    price = costs.carbon.price_per_kg
    terms: Counter[str] = Counter(handling=candidate.handling_per_shipment)
    terms["labor"] += candidate.labor_per_line * len({line.line_id for line in shipment.lines})
    for one in candidate.adjustments:
        if not one.line_id:
            terms[one.kind.value.lower()] += one.amount
    for parcel in shipment.parcels:
        option = _option(candidate, parcel)
        if option is None:
            continue
        tariff = problem.tariffs[option.tariff]
        carbon = tariff.carbon or costs.carbon
        emitted = carbon.parcel_micrograms + carbon.parcel_micrograms_per_km * km
        terms["freight"] += _parcel_price(tariff, parcel.billable_grams)
        terms["pick"] += candidate.pick_fee_per_parcel
        terms["carbon"] += _rounded(emitted * price, _KG_OF_CARBON)
    for option, group, atoms in _atoms_by_option(problem, candidate, shipment):
        tariff = problem.tariffs[option.tariff]
        carbon = tariff.carbon or costs.carbon
        grams = sum(part.units * part.weight_grams for part in group.parts)
        units = sum(part.units for part in group.parts)
        emitted = carbon.micrograms_per_gram_km * grams * km
        late = 0 if problem.promise_days is None else max(0, option.days - problem.promise_days)
        if tariff.is_linear:
            terms["freight"] += atoms * _rounded(grams * tariff.per_kg, _KG)
        terms["freight"] += atoms * units * tariff.per_unit
        terms["carbon"] += atoms * _rounded(emitted * price, _KG_OF_CARBON)
        terms["labor"] += atoms * candidate.labor_per_unit * units
        terms["transit"] += atoms * costs.transit_day * option.transit_days
        terms["late"] += atoms * costs.late_day * late
        for one in candidate.adjustments:
            if one.line_id == group.line_id:
                terms[one.kind.value.lower()] += atoms * units * one.amount
    return terms


def _atoms_by_option(
    problem: Problem, candidate: Candidate, shipment: Shipment
) -> Iterable[tuple[Option, Group, int]]:
    """Atoms by the option that takes them; by one option they may lie in several parcels."""
    used = {parcel.service_id for parcel in shipment.parcels}
    held: list[tuple[Option | None, Counter[tuple[str, str]]]]
    if len(used) == 1:
        held = [(_option(candidate, shipment.parcels[0]), _sum(shipment.lines))]
    else:
        held = [(_option(candidate, one), _sum(one.lines)) for one in shipment.parcels]
    for option, quantities in held:
        if option is not None:
            for group in problem.groups:
                yield option, group, _atoms(group, quantities)


def _option(candidate: Candidate, parcel: Parcel) -> Option | None:
    return next((one for one in candidate.options if one.service_id == parcel.service_id), None)


def _billable(tariff: Tariff, grams: int, cubic_mm: int) -> int:
    """The charged weight: the greater of weight and size, in whole steps."""
    density = tariff.cubic_mm_per_gram
    by_size = (cubic_mm + density - 1) // density if density else 0
    steps, rest = divmod(max(grams, by_size), tariff.grams_step)
    return (steps + (rest > 0)) * tariff.grams_step


def _parcel_price(tariff: Tariff, billable: int) -> int:
    """What one parcel costs beside what its atoms pay for their own weight."""
    if tariff.is_linear:
        return tariff.per_parcel
    last = 0
    for bracket in tariff.brackets:
        last = bracket.grams_max
        if billable <= last:
            return bracket.price
    return tariff.per_parcel + _rounded((billable - last) * tariff.per_kg, _KG)


def _rounded(numerator: int, denominator: int) -> int:
    """Rounded half to even, by way of an exact fraction."""
    return round(Fraction(numerator, denominator))


def _sum(lines: Iterable[PlanLine]) -> Counter[tuple[str, str]]:
    """Units by line and SKU."""
    units: Counter[tuple[str, str]] = Counter()
    for line in lines:
        units[line.line_id, line.sku] += line.quantity
    return units


def _atoms(group: Group, quantities: Counter[tuple[str, str]]) -> int:
    """Whole atoms of the group among these units, judged by its first part."""
    first = group.parts[0]
    return quantities[group.line_id, first.sku] // first.units


def _name(line: PlanLine) -> str:
    return f"{line.line_id}/{line.sku}"
