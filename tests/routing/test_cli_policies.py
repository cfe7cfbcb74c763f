"""`ordermesh policy`: files that hold a policy, what is shown of findings, and the example."""

from io import StringIO
from pathlib import Path

import pytest
from google.protobuf import json_format, text_format
from rich.console import Console

from ordermesh.api.routing import v1
from ordermesh.cli import policies
from tests.routing.house import House
from tests.routing.policing import rule, text
from tests.routing.requests import policy

DEAD = rule("dead", text("ORDER_CHANNEL", "web"), text("ORDER_CHANNEL", "shop"), name="Never")


@pytest.mark.parametrize(
    ("name", "content"),
    [("p.json", "{"), ("p.json", '{"zoo": 1}'), ("p.txtpb", "zoo: 1")],
)
def test_a_file_that_holds_no_policy_is_refused_by_its_name(
    tmp_path: Path, name: str, content: str
) -> None:
    file = tmp_path / name
    file.write_text(content, encoding="utf-8")

    with pytest.raises(ValueError, match=f"{name} is no policy"):
        policies.read_policy(file)


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(OSError, match=r"gone\.json"):
        policies.read_policy(tmp_path / "gone.json")


async def test_findings_are_shown_with_their_orders_and_errors_fail_the_command(
    house: House, tmp_path: Path
) -> None:
    file, shown = tmp_path / "p.txtpb", StringIO()
    wanted = policy(rules=[DEAD]).policy
    file.write_text(text_format.MessageToString(wanted), encoding="utf-8")

    passes = await policies.lint(house.targets, file, Console(file=shown, width=200), json_=False)

    assert not passes
    lines = shown.getvalue().splitlines()
    assert lines[0].startswith("error    dead rule: Nothing satisfies Never:")
    assert lines[1].strip() == "shown by an order with order channel web"
    assert lines[2].endswith("p.txtpb: 1 errors, 0 warnings.")


async def test_findings_are_printed_for_programs_too(
    house: House, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "p.json"
    file.write_text(json_format.MessageToJson(policy(rules=[DEAD]).policy), encoding="utf-8")

    assert not await policies.lint(house.targets, file, Console(), json_=True)

    reply = json_format.Parse(capsys.readouterr().out, v1.LintPolicyResponse())
    assert [list(one.subjects) for one in reply.findings] == [["dead"]]


async def test_the_example_is_a_policy_without_errors_that_can_be_saved(
    house: House, tmp_path: Path
) -> None:
    file, shown = tmp_path / "example.json", StringIO()
    file.write_text(policies.example(), encoding="utf-8")

    passes = await policies.lint(house.targets, file, Console(file=shown), json_=False)
    saved = await house.mesh.policies.SavePolicy(
        v1.SavePolicyRequest(
            request_id="0b0c6f3e-58a6-4d2c-9c0e-2f6a0a3f7c11", policy=policies.read_policy(file)
        )
    )

    assert passes
    assert "0 errors" in shown.getvalue()
    assert saved.policy.state == v1.Policy.STATE_ACTIVE
