"""What is best for an order under rules, found by reading them and trying all there is to try.

Every place is tried for every atom, every way over a hub, every substitute and every stage, and
money is added up here. Nothing is shared with what is tested but distances, the days that a hub
needs, and the names of rules and facts.
"""

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

from ordermesh.routing.domain.capacity import AtLimit
from ordermesh.routing.domain.consolidating import _days
from ordermesh.routing.domain.geography import distance_km
from ordermesh.routing.domain.rules.rule import (
    Mode,
)
from ordermesh.routing.domain.rules.substitute import Substitute, When
from ordermesh.routing.domain.terms import Term
from tests.routing.reading import Line, Reading, Stage, ordered, rounded, stages
from tests.routing.ruled import Scene


@dataclass(frozen=True)
class Atom:
    """What leaves together or not at all: units by item, for some lines, under one name."""

    name: str
    lines: tuple[str, ...]
    units: tuple[tuple[str, int], ...]
    grams: int

    @property
    def count(self) -> int:
        return sum(number for _, number in self.units)


@dataclass(frozen=True)
class Worth:
    """What a plan comes to: its tiers, its cost, and units by line that it leaves."""

    tiers: tuple[int, ...]
    cost: int
    left: tuple[tuple[str, int], ...]
    sends: bool


def best(scene: Scene) -> tuple[int, list[Worth]]:
    """The stage that decides, and what may be best there: several where plans tie that matter."""
    for number, stage in enumerate(stages(scene)):
        found = _of_stage(scene, stage)
        if all(not one.left for one in found):
            return number, found
    return number, found


def _of_stage(scene: Scene, stage: Stage) -> list[Worth]:
    lines = ordered(scene)
    as_ordered = Plans(scene, stage, lines).best()
    offers = Plans(scene, stage, lines).offers()
    results = []
    for tied in as_ordered:
        short = {one.sku for one in lines if one.line_id in dict(tied.left)}
        ways: list[list[Line]] = []
        for line in lines:
            offered = [
                _instead(scene, line, offer)
                for offer in offers.get(line.line_id, ())
                if offer.when is When.CHEAPER or line.sku in short
            ]
            ways.append([line, *offered])
        others = [
            Plans(scene, stage, chosen).best()[0]
            for chosen in itertools.product(*ways)
            if chosen != lines
        ]
        found = [tied, *(one for one in others if one.sends)]
        results.append(min(found, key=lambda one: one.tiers))
    return results


def _instead(scene: Scene, line: Line, offer: Substitute) -> Line:
    together = line.is_together or scene.known.items[offer.sku].keep_together
    return replace(
        line, sku=offer.sku, each=offer.units_each, is_together=together, extra=offer.per_unit
    )


