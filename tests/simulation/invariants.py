"""The invariants of the ledger and of orders, each as a question that must find nothing.

They are worked out anew from the tables, and share no code with the product's own check. ``I1`` and
so on are the names of the design; at rest more is true than on the way, and is asked too.
"""

from collections.abc import Mapping

from tests.simulation.books import Books

_SIDES = """
with side as (
  select item_id, location_id, reservation_id, to_account as account, quantity from entry
  union all
  select item_id, location_id, reservation_id, from_account, -quantity from entry)
"""

ALWAYS: Mapping[str, Mapping[str, str]] = {
    "inventory": {
        "I1 an entry moves units between two accounts": (
            "select * from entry where quantity <= 0 or from_account = to_account"
        ),
        "I1 no more arrives from the way than was sent": _SIDES
        + "select item_id, sum(quantity) from side where account = 9 group by item_id"
        " having sum(quantity) < 0",
        "I2 a balance is the fold of its entries": _SIDES
        + """, fold as (
          select item_id, location_id,
            sum(case account when 1 then quantity else 0 end) as free,
            sum(case account when 2 then quantity else 0 end) as reserved,
            -sum(case account when 4 then quantity else 0 end) as short,
            sum(case account when 10 then quantity else 0 end) as damaged,
            sum(case account when 3 then quantity else 0 end) as inspection,
            sum(case account when 11 then quantity else 0 end) as missing
          from side group by item_id, location_id)
        select b.item_id, b.location_id from balance b
        left join fold f on f.item_id = b.item_id and f.location_id = b.location_id
        where b.on_hand - b.reserved + b.short <> coalesce(f.free, 0)
          or b.reserved <> coalesce(f.reserved, 0) or b.short <> coalesce(f.short, 0)
          or b.damaged <> coalesce(f.damaged, 0) or b.inspection <> coalesce(f.inspection, 0)
          or b.missing <> coalesce(f.missing, 0)""",
        "I3 nothing is negative, and short is what is promised and not there": (
            "select * from balance where on_hand < 0 or reserved < 0 or damaged < 0"
            " or inspection < 0 or missing < 0 or short <> max(0, reserved - on_hand)"
        ),
        "I4 reserved is what open lines hold": """
        select b.item_id, b.location_id, b.reserved, coalesce(sum(l.quantity), 0) from balance b
        left join reservation_line l on l.item_id = b.item_id and l.location_id = b.location_id
          and l.state <= 2 and l.mode = 3 and l.supply_id is null
        group by b.item_id, b.location_id having b.reserved <> coalesce(sum(l.quantity), 0)""",
        "I4 each reservation holds by its entries what it holds by its lines": _SIDES
        + """select s.reservation_id, sum(s.quantity) from side s where s.account = 2
        group by s.reservation_id having sum(s.quantity) <> (
          select coalesce(sum(l.quantity), 0) from reservation_line l
          where l.reservation_id = s.reservation_id and l.state <= 2 and l.mode = 3
          and l.supply_id is null)""",
        "I5 entries are numbered without a gap": """
        select b.item_id, b.location_id from balance b
        left join entry e on e.item_id = b.item_id and e.location_id = b.location_id
        group by b.item_id, b.location_id
        having count(e.sequence) <> b.sequence or coalesce(max(e.sequence), 0) <> b.sequence""",
        "I6 open shortfalls are what is short": """
        select b.item_id, b.location_id, b.short, coalesce(sum(s.open_quantity), 0) from balance b
        left join shortfall s on s.item_id = b.item_id and s.location_id = b.location_id
        group by b.item_id, b.location_id having b.short <> coalesce(sum(s.open_quantity), 0)""",
        "I7 a reservation has all of its lines": """
        select r.reservation_id, r.granted, coalesce(sum(l.quantity), 0) from reservation r
        left join reservation_line l on l.reservation_id = r.reservation_id
        group by r.reservation_id having r.granted <> coalesce(sum(l.quantity), 0)""",
        "I8 a line that is closed says when": (
            "select * from reservation_line where (state > 2) <> (close_time is not null)"
        ),
        "I9 what is held has an end, and nothing else has": (
            "select * from reservation_line where (state = 1) <> (expire_time is not null)"
        ),
        "I13 seals cover each entry once": """
        select e.item_id, e.location_id, e.sequence, count(s.revision) from entry e
        join seal s on s.item_id = e.item_id and s.location_id = e.location_id
          and e.sequence between s.first_sequence and s.last_sequence
        group by e.item_id, e.location_id, e.sequence having count(s.revision) > 1""",
        "I15 what is promised of a supply waits for it": """
        select s.supply_id from supply s left join reservation_line l
          on l.supply_id = s.supply_id and l.state <= 2
        group by s.supply_id having s.promised <> coalesce(sum(l.quantity), 0)""",
    },
    "routing": {
        "I12 no line ships more than was ordered": (
            "select * from order_line where shipped > sourced"
            " or sourced + cancelled + unfilled > quantity"
        ),
        "I12 work that left is what the line says has left": """
        select l.order_id, l.line_id, l.shipped from order_line l
        where not exists (select 1 from order_component c
            where c.order_id = l.order_id and c.line_number = l.number and c.sku <> l.sku)
        and l.shipped <> (select coalesce(sum(f.quantity), 0) from fulfillment_line f
          join fulfillment_order o on o.fulfillment_order_id = f.fulfillment_order_id
          where o.order_id = l.order_id and f.line_id = l.line_id
          and o.state in ('SHIPPED', 'DELIVERED'))""",
        "an order of a channel is one order": (
            "select channel, channel_order_id from customer_order"
            " group by channel, channel_order_id having count(*) > 1"
        ),
    },
    "returns": {
        "I12 no more comes back than was authorized, or is restocked than came back": (
            "select * from return_line where received > quantity"
            " or restocked + blocked + discarded > received"
        ),
        "I12 no more is authorized to return than was shipped": """
        with way as (
          -- What ended before all of it had come may come with another return.
          select r.order_id, l.line_id, l.sku,
            case when r.state in ('AUTHORIZED', 'PARTLY_RECEIVED') then l.quantity
            else l.received end as quantity
          from return_line l join order_return r on r.return_id = l.return_id)
        select r.order_id, r.line_id, r.sku, sum(r.quantity) from way r
        group by r.order_id, r.line_id, r.sku having sum(r.quantity) > (
          select coalesce(sum(s.quantity), 0) from shipped_line s
          where s.order_id = r.order_id and s.line_id = r.line_id and s.sku = r.sku)""",
    },
    "notify": {},
}

