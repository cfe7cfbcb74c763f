"""Services of carriers as rules leave them: some are banned, others are charged for each parcel."""

from collections.abc import Iterable, Mapping
from dataclasses import replace

from ordermesh.kernel.money import Money
from ordermesh.routing.domain.carrier_calendars import CarrierCalendars
from ordermesh.routing.domain.rules.result import Evaluation, ServiceChange
from ordermesh.routing.domain.sourcing import ZONE_SERVICE, SourcingService
from ordermesh.routing.domain.tariffs import Bracket, Tariff

Services = tuple[SourcingService, ...] | None
"""What reaches a destination; None where only the zones of the policy do."""


def changes_by_location(evaluation: Evaluation) -> Mapping[str, list[ServiceChange]]:
    """What rules change of services, by location."""
    found: dict[str, list[ServiceChange]] = {}
    for one in evaluation.services:
        found.setdefault(one.location_id, []).append(one)
    return found


def served(
    services: Services, why_not: str, changes: Iterable[ServiceChange], carriers: CarrierCalendars
) -> tuple[Services, str]:
    """The services that are left with their prices, and why there is none where none is left."""
    listed = tuple(changes)
    if not listed:
        return services, why_not
    bans = [one for one in listed if one.rule.banned]
    if services is None:
        ban = next((one for one in bans if one.rule.is_about(ZONE_SERVICE, ())), None)
        if ban is None:
            return None, why_not
        return (), f"{ban.rule_id} bans service {ZONE_SERVICE}"
    left, banning = [], set()
    for service in services:
        name, features = _known_as(service, carriers)
        ban = next((one for one in bans if one.rule.is_about(name, features)), None)
        if ban is not None:
            banning.add(ban.rule_id)
            continue
        tariff = service.tariff
        for one in listed:
            if not one.rule.banned and one.rule.is_about(name, features):
                tariff = _dearer(tariff, one)
        left.append(replace(service, tariff=tariff))
    if services and not left:
        return (), f"{' and '.join(sorted(banning))} ban every service from here"
    return tuple(left), why_not


def _known_as(
    service: SourcingService, carriers: CarrierCalendars
) -> tuple[str, tuple[str, ...] | None]:
    """How rules call a service, whatever surcharges its parcels bear, and its features."""
    known = carriers.service(service.service_id)
    if known is None:
        return service.service_id, None
    carrier_id = service.service_id.partition("/")[0]
    return f"{carrier_id}/{known.service_id}", known.features


def zone_charge(changes: Iterable[ServiceChange]) -> int:
    """What rules charge for each parcel that goes by the zones of the policy."""
    return sum(
        one.rule.per_parcel
        for one in changes
        if not one.rule.banned and one.rule.is_about(ZONE_SERVICE, ())
    )


def _dearer(tariff: Tariff, change: ServiceChange) -> Tariff:
    """The tariff with so much more for each parcel."""
    return replace(
        tariff,
        tariff_id=f"{tariff.tariff_id}+{change.rule_id}",
        per_parcel=Money(tariff.per_parcel + change.rule.per_parcel),
        brackets=tuple(
            Bracket(one.grams_max, Money(one.price + change.rule.per_parcel))
            for one in tariff.brackets
        ),
    )
