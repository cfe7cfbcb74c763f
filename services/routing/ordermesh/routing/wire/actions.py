"""What rules want to become of orders."""

from ordermesh.api.routing import v1
from ordermesh.routing.domain.rules.action import (
    CancelUnfilled,
    ClearAutoCancel,
    Deed,
    Filling,
    HoldOrder,
    MoveToQueue,
    OfferAndWait,
    OrderAction,
    SendToCare,
    SetAutoCancel,
)


def order_action(message: v1.OrderAction) -> OrderAction:
    """An action."""
    names = [v1.OrderAction.Outcome.Name(one) for one in message.outcomes]
    outcomes = tuple(sorted(Filling(name.removeprefix("OUTCOME_")) for name in names))
    return OrderAction(_deed(message), outcomes)


def _deed(message: v1.OrderAction) -> Deed:
    match message.WhichOneof("action"):
        case "move_to_queue":
            return MoveToQueue(message.move_to_queue.queue)
        case "send_to_care":
            return SendToCare(message.send_to_care.reason)
        case "set_auto_cancel":
            return SetAutoCancel(message.set_auto_cancel.after_duration.ToTimedelta())
        case "clear_auto_cancel":
            return ClearAutoCancel()
        case "hold":
            hold = message.hold
            ends = hold.HasField("release_after_duration")
            after = hold.release_after_duration.ToTimedelta() if ends else None
            return HoldOrder(hold.hold_type, after)
        case "offer":
            return OfferAndWait(message.offer.answer_duration.ToTimedelta())
        case _:
            return CancelUnfilled()


def order_action_message(value: OrderAction) -> v1.OrderAction:
    """An action as it is told."""
    message = v1.OrderAction(
        outcomes=[v1.OrderAction.Outcome.Value(f"OUTCOME_{one}") for one in value.outcomes]
    )
    match value.deed:
        case MoveToQueue(queue):
            message.move_to_queue.queue = queue
        case SendToCare(reason):
            message.send_to_care.SetInParent()
            message.send_to_care.reason = reason
        case SetAutoCancel(after):
            message.set_auto_cancel.after_duration.FromTimedelta(after)
        case ClearAutoCancel():
            message.clear_auto_cancel.SetInParent()
        case CancelUnfilled():
            message.cancel_unfilled.SetInParent()
        case HoldOrder(hold_type, after):
            message.hold.hold_type = hold_type
            if after is not None:
                message.hold.release_after_duration.FromTimedelta(after)
        case OfferAndWait(within):
            message.offer.answer_duration.FromTimedelta(within)
    return message
