"""All stores of the service, in SQL."""

from ordermesh.routing.ports.stores import Stores
from ordermesh.routing.store.calendars import SqlCalendarStore
from ordermesh.routing.store.capacity import SqlCapacityStore
from ordermesh.routing.store.carriage import SqlCarriageStore
from ordermesh.routing.store.copies import SqlCopyStore
from ordermesh.routing.store.decisions import SqlDecisionStore, SqlRefusalStore
from ordermesh.routing.store.demand import SqlDemandStore
from ordermesh.routing.store.facts import SqlFactStore
from ordermesh.routing.store.imported_codes import SqlPostalCodeStore
from ordermesh.routing.store.network import SqlNetworkStore
from ordermesh.routing.store.orders import SqlOrderStore
from ordermesh.routing.store.policies import SqlPolicyStore
from ordermesh.routing.store.prices import SqlPriceStore
from ordermesh.routing.store.reassignments import SqlReassignmentStore
from ordermesh.routing.store.runs import SqlRunStore
from ordermesh.routing.store.switches import SqlSwitchStore


def sql_stores() -> Stores:
    """Every store, on one database."""
    return Stores(
        orders=SqlOrderStore(),
        decisions=SqlDecisionStore(),
        capacity=SqlCapacityStore(),
        network=SqlNetworkStore(),
        switches=SqlSwitchStore(),
        calendars=SqlCalendarStore(),
        policies=SqlPolicyStore(),
        facts=SqlFactStore(),
        copies=SqlCopyStore(),
        refusals=SqlRefusalStore(),
        carriage=SqlCarriageStore(),
        postal_codes=SqlPostalCodeStore(),
        reassignments=SqlReassignmentStore(),
        runs=SqlRunStore(),
        prices=SqlPriceStore(),
        demand=SqlDemandStore(),
    )
