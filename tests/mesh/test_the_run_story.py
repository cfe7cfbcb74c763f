"""`ordermesh run` with few orders: the summary, the report, and nothing left running."""

import json
import re
from html.parser import HTMLParser

import pytest

from ordermesh.cli.mail import read_mail
from ordermesh.cli.place import MeshDirectory
from tests.mesh.conftest import Command

pytestmark = [pytest.mark.integration, pytest.mark.timeout(400)]

ORDERS = 40
KEYS = [
    "orders_submitted",
    "orders_sourced",
    "orders_unfilled",
    "shipments",
    "extra_parcels_per_order",
    "extra_parcels_per_order_nearest",
    "cost_per_order",
    "cost_per_order_nearest",
    "ledger_balanced",
    "units_oversold",
    "notifications_delivered",
    "returns_completed",
    "units_restocked",
    "services_in_trace",
    "seconds",
]
VOID = {"meta", "br"}


class Tags(HTMLParser):
    """Whether every element is closed, and what is referred to."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.references: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in VOID:
            self.open.append(tag)
        self.references += [value or "" for name, value in attrs if name in ("href", "src")]

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """A void element of SVG."""

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


async def test_an_order_travels_the_mesh(command: Command, directory: MeshDirectory) -> None:
    run = command(
        "run", "--orders", str(ORDERS), "--regime", "calm", "--directory", str(directory.path)
    )
    said, _ = run.communicate(timeout=300)
    assert run.returncode == 0, said

    facts = json.loads(directory.summary_file.read_text())
    assert list(facts)[: len(KEYS)] == KEYS
    assert facts["orders_submitted"] == ORDERS
    assert facts["orders_sourced"] + facts["orders_unfilled"] == ORDERS
    assert facts["orders_sourced"] > 0
    assert facts["shipments"] >= facts["orders_sourced"]
    assert facts["cost_per_order"] <= facts["cost_per_order_nearest"]
    assert facts["ledger_balanced"] is True
    assert facts["units_oversold"] == 0
    assert facts["services_in_trace"] == 4
    assert facts["notifications_delivered"] >= ORDERS + facts["shipments"]
    assert facts["returns_completed"] > 0
    assert facts["units_restocked"] > 0
    mails = [read_mail(file) for file in directory.mail_folder.glob("*.eml")]
    assert len({mail["message_id"] for mail in mails}) == facts["notifications_delivered"]
    assert all(mail["text"] and mail["html"] for mail in mails)
    assert "Ledger verified" in said
    assert "nearest single" in said
    assert "illustrative" in said
    assert f"Order {facts['order_shown']}" in said
    for span in ("SubmitOrder", "source", "reserve", "receive", "Deliver", "ShipFulfillmentOrder"):
        assert span in said

    report = directory.report_file.read_text()
    tags = Tags()
    tags.feed(report)
    assert tags.open == []
    assert tags.references == ["#content"]
    assert not re.search(r"https?://|@import|url\(", report)
    assert facts["order_shown"] in report

    assert directory.read() is None
    trace = command("trace", facts["order_shown"], "--directory", str(directory.path))
    said, _ = trace.communicate(timeout=60)
    assert trace.returncode == 0
    assert "ReservationService/Reserve" in said
