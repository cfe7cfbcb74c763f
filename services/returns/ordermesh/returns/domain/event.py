"""What happened to a return, in the past tense. Each is told with the return as it was then."""

from dataclasses import dataclass

from ordermesh.returns.domain.order_return import DisposedUnits, Receipt, Refund


@dataclass(frozen=True, slots=True)
class Authorized:
    """Goods may come back."""


@dataclass(frozen=True, slots=True)
class Received:
    """Goods came back."""

    receipt: Receipt


@dataclass(frozen=True, slots=True)
class Completed:
    """The ledger knows of all that came back."""


@dataclass(frozen=True, slots=True)
class Cancelled:
    """Nothing will come back."""


@dataclass(frozen=True, slots=True)
class Disposed:
    """It was decided what becomes of units that were kept apart."""

    units: tuple[DisposedUnits, ...]


@dataclass(frozen=True, slots=True)
class RefundDue:
    """Money is due to a customer."""

    refund: Refund


Event = Authorized | Received | Completed | Cancelled | Disposed | RefundDue
"""Any of them."""
