"""What is wanted of an order line, in the words of sourcing."""

from collections.abc import Iterable, Mapping
from dataclasses import replace

from ordermesh.routing.domain.carriage.offering import cubic_mm
from ordermesh.routing.domain.item import Item
from ordermesh.routing.domain.rules.result import Limits
from ordermesh.routing.domain.sourcing import SourcingComponent, SourcingLine
from ordermesh.routing.domain.wanted import Wanted


def sourcing_lines(
    wanted: Wanted, items: Mapping[str, Item], limits: Limits
) -> Iterable[SourcingLine]:
    """A line as the solver wants it."""
    line, category = wanted.line, limits.category(wanted.line.line_id)
    if line.line_id in limits.whole_line_ids:
        line = replace(line, keep_together=True)
    weights = {sku: items[sku].weight_grams if sku in items else 0 for sku in wanted.units}
    volumes = {sku: cubic_mm(items[sku]) if sku in items else 0 for sku in wanted.units}
    if not line.components:
        yield SourcingLine(
            line.line_id,
            line.sku,
            wanted.units[line.sku],
            weights[line.sku],
            divisible=not line.keep_together,
            cubic_mm=volumes[line.sku],
            category=category,
        )
        return
    kits = line.complete(wanted.units)
    whole = {sku: quantity * kits for sku, quantity in line.per_kit.items()}
    if whole == dict(wanted.units) and (line.keep_together or not line.components_may_split):
        yield SourcingLine(
            line.line_id,
            line.sku,
            kits,
            divisible=not line.keep_together,
            components=tuple(
                SourcingComponent(sku, quantity, weights[sku], volumes[sku])
                for sku, quantity in line.per_kit.items()
            ),
            category=category,
        )
        return
    # Parts of kits that may be split go each their own way; how many of each are left to decide
    # need not make up whole kits.
    yield SourcingLine(
        line.line_id,
        line.sku,
        1,
        divisible=not line.keep_together,
        components=tuple(
            SourcingComponent(sku, units, weights[sku], volumes[sku])
            for sku, units in wanted.units.items()
        ),
        components_may_split=True,
        category=category,
    )
