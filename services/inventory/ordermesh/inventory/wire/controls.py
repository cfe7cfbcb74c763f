"""Controls."""

from datetime import timedelta

from google.protobuf.duration_pb2 import Duration

from ordermesh.api.inventory.v1 import AppliedControl, ExplainControlsResponse, PoolState
from ordermesh.api.inventory.v1 import Control as ControlMessage
from ordermesh.api.inventory.v1 import ControlKind as KindMessage
from ordermesh.inventory.domain.control import Control, ControlKind
from ordermesh.inventory.ports.controls import Explanation
from ordermesh.inventory.wire.keys import instant, timestamp


def control(message: ControlMessage) -> Control:
    """From the contract; what is output only is left out."""
    return Control(
        control_id=message.control_id,
        kind=ControlKind(message.kind),
        value=message.value,
        location_group=message.location_group,
        location_id=message.location_id,
        tag=message.tag,
        sku=message.sku,
        channel=message.channel,
        start_time=instant(message.start_time) if message.HasField("start_time") else None,
        end_time=instant(message.end_time) if message.HasField("end_time") else None,
        priority=message.priority,
        note=message.note,
        window=timedelta(seconds=message.window.seconds) if message.HasField("window") else None,
    )


def control_message(one: Control) -> ControlMessage:
    """To the contract."""
    window = None
    if one.window is not None:
        window = Duration()
        window.FromTimedelta(one.window)
    return ControlMessage(
        control_id=one.control_id,
        kind=KindMessage.ValueType(one.kind),
        value=one.value,
        location_group=one.location_group,
        location_id=one.location_id,
        tag=one.tag,
        sku=one.sku,
        channel=one.channel,
        start_time=timestamp(one.start_time),
        end_time=timestamp(one.end_time),
        priority=one.priority,
        note=one.note,
        window=window,
        version=one.version,
        update_time=timestamp(one.update_time),
    )


def explanation_message(found: Explanation, channel: str) -> ExplainControlsResponse:
    """Which controls apply, and what they leave."""
    pools = {
        owner: PoolState(control=control_message(pool), taken=taken)
        for owner, (pool, taken) in found.pools.items()
    }
    return ExplainControlsResponse(
        applied=[
            AppliedControl(
                control=control_message(one.control), beaten=map(control_message, one.beaten)
            )
            for one in found.applied.values()
        ],
        pool=pools.pop(channel, None),
        other_pools=pools.values(),
        free=found.free,
        floor=found.floor,
        available=found.available,
        version=found.version,
        read_time=timestamp(found.now),
    )
