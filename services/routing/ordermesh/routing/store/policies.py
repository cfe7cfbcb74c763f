"""Policies in SQL."""

from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import Row, func, insert, select, update

from ordermesh.kernel.money import Money
from ordermesh.routing.domain.policy import Policy, PolicyState, Zone
from ordermesh.routing.store import bodies, versions
from ordermesh.routing.store.tables.policies import policy as policies
from ordermesh.runtime.database import Transaction


class SqlPolicyStore:
    """Keeps all versions of policies."""

    async def get(self, tx: Transaction, policy_id: str, version: int) -> Policy | None:
        """One version of a policy."""
        rows = await tx.execute(
            select(policies).where(policies.c.policy_id == policy_id, policies.c.version == version)
        )
        row = rows.one_or_none()
        return None if row is None else _policy(row)

    async def versions(self, tx: Transaction, policy_id: str) -> tuple[Policy, ...]:
        """All versions of a policy, the oldest first."""
        rows = await tx.execute(
            select(policies).where(policies.c.policy_id == policy_id).order_by(policies.c.version)
        )
        return tuple(_policy(row) for row in rows)

    async def active(self, tx: Transaction) -> tuple[Policy, ...]:
        """All versions that are active, whether in force or not."""
        rows = await tx.execute(
            select(policies)
            .where(policies.c.state == PolicyState.ACTIVE)
            .order_by(policies.c.policy_id, policies.c.version)
        )
        return tuple(_policy(row) for row in rows)

    async def add(self, tx: Transaction, policy: Policy, now: datetime) -> Policy:
        """Store the next version; gives it with its number. A twin's number is a key conflict."""
        highest = await tx.execute(
            select(func.coalesce(func.max(policies.c.version), 0)).where(
                policies.c.policy_id == policy.policy_id
            )
        )
        saved = replace(policy, version=highest.scalar_one() + 1, create_time=now)
        await tx.execute(insert(policies).values(values_of(saved)))
        await versions.changed(tx, versions.POLICIES)
        return saved

    async def put_state(self, tx: Transaction, policy: Policy, state: PolicyState) -> None:
        """Say what a version is for from now on."""
        await tx.execute(
            update(policies)
            .where(policies.c.policy_id == policy.policy_id, policies.c.version == policy.version)
            .values(state=state)
        )
        await versions.changed(tx, versions.POLICIES)

    async def page(self, tx: Transaction, after: str, size: int) -> tuple[tuple[Policy, ...], ...]:
        """All versions of the next policies after an id, by policy."""
        names = (
            select(policies.c.policy_id)
            .where(policies.c.policy_id > after)
            .distinct()
            .order_by(policies.c.policy_id)
            .limit(size)
            .subquery()
        )
        rows = await tx.execute(
            select(policies)
            .join(names, policies.c.policy_id == names.c.policy_id)
            .order_by(policies.c.policy_id, policies.c.version)
        )
        by_id: dict[str, list[Policy]] = {}
        for row in rows:
            by_id.setdefault(row.policy_id, []).append(_policy(row))
        return tuple(tuple(found) for found in by_id.values())

    async def version_page(
        self, tx: Transaction, policy_id: str, after: int, size: int
    ) -> list[Policy]:
        """The next versions of a policy after a number."""
        rows = await tx.execute(
            select(policies)
            .where(policies.c.policy_id == policy_id, policies.c.version > after)
            .order_by(policies.c.version)
            .limit(size)
        )
        return [_policy(row) for row in rows]


def values_of(policy: Policy) -> dict[str, Any]:
    """A policy as a row."""
    return {
        "policy_id": policy.policy_id,
        "version": policy.version,
        "name": policy.name,
        "currency_code": policy.currency_code,
        "zones": [
            [zone.distance_km_max, zone.freight_per_parcel, zone.freight_per_kg, zone.transit_days]
            for zone in policy.zones
        ],
        "split_charge": policy.split_charge,
        "transit_day_cost": policy.transit_day_cost,
        "late_day_cost": policy.late_day_cost,
        "carbon_price_per_kg": policy.carbon_price_per_kg,
        "unfilled_fixed": policy.unfilled_fixed,
        "unfilled_per_unit": policy.unfilled_per_unit,
        "unfilled_per_kg": policy.unfilled_per_kg,
        "parcel_grams_max": policy.parcel_grams_max,
        "shipments_max": policy.shipments_max,
        "create_time": policy.create_time,
        "state": policy.state,
        "priority": policy.priority,
        "body": bodies.written(policy),
    }


def _policy(row: Row[Any]) -> Policy:
    body = bodies.read(row.body)
    return Policy(
        policy_id=row.policy_id,
        version=row.version,
        name=row.name,
        currency_code=row.currency_code,
        zones=tuple(
            Zone(edge, Money(parcel), Money(kilogram), days)
            for edge, parcel, kilogram, days in row.zones
        ),
        split_charge=Money(row.split_charge),
        transit_day_cost=Money(row.transit_day_cost),
        late_day_cost=Money(row.late_day_cost),
        carbon_price_per_kg=Money(row.carbon_price_per_kg),
        unfilled_fixed=Money(row.unfilled_fixed),
        unfilled_per_unit=Money(row.unfilled_per_unit),
        unfilled_per_kg=Money(row.unfilled_per_kg),
        parcel_grams_max=row.parcel_grams_max,
        shipments_max=row.shipments_max,
        create_time=row.create_time,
        state=PolicyState(row.state),
        priority=row.priority,
        windows=body.windows,
        chosen_when=body.chosen_when,
        rules=body.rules,
        tiers=body.tiers,
        stages=body.stages,
        reassignment_charge=body.reassignment_charge,
    )
