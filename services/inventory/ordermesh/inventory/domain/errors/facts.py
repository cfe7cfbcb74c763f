"""How refusals name keys, and many things at once."""

from collections.abc import Iterable

from ordermesh.inventory.domain.key import StockKey
from ordermesh.kernel.errors import Facts


def place(key: StockKey) -> Facts:
    """The facts that name a key."""
    return {"sku": key.sku, "locationId": key.location_id}


def named(names: Iterable[object]) -> str:
    """Names for a sentence: the first few, and how many more there are."""
    shown = [str(name) for name in names]
    return ", ".join(shown[:5]) + (f" and {len(shown) - 5} more" if len(shown) > 5 else "")