class Plans(Reading):
    """Every plan that the rules allow."""

    def atoms(self) -> list[tuple[Atom, int]]:
        """What leaves together, and how often there is the same."""
        found = []
        by_id = {one.line_id: one for one in self.lines}
        inside = {name for bundle in self.bundles for name in bundle}
        groups = [*self.bundles, *([name] for name in by_id if name not in inside)]
        for names in groups:
            lines = [by_id[name] for name in names]
            is_one = len(lines) > 1 or lines[0].is_together or names[0] in self.whole
            times = 1 if is_one else lines[0].quantity
            units: dict[str, int] = {}
            for one in lines:
                units[one.sku] = units.get(one.sku, 0) + one.units // times
            grams = sum(
                self.scene.known.items[sku].weight_grams * number for sku, number in units.items()
            )
            found.append((Atom(names[0], tuple(names), tuple(units.items()), grams), times))
        return found

    def category(self, atom: Atom) -> tuple[str, ...]:
        return tuple(sorted({rule for name in atom.lines for rule in self.apart.get(name, ())}))

    def zone(self, place: str) -> tuple[int, int, int]:
        """Freight of a parcel and of a kilogram, and days of transit."""
        for one in self.scene.known.policy.zones:
            if self.km[place] <= one.distance_km_max:
                return one.freight_per_parcel, one.freight_per_kg, one.transit_days
        raise ValueError("every place of a scene is within the zones")

    def latest(self) -> int | None:
        """The promise as it counts."""
        if not self.scene.question.promise_days:
            return None
        tolerance = 0 if self.promise is None else self.promise.tolerance_days
        return self.scene.question.promise_days + tolerance

    def is_in_time(self, place: str, handled: int) -> bool:
        latest = self.latest()
        if latest is None or self.promise is None or not self.promise.hard:
            return True
        return handled + self.zone(place)[2] <= latest + self.stage.more_days

    def fenced(self, place: str, atom: Atom, *, whole: bool = False) -> bool:
        """Whether a rule keeps it here; with ``whole`` not for the stock here alone."""
        said = [self.gone.get((place, name)) for name in atom.lines]
        return any(one is not None and not (whole and one) for one in said)

    def hub_days(self, hub: str) -> dict[str, int]:
        """Days until a hub has handed over what each location could bring."""
        known = self.scene.known
        if not any(self.scene.stock.get(name) for name in self.places):
            return {}
        found = {}
        for name, entry in self.places.items():
            if not any(self.scene.stock.get(name, {}).values()):
                continue
            if name == hub:
                found[hub] = entry.handling_days
            for lane in known.book.transfers(name, hub):
                found[name] = _days(known, entry, lane, self.places[hub])
        return found if set(found) - {hub} else {}

    def ways(self, rooms: Mapping[str, int | None]) -> list[tuple[str, int, str]]:
        """Who sends, after how many days, and for a hub who brings it."""
        found = []
        for name, entry in self.places.items():
            if name in self.banned or rooms[name] == 0:
                continue
            if self.is_in_time(name, entry.handling_days):
                found.append((name, entry.handling_days, ""))
        for hub in self.hubs:
            brought = self.hub_days(hub)
            if hub in self.banned or rooms[hub] == 0:
                continue
            for days in sorted(set(brought.values())):
                if not self.is_in_time(hub, days):
                    continue
                for name, needs in brought.items():
                    if needs <= days and (name == hub or rooms[name] != 0):
                        found.append((hub, days, name))
        return found

    def rooms(self) -> Iterator[dict[str, int | None]]:
        """Units that locations can send: with full ones closed, then with those that rank last."""
        if self.stage.beyond:
            yield dict.fromkeys(self.places)
            return
        soft = any(
            one.at_limit is AtLimit.RANK_LAST
            for entry in self.places.values()
            for one in entry.capacities
        )
        again = soft or Mode.RANK_LAST in self.modes.values()
        for is_second in (False, True)[: 1 + again]:
            found: dict[str, int | None] = {}
            for name, entry in self.places.items():
                mode = self.modes.get(name)
                counting = [
                    one.limit
                    for one in entry.capacities
                    if not is_second or mode is Mode.HARD or one.at_limit is AtLimit.LEAVE_OUT
                ]
                is_open = mode is Mode.IGNORED or (is_second and mode is Mode.RANK_LAST)
                found[name] = None if is_open or not counting else min(counting)
            yield found

    def best(self) -> list[Worth]:
        """The plans that may be best: those that tie and leave other lines."""
        found: list[Worth] = []
        for rooms in self.rooms():
            worths = list(self.plans(rooms))
            least = min(one.tiers for one in worths)
            found = [one for one in worths if one.tiers == least]
            if all(not one.left for one in found):
                break
        return list({one.left: one for one in found}.values())

    def plans(self, rooms: Mapping[str, int | None]) -> Iterator[Worth]:
        """Every permitted plan; the one that sends nothing where all or nothing is wanted."""
        policy = self.scene.known.policy
        limits = [one for one in (policy.shipments_max, self.shipments) if one]
        shipments_max = min(limits) + self.stage.more_shipments if limits else None
        parcels_max = self.parcels + self.stage.more_parcels if self.parcels else None
        whole = self.complete or not self.stage.partial
        atoms, ways = self.atoms(), self.ways(rooms)
        choices = []
        for atom, times in atoms:
            own = [
                (name, days, leg)
                for name, days, leg in ways
                if not self.fenced(name, atom, whole=bool(leg))
                and not (leg and self.fenced(leg, atom))
            ]
            choices.append(list(itertools.combinations_with_replacement([None, *own], times)))
        for chosen in itertools.product(*choices):
            taken: dict[tuple[str, int, bool], list[tuple[Atom, str]]] = {}
            missing = []
            for (atom, _), ways_taken in zip(atoms, chosen, strict=True):
                for way in ways_taken:
                    if way is None:
                        missing.append(atom)
                        continue
                    name, days, leg = way
                    taken.setdefault((name, days, bool(leg)), []).append((atom, leg))
            if missing and whole and taken:
                continue
            if shipments_max is not None and len(taken) > shipments_max:
                continue
            if not self.is_there(taken, rooms):
                continue
            worth = self.worth(taken, missing, parcels_max)
            if worth is not None:
                yield worth

    def is_there(
        self,
        taken: Mapping[tuple[str, int, bool], Sequence[tuple[Atom, str]]],
        rooms: Mapping[str, int | None],
    ) -> bool:
        """Whether stock and capacity are enough."""
        units: dict[tuple[str, str], int] = {}
        work: dict[str, int] = {}
        for (name, _, _), atoms in taken.items():
            for atom, leg in atoms:
                for sku, number in atom.units:
                    key = (leg or name, sku)
                    units[key] = units.get(key, 0) + number
                for place in {name, leg or name}:
                    work[place] = work.get(place, 0) + atom.count
        for place, number in work.items():
            room = rooms[place]
            if room is not None and number > room:
                return False
        return all(number <= self.held(*key) for key, number in units.items())

    def worth(
        self,
        taken: Mapping[tuple[str, int, bool], Sequence[tuple[Atom, str]]],
        missing: Sequence[Atom],
        parcels_max: int | None,
    ) -> Worth | None:
        policy, latest = self.scene.known.policy, self.latest()
        cost = liked = parcels = late = 0
        for (name, days, is_hub), atoms in taken.items():
            freight, per_kg, transit = self.zone(name)
            boxes = len({self.category(atom) for atom, _ in atoms})
            parcels += boxes
            entry = self.places[name]
            each = freight + entry.pick_fee + self.parcel.get(name, 0) + self.service.get(name, 0)
            cost += boxes * (each + self.carbon(name, self.km[name], None))
            cost += self.once(name) + entry.labor_cost_per_line * len({a.name for a, _ in atoms})
            liked += self.liked.get((name, ""), 0)
            overdue = 0 if latest is None else max(0, days + transit - latest)
            for atom, _ in atoms:
                cost += rounded(Fraction(atom.grams * per_kg, 1000))
                cost += entry.labor_cost_per_unit * atom.count
                cost += self.carbon(name, self.km[name], atom)
                cost += policy.transit_day_cost * transit + policy.late_day_cost * overdue
                late += overdue > 0
                if not is_hub:
                    cost += self.money.get((name, atom.name), 0) * atom.count
                    liked += self.liked.get((name, atom.name), 0) * atom.count
            if is_hub:
                more, pleased = self.brought(name, atoms)
                cost, liked = cost + more, liked + pleased
        if parcels_max is not None and parcels > parcels_max:
            return None
        cost += policy.split_charge * max(0, parcels - 1)
        left: dict[str, int] = {}
        for atom in missing:
            cost += policy.unfilled_fixed + policy.unfilled_per_unit * atom.count
            cost += rounded(Fraction(atom.grams * policy.unfilled_per_kg, 1000))
            left |= dict.fromkeys(atom.lines, 1)
        terms = {
            Term.UNFILLED_UNITS: sum(atom.count for atom in missing),
            Term.LATE_ATOMS: late,
            Term.SHIPMENTS: len(taken),
            Term.PARCELS: parcels,
            Term.PREFERENCE: liked,
            Term.COST: cost,
        }
        tiers = tuple(terms[tier.terms[0].term] for tier in policy.tiers) or (cost,)
        return Worth(tiers, cost, tuple(sorted(left.items())), bool(taken))

    def once(self, place: str) -> int:
        """What a shipment from here costs once: by rules, and because it may be rejected."""
        policy, entry = self.scene.known.policy, self.places[place]
        again = policy.split_charge + policy.zones[0].freight_per_parcel + entry.pick_fee
        risk = rounded(Fraction(again * entry.reject_permille, 1000))
        return self.money.get((place, ""), 0) + risk

    def carbon(self, place: str, km: int, atom: Atom | None) -> int:
        """CO2e of a parcel, or of an atom in it: 250 g and 0.06 g a km, 0.1 g a kg and km."""
        grams = Fraction(250) + Fraction(6, 100) * km
        if atom is not None:
            grams = Fraction(atom.grams * km, 10_000)
        return rounded(grams / 1000 * self.scene.known.policy.carbon_price_per_kg)

    def brought(self, hub: str, atoms: Sequence[tuple[Atom, str]]) -> tuple[int, int]:
        """What bringing this to a hub costs, and what of it is a preference."""
        known, cost, liked = self.scene.known, 0, 0
        for name in {leg for _, leg in atoms}:
            own = [atom for atom, leg in atoms if leg == name]
            for atom in own:
                cost += self.money.get((name, atom.name), 0) * atom.count
                liked += self.liked.get((name, atom.name), 0) * atom.count
            if name == hub:
                continue
            entry, (lane,) = self.places[name], known.book.transfers(name, hub)
            km = distance_km(known.locations[name].place, known.locations[hub].place)
            cost += self.once(name) + lane.fixed_cost + self.carbon(name, km, None)
            liked += self.liked.get((name, ""), 0)
            cost += entry.pick_fee + self.parcel.get(name, 0)
            cost += entry.labor_cost_per_line * len({atom.name for atom in own})
            for atom in own:
                cost += (lane.cost_per_unit + entry.labor_cost_per_unit) * atom.count
                cost += self.carbon(name, km, atom)
        return cost, liked
