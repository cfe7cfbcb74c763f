"""What the database can do at best: the same rows in the same tables, decided by functions inside.

The references write what the product writes: for a reservation a movement, an entry, a reservation,
a line, a reply and the balance, and for a transaction a row of the feed, with the same indexes and
checks. They know no kits, no replays, no expiry and no controls, and no caller is sent anything:
whoever compares a product with them compares it with less.
"""

from collections.abc import Iterable, Mapping

from sqlalchemy import Boolean, Column, Integer, LargeBinary, Numeric, Table, Uuid
from sqlalchemy.types import String

from ordermesh.inventory.store.tables.ledger import entry, movement
from ordermesh.inventory.store.tables.reservations import line, reservation
from ordermesh.runtime.tables import feed, reply

BATCH = 256
"""Reservations of one transaction of the batch."""

_PAYLOAD = "'\\x" + "5a" * 120 + "'::bytea"
_REPLY = "'\\x" + "5a" * 180 + "'::bytea"

_WRITTEN: Mapping[Table, Mapping[str, str]] = {
    movement: {
        "movement_id": "g.movement_id",
        "kind": "4",
        "caller": "'bench'",
        "reservation_id": "g.reservation_id",
        "order_id": "'ORDER-1'",
        "create_time": "now_",
    },
    entry: {
        "item_id": "g.item_id",
        "location_id": "g.location_id",
        "sequence": "g.sequence",
        "from_account": "1",
        "to_account": "2",
        "quantity": "1",
        "movement_id": "g.movement_id",
        "reservation_id": "g.reservation_id",
    },
    reservation: {
        "reservation_id": "g.reservation_id",
        "owner": "'bench'",
        "order_id": "'ORDER-1'",
        "last_number": "1",
        "granted": "1",
        "create_time": "now_",
    },
    line: {
        "reservation_id": "g.reservation_id",
        "number": "1",
        "line_id": "'1'",
        "item_id": "g.item_id",
        "location_id": "g.location_id",
        "quantity": "1",
        "state": "1",
        "expire_time": "now_ + interval '15 minutes'",
    },
    reply: {
        "request_id": "g.request_id",
        "request_hash": "sha256(g.request_id::text::bytea)",
        "method": "'/ordermesh.api.inventory.v1.ReservationService/Reserve'",
        "caller": "'bench'",
        "reply": _REPLY,
        "create_time": "now_",
    },
}

_TOLD: Mapping[str, str] = {
    "topic": "'availability'",
    "payload": f"string_agg({_PAYLOAD}, ''::bytea)",
    "packed": "count(*)",
    "trace": "'{}'",
    "create_time": "now_",
}
"""What the feed is told of all that one transaction grants: one row."""


def functions(*, with_replies: bool = True) -> str:
    """The references, as a script for the database that holds the product's tables.

    ``with_replies`` false leaves the stored replies out of the batch, to know what they cost.
    """
    last = _insertion(reply, "granted g") if with_replies else "select 1 into count_ from granted"
    return _ONE.format(inserts=_inserts("granted g", _WRITTEN)) + _MANY.format(
        inserts=_inserts("granted g", {one: _WRITTEN[one] for one in _WRITTEN if one is not reply}),
        last=last,
    )


def one_script(skus: int) -> str:
    """For pgbench: a reservation of one unit of one of so many items, one transaction each."""
    return f"\\set item random(1, {skus})\nselect bench_one(:item);\n"


def batch_script(skus: int) -> str:
    """For pgbench: so many reservations of one unit each, in one transaction."""
    return f"select bench_batch({BATCH}, {skus});\n"


def _inserts(source: str, tables: Iterable[Table]) -> str:
    written = [f"w{number} as ({_insertion(table, source)})" for number, table in enumerate(tables)]
    told = f"told as ({_insertion(feed, source + ' having count(*) > 0', _TOLD)})"
    return ",\n".join([*written, told])


def _insertion(table: Table, source: str, written: Mapping[str, str] | None = None) -> str:
    known = _WRITTEN[table] if written is None else written
    values = {
        column.name: known[column.name] if column.name in known else _nothing(column)
        for column in table.columns
        if column.identity is None and (column.server_default is None or column.name in known)
    }
    names = ", ".join(f'"{name}"' for name in values)
    return f"insert into {table.name} ({names}) select {', '.join(values.values())} from {source}"  # noqa: S608 - our own tables


def _nothing(column: Column[object]) -> str:
    """What a column holds of which the reference knows nothing."""
    if column.nullable:
        return "null"
    kind = column.type
    if isinstance(kind, Boolean):
        return "false"
    if isinstance(kind, Integer | Numeric):
        return "0"
    if isinstance(kind, String):
        return "''"
    if isinstance(kind, LargeBinary):
        return "''::bytea"
    if isinstance(kind, Uuid):
        return "gen_random_uuid()"
    raise ValueError(f"The reference does not know what {column} holds.")


_ONE = """
create function bench_one(wanted int) returns boolean language plpgsql as $$
declare now_ timestamptz := clock_timestamp(); count_ int;
begin
  with updated as (
    update balance set reserved = reserved + 1, sequence = sequence + 1
    where item_id = (select min(item_id) + wanted - 1 from item)
      and location_id = (select min(location_id) from location)
      and on_hand - reserved >= 1
    returning item_id, location_id, sequence
  ), granted as materialized (
    select *, gen_random_uuid() as movement_id, gen_random_uuid() as reservation_id,
      gen_random_uuid() as request_id
    from updated
  ), {inserts}
  select count(*) into count_ from granted;
  return count_ = 1;
end $$;
"""

_MANY = """
create function bench_batch(size int, skus int) returns int language plpgsql as $$
declare
  now_ timestamptz; items int[]; place int := (select min(location_id) from location); count_ int;
begin
  select array_agg((select min(item_id) from item) + floor(random() * skus)::int)
    into items from generate_series(1, size);
  perform 1 from balance where item_id = any(items) and location_id = place
    order by item_id, location_id for no key update;
  now_ := clock_timestamp();
  with wanted as (
    select item_id, row_number() over (partition by item_id) as turn
    from unnest(items) as wanted(item_id)
  ), granted as materialized (
    select b.item_id, b.location_id, b.sequence + w.turn as sequence,
      gen_random_uuid() as movement_id, gen_random_uuid() as reservation_id,
      gen_random_uuid() as request_id
    from wanted w join balance b on b.item_id = w.item_id and b.location_id = place
    where w.turn <= b.on_hand - b.reserved
  ), changed as (
    update balance b set reserved = b.reserved + u.units, sequence = b.sequence + u.units
    from (select item_id, count(*) as units from granted group by item_id) u
    where b.item_id = u.item_id and b.location_id = place
  ), {inserts}
  {last};
  get diagnostics count_ = row_count;
  return count_;
end $$;
"""