EVERYWHERE: Mapping[str, str] = {
    "I13 revisions are 1, 2, 3 and so on": (
        "select sum(coalesce(packed, 1)), max(revision) from feed where revision is not null"
        " having coalesce(sum(coalesce(packed, 1)), 0) <> coalesce(max(revision), 0)"
    ),
    "events of a thing are numbered 1, 2, 3 and so on": (
        "select key from feed where topic = 'event' group by key"
        " having count(*) <> max(sequence) or min(sequence) <> 1"
    ),
    "no work was given up": ("select kind, key, failure from work where dead_time is not null"),
}

AT_REST: Mapping[str, Mapping[str, str]] = {
    "inventory": {
        "I11 nothing is held for an order any more": (
            "select r.order_id, l.* from reservation_line l"
            " join reservation r on r.reservation_id = l.reservation_id"
            " where l.state <= 2 and r.order_id <> ''"
        ),
        "I13 all entries are sealed": """
        select b.item_id, b.location_id, b.sequence from balance b
        left join seal s on s.item_id = b.item_id and s.location_id = b.location_id
        group by b.item_id, b.location_id
        having b.sequence <> coalesce(max(s.last_sequence), 0)""",
    },
    "routing": {
        "each unit of an order was shipped, cancelled, or is said to be missing": (
            "select * from order_line where shipped + cancelled + unfilled <> quantity"
            " or sourced <> shipped"
        ),
        "a unit that is missing has a reason": (
            "select * from order_line where unfilled > 0 and unfilled_reason = ''"
        ),
        "an order's state says what became of its lines": """
        select o.order_id, o.state, sum(l.shipped), sum(l.cancelled), sum(l.unfilled)
        from customer_order o join order_line l on l.order_id = o.order_id
        group by o.order_id having not (
          (o.state = 'FULFILLED' and sum(l.shipped) > 0)
          or (o.state = 'CANCELLED' and sum(l.shipped) = 0 and sum(l.cancelled) > 0)
          or (o.state = 'UNFILLABLE' and sum(l.shipped) = 0 and sum(l.unfilled) > 0))""",
        "nothing of a plan is left at work": (
            "select * from fulfillment_order where hold <> 'NONE'"
        ),
    },
    "returns": {},
    "notify": {},
}


def broken(books: Books, *, at_rest: bool) -> list[str]:
    """Which invariants are broken, each with what it found."""
    found = []
    for service in ALWAYS:
        questions = {**ALWAYS[service], **EVERYWHERE, **(AT_REST[service] if at_rest else {})}
        for sentence, statement in questions.items():
            rows = books.rows(service, statement)
            if rows:
                shown = "; ".join(str(tuple(row)) for row in rows[:3])
                found.append(f"{service}: {sentence}, but {len(rows)} rows: {shown}")
    return found
