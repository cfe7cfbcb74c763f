"""Events in the terminal and as CloudEvents."""

import io
import json

import pytest
from cloudevents.core.formats.json import JSONFormat
from rich.console import Console

from ordermesh.api.event.v1 import add_EventServiceServicer_to_server
from ordermesh.api.routing.v1 import Order, OrderSourced
from ordermesh.cli.events import Wanted, show_events, structured
from ordermesh.client import PositionCompacted
from ordermesh.client.testing import serving
from tests.shared.test_client_following import Feed, event


def test_a_cloud_event_holds_its_data_as_json() -> None:
    one = event(7)
    one.payload = OrderSourced(order=Order(order_id="O-1")).SerializeToString()

    written = structured(one)

    read = json.loads(written)
    assert read["data"] == {"order": {"order_id": "O-1"}}
    assert (read["type"], read["subject"], read["specversion"]) == (one.type, "O-1", "1.0")
    again = JSONFormat().read(None, written)
    assert again.get_id() == one.event_id


def test_data_of_an_unknown_type_is_kept_as_bytes() -> None:
    one = event(7)
    one.payload_type = "ordermesh.api.routing.v9.Unheard"

    read = json.loads(structured(one))

    assert read["data_base64"] == "AQ=="
    assert read["datacontenttype"] == "application/protobuf"


async def shown(feed: Feed, **wanted: object) -> list[str]:
    console = Console(file=io.StringIO(), width=200, color_system=None)
    services = {"routing": [(add_EventServiceServicer_to_server, feed)]}
    async with serving(services) as mesh:
        await show_events(mesh.targets, Wanted(["routing"], **wanted), console)  # type: ignore[arg-type]
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue().splitlines()


class Ten(Feed):
    """The feed of ten, which says at once how far it has come."""

    async def WatchEvents(self, request, context):  # type: ignore[no-untyped-def]  # noqa: N802
        if request.start_revision == 0:
            request.start_revision = 11
        async for page in super().WatchEvents(request, context):
            yield page


async def test_all_that_there_is_is_shown_and_then_it_ends() -> None:
    lines = await shown(Ten())

    assert len(lines) == 10
    assert "routing    order.sourced.v1  order O-1" in lines[0]


async def test_what_is_not_kept_is_passed_over_unless_it_was_asked_for() -> None:
    assert len(await shown(Ten(compacted=6))) == 4
    with pytest.raises(PositionCompacted):
        await shown(Ten(compacted=6), position=2)
