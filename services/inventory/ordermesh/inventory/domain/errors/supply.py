"""Supplies that are not there, or cannot become what is asked."""

from collections.abc import Iterable
from typing import ClassVar
from uuid import UUID

from ordermesh.inventory.domain.errors.facts import named, place
from ordermesh.inventory.domain.key import StockKey
from ordermesh.kernel.errors import InvalidRequest, NotFound, RuleViolated


class SupplyNotFound(NotFound):
    """No supply has one of these ids."""

    reason: ClassVar[str] = "SUPPLY_NOT_FOUND"

    def __init__(self, supply_ids: Iterable[str]) -> None:
        names = sorted(set(supply_ids))
        super().__init__(
            f"No supply is called {named(names)}.", *({"supplyId": name} for name in names)
        )


class SupplyKeyChanged(InvalidRequest):
    """What a supply is of, where it goes and its kind never change."""

    reason: ClassVar[str] = "SUPPLY_KEY_CHANGED"

    def __init__(self, supply_id: str, key: StockKey) -> None:
        super().__init__(
            f"Supply {supply_id} is of {key} for ever.", {"supplyId": supply_id, **place(key)}
        )


class SupplyVersionReused(InvalidRequest):
    """The announcer told something else under the same version before."""

    reason: ClassVar[str] = "SUPPLY_VERSION_REUSED"

    def __init__(self, supply_id: str, version: int) -> None:
        super().__init__(
            f"Version {version} of supply {supply_id} was something else.",
            {"supplyId": supply_id, "version": version},
        )


class SupplyStateRefused(RuleViolated):
    """No way leads from the state of the supply to the one that is wanted."""

    reason: ClassVar[str] = "SUPPLY_STATE_REFUSED"

    def __init__(self, supply_id: str, state: str, wanted: str) -> None:
        super().__init__(
            f"Supply {supply_id} is {state} and cannot become {wanted} like this.",
            {"supplyId": supply_id, "state": state, "wanted": wanted},
        )


class SupplyIdTaken(RuleViolated):
    """Another supply has this id."""

    reason: ClassVar[str] = "SUPPLY_ID_TAKEN"

    def __init__(self, supply_id: str) -> None:
        super().__init__(f"Another supply is called {supply_id}.", {"supplyId": supply_id})


class TransferInTransit(RuleViolated):
    """Units that are on their way are received or written off, never wished away."""

    reason: ClassVar[str] = "TRANSFER_IN_TRANSIT"

    def __init__(self, supply_id: str, units: int) -> None:
        super().__init__(
            f"{units} units of transfer {supply_id} are on their way.",
            {"supplyId": supply_id, "inTransit": units},
        )


class MoreThanExpected(RuleViolated):
    """More of a supply came, or is to be written off, than is still to come."""

    reason: ClassVar[str] = "MORE_THAN_EXPECTED"

    def __init__(self, *rows: tuple[str, int, int]) -> None:
        super().__init__(
            f"Less is expected than that of {named(supply_id for supply_id, _, _ in rows)}.",
            *(
                {"supplyId": supply_id, "wanted": wanted, "expected": expected}
                for supply_id, wanted, expected in rows
            ),
        )


class WaitsForSupply(RuleViolated):
    """The line waits for goods that have not come, or will not. Rows: line, key, supply, units."""

    reason: ClassVar[str] = "WAITS_FOR_SUPPLY"

    def __init__(self, reservation_id: UUID, *lines: tuple[str, StockKey, str, int]) -> None:
        super().__init__(
            f"Goods are still to come for {named(line_id for line_id, _, _, _ in lines)}.",
            *(
                {
                    "reservationId": reservation_id,
                    "lineId": line_id,
                    **place(key),
                    "supplyId": supply_id,
                    "waiting": units,
                }
                for line_id, key, supply_id, units in lines
            ),
        )
