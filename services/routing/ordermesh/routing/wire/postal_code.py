"""Postal codes."""

from ordermesh.api.routing.v1 import PostalCode as PostalCodeMessage
from ordermesh.api.routing.v1 import PostalCodeTable as TableMessage
from ordermesh.routing.domain.carriage.postal_code import PostalCode, PostalCodeTable
from ordermesh.routing.wire.money import timestamp
from ordermesh.routing.wire.order import place


def postal_code(message: PostalCodeMessage, table: PostalCodeTable) -> PostalCode:
    """A code as a table keeps it; raises ``FieldViolation`` for a place that is not there."""
    return PostalCode(
        key=table.key(message.postal_code),
        written=message.postal_code,
        place=place(message.position),
        region=message.region,
        time_zone=message.time_zone,
    )


def table_message(table: PostalCodeTable) -> TableMessage:
    """A table as it is told."""
    return TableMessage(
        country_code=table.country_code,
        version=table.version,
        state=TableMessage.State.Value(f"STATE_{table.state}"),
        import_id=str(table.import_id),
        source=table.source,
        significant_characters=table.significant,
        next_part=table.next_part,
        postal_code_count=table.count,
        create_time=timestamp(table.create_time),
    )
