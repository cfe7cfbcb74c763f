"""The table of events: each that the code tells is in it, and the reverse."""

import re
from pathlib import Path

import pytest
from google.protobuf.descriptor_pb2 import FileDescriptorSet

from protos.events import EventRow, events_of

SERVICES = Path(__file__).parents[2] / "services"
TYPE = re.compile(r'"(ordermesh\.[a-z_]+\.[a-z_]+\.v\d+)"')

TOLD_IN = {
    "inventory": "inventory/ordermesh/inventory/peers.py",
    "routing": "routing/ordermesh/routing/wire/event.py",
    "returns": "returns/ordermesh/returns/wire/events.py",
    "notify": "notify/ordermesh/notify/wire/events.py",
}
"""Where each service names the types of its events."""


@pytest.fixture(scope="module")
def rows(descriptor_file: Path) -> list[EventRow]:
    return events_of(FileDescriptorSet.FromString(descriptor_file.read_bytes()))


@pytest.mark.parametrize("service", sorted(TOLD_IN))
def test_what_a_service_tells_is_in_the_table_and_the_reverse(
    rows: list[EventRow], service: str
) -> None:
    named = set(TYPE.findall((SERVICES / TOLD_IN[service]).read_text()))
    listed = {row.type for row in rows if row.service == service}

    others = {row.type for row in rows if row.service != service}
    assert listed <= named
    assert named - listed <= others


def test_every_event_says_what_it_is_about_and_documents_its_payload(rows: list[EventRow]) -> None:
    assert len(rows) == 32
    assert len({row.type for row in rows}) == len(rows)
    for row in rows:
        assert row.about, row.type
        assert row.says.endswith("."), row.type
        assert row.fields, row.type
        assert all(words for _, _, words in row.fields), row.type
