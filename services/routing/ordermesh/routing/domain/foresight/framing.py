"""An order of before as it would be sourced now, wherever its items are kept."""

from collections.abc import Mapping, Set
from dataclasses import replace

from ordermesh.routing.domain.asking import asked
from ordermesh.routing.domain.foresight.prices import NO_PRICES
from ordermesh.routing.domain.framing import frame
from ordermesh.routing.domain.known import Known
from ordermesh.routing.domain.order import Order
from ordermesh.routing.domain.problem import Problem
from ordermesh.routing.domain.question import Question, Units
from ordermesh.routing.domain.stages import NO_RULES, Ruled, relaxations
from ordermesh.routing.domain.wanted import whole

PLENTY = 1_000_000
"""Units that every location is thought to have when an order is laid out."""


def question_of(order: Order) -> Question:
    """What it would be to source the order anew: as if it had come now."""
    return Question(
        order_id=order.order_id,
        wanted=whole(order),
        place=order.destination.place,
        address=order.destination.address,
        promise_days=order.promise_days,
        policy_id=order.policy_id,
        channel=order.channel,
        context=order.context,
        pickup=order.pickup,
    )


def problem_of(
    question: Question, known: Known, stock: Units, kept: Mapping[str, Set[str]]
) -> Problem:
    """The problem, with plenty of stock wherever items are ``kept`` and all of a day's labor.

    Rules see the true stock, and of the stages of a policy the last one counts. Raises what
    ``frame`` raises.
    """
    plenty: dict[str, dict[str, int]] = {}
    for sku in question.skus:
        for location_id in kept.get(sku, ()):
            plenty.setdefault(location_id, {})[sku] = PLENTY
    usual = replace(known, used={}, prices=NO_PRICES)
    ruled = NO_RULES
    if known.rulebook:
        last = list(relaxations(known.policy.stages))[-1]
        seen = asked(question, usual, stock)
        ruled = Ruled(known.rulebook.evaluate(seen, known.now, last.without), last)
    return frame(question, usual, plenty, ruled).problem
