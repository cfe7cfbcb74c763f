"""What is said of kits themselves, besides what is said of their components."""

from collections.abc import Collection
from dataclasses import replace

from ordermesh.inventory.domain.key import StockKey
from ordermesh.inventory.domain.selling import Terms
from ordermesh.inventory.ports.stores import Stores
from ordermesh.runtime.database import Transaction


async def with_kits(
    stores: Stores, tx: Transaction, terms: Terms, kits: Collection[StockKey]
) -> Terms:
    """The terms of components with what is said of the kits that they are, or would be, parts of.

    Whoever decides about components of kits needs it: the terms of locked balances know no kits.
    """
    if not kits:
        return terms
    features = await stores.items.features(tx, {kit.sku for kit in kits})
    off = {kit for kit in kits if features[kit.sku].is_unsellable}
    tags = {sku: found.tags for sku, found in features.items()}
    return replace(terms, off=terms.off | off, tags={**terms.tags, **tags})
