"""What traces say of decisions."""

from opentelemetry import trace

from ordermesh.kernel.money import to_decimal
from ordermesh.routing.domain.decision import Decision
from ordermesh.runtime.telemetry import Attributes


def tell(current: trace.Span, decision: Decision) -> None:
    """What a decision was, for whoever follows the order."""
    if not current.is_recording():
        return
    attributes: dict[str, str | int | float] = {
        Attributes.SOURCING_METHOD: str(decision.method),
        Attributes.SOURCING_STATUS: str(decision.outcome),
        Attributes.SOURCING_OBJECTIVE: float(to_decimal(decision.cost)),
        Attributes.SOURCING_CANDIDATES: len(decision.candidates),
        Attributes.SHIPMENT_COUNT: len(decision.shipments),
        Attributes.PARCEL_COUNT: sum(one.parcel_count for one in decision.shipments),
        Attributes.LEDGER_REVISION: decision.ledger_revision,
    }
    if decision.decision_id is not None:
        attributes[Attributes.DECISION_ID] = str(decision.decision_id)
    if decision.bound is not None:
        attributes[Attributes.SOURCING_BOUND] = float(to_decimal(decision.bound))
        if decision.bound > 0:
            gap = (decision.cost - decision.bound) / decision.bound
            attributes[Attributes.SOURCING_GAP] = gap
    current.set_attributes(attributes)
