"""Services of carriers as rules leave them: some are banned, others are charged for each parcel."""

from collections.abc import Iterable, Mapping
from dataclasses import replace

from ordermesh.kernel.money import Money
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
    services: Services, why_not: str, changes: Iterable[ServiceChange]
) -> tuple[Services, str]:
    """The services that are left with their prices, and why there is none where none is left."""
    listed = tuple(changes)
    if not listed:
        return services, why_not
    banned = {name: one for one in listed if one.banned for name in one.service_ids}
    if services is None:
        if ZONE_SERVICE not in banned:
            return None, why_not
        return (), f"{banned[ZONE_SERVICE].rule_id} bans service {ZONE_SERVICE}"
    left = tuple(one for one in services if one.service_id not in banned)
    if services and not left:
        rules = sorted({banned[one.service_id].rule_id for one in services})
        return (), f"{' and '.join(rules)} ban every service from here"
    return tuple(_priced(one, listed) for one in left), why_not


def zone_charge(changes: Iterable[ServiceChange]) -> int:
    """What rules charge for each parcel that goes by the zones of the policy."""
    return sum(
        one.per_parcel for one in changes if not one.banned and ZONE_SERVICE in one.service_ids
    )


def _priced(service: SourcingService, changes: Iterable[ServiceChange]) -> SourcingService:
    for one in changes:
        if not one.banned and service.service_id in one.service_ids:
            service = replace(service, tariff=_dearer(service.tariff, one))
    return service


def _dearer(tariff: Tariff, change: ServiceChange) -> Tariff:
    """The tariff with so much more for each parcel."""
    return replace(
        tariff,
        tariff_id=f"{tariff.tariff_id}+{change.rule_id}",
        per_parcel=Money(tariff.per_parcel + change.per_parcel),
        brackets=tuple(
            Bracket(one.grams_max, Money(one.price + change.per_parcel)) for one in tariff.brackets
        ),
    )
