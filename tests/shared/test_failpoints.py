"""Points at which a server fails on purpose: how they are armed, and that they cost nothing."""

import ast
import asyncio
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from ordermesh.kernel.errors import Unavailable
from ordermesh.runtime import failpoints
from ordermesh.runtime.failpoints import (
    EXIT_CODE,
    Action,
    FailpointRaised,
    Fault,
    MalformedFailpoints,
    Plan,
    parse,
)
from ordermesh.runtime.points import POINTS
from tests.architecture.house import ROOT

SERVICES = ROOT / "services"
CLAIMED, MARKED = failpoints.points.WORK_CLAIMED, failpoints.points.OUTBOX_MARKED


@pytest.fixture(autouse=True)
def disarmed() -> Iterator[None]:
    assert failpoints.armed is None
    yield
    failpoints.arm("")


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("work.claimed", "is not POINT=ACTION"),
        ("work.claimed=", "is not POINT=ACTION"),
        ("work.claimed=raise@", "is not POINT=ACTION"),
        ("work.claimed=raise@x", "is not POINT=ACTION"),
        ("work.claimd=raise", "There is no point 'work.claimd'. There are: server.admitted, "),
        ("=raise", "There is no point ''"),
        ("work.claimed=explode", "There is no action 'explode'. There are: exit, raise, delay"),
        ("work.claimed=raise@0", "passings are counted from 1"),
        ("work.claimed=raise@3-2", "passings are counted from 1"),
        ("work.claimed=delay", "a delay has seconds"),
        ("work.claimed=raise:2", "a delay has seconds"),
        ("work.claimed=delay:1.2.3", "is no number of seconds"),
        ("work.claimed=exit,outbox.marked=never", "There is no action 'never'"),
    ],
)
def test_a_text_that_is_no_plan_is_refused_in_words_that_help(text: str, complaint: str) -> None:
    with pytest.raises(MalformedFailpoints, match=re.escape(complaint)):
        parse(text)


def test_an_unknown_point_is_answered_with_all_there_are() -> None:
    with pytest.raises(MalformedFailpoints) as caught:
        parse("work.done=raise")

    assert all(point in str(caught.value) for point in POINTS)


def test_a_plan_names_points_actions_and_passings() -> None:
    assert parse(" work.claimed=exit@3, outbox.marked=delay:0.5@2-4 ,work.claimed=drop,") == (
        Fault(CLAIMED, Action.EXIT, 3, 3),
        Fault(MARKED, Action.DELAY, 2, 4, 0.5),
        Fault(CLAIMED, Action.DROP),
    )
    assert parse("") == ()


async def passings(point: str, count: int) -> list[str]:
    """What happens at each of so many passings."""
    found = []
    for _ in range(count):
        try:
            await failpoints.reach(point)
            found.append("passed")
        except Exception as error:  # noqa: BLE001 - whichever it is, it is looked at
            found.append(type(error).__name__)
    return found


async def test_a_fault_happens_at_its_passings_and_at_its_point_alone() -> None:
    failpoints.arm("work.claimed=raise@2-3,work.claimed=drop@5")

    assert await passings(MARKED, 3) == ["passed"] * 3
    assert await passings(CLAIMED, 6) == [
        "passed",
        "FailpointRaised",
        "FailpointRaised",
        "passed",
        "Dropped",
        "passed",
    ]


async def test_what_is_dropped_looks_like_a_service_that_is_away() -> None:
    failpoints.arm("work.claimed=drop")

    with pytest.raises(Unavailable):
        await failpoints.reach(CLAIMED)


async def test_a_delay_holds_up_one_and_not_the_others() -> None:
    failpoints.arm("work.claimed=delay:30")
    held = asyncio.create_task(failpoints.reach(CLAIMED))
    await asyncio.sleep(0)

    assert await passings(CLAIMED, 2) == ["passed", "passed"]
    assert not held.done()
    held.cancel()


async def test_a_seam_of_a_service_leads_to_its_own_points() -> None:
    failpoints.arm("routing.before_ship=raise")

    await failpoints.points_of("returns")("before ship")
    with pytest.raises(FailpointRaised, match=r"routing\.before_ship"):
        await failpoints.points_of("routing")("before ship")


async def test_without_a_plan_nothing_happens_anywhere() -> None:
    for point in POINTS:
        await failpoints.reach(point)


async def test_a_file_is_read_again_when_it_has_changed_and_passings_count_anew(
    tmp_path: Path,
) -> None:
    file = tmp_path / "faults"
    file.write_text("")
    failpoints.arm(f"file:{file}")

    assert await passings(CLAIMED, 2) == ["passed"] * 2
    file.write_text("work.claimed=raise@2 # first")
    assert await passings(CLAIMED, 3) == ["passed", "FailpointRaised", "passed"]
    file.write_text("work.claimed=raise@2 # second")
    assert await passings(CLAIMED, 3) == ["passed", "FailpointRaised", "passed"]


def test_a_file_that_is_missing_or_malformed_is_refused_at_once(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="No such file"):
        Plan(f"file:{tmp_path / 'nothing'}")
    (tmp_path / "faults").write_text("work.claimed=explode")
    with pytest.raises(MalformedFailpoints):
        Plan(f"file:{tmp_path / 'faults'}")


_DIES = """
import asyncio, sys
from ordermesh.runtime import failpoints

async def main():
    failpoints.arm(sys.argv[1])
    try:
        for _ in range(3):
            await failpoints.reach(failpoints.points.WORK_CLAIMED)
            print("passed", flush=True)
    finally:
        print("tidied up")

asyncio.run(main())
"""


def test_a_process_that_ends_tidies_nothing_up_and_is_not_ended_again(tmp_path: Path) -> None:
    file = tmp_path / "faults"
    file.write_text("work.claimed=exit@2")
    command = [sys.executable, "-c", _DIES, f"file:{file}"]

    died = subprocess.run(command, capture_output=True, text=True, check=False)
    again = subprocess.run(command, capture_output=True, text=True, check=False)

    assert (died.returncode, died.stdout) == (EXIT_CODE, "passed\n")
    assert died.stderr == "failpoint work.claimed: exit at passing 2\n"
    assert again.returncode == 0
    assert again.stdout.count("passed") == 3


def named_points() -> dict[str, str]:
    """The constants of points by the name of their constant."""
    return {
        name: value
        for name, value in vars(failpoints.points).items()
        if name.isupper() and isinstance(value, str)
    }


def sources() -> Iterator[Path]:
    for file in SERVICES.rglob("*.py"):
        if file.name != "failpoints.py":
            yield file


def test_there_are_at_least_forty_points_each_with_a_sentence() -> None:
    assert len(POINTS) >= 40
    assert sorted(named_points().values()) == sorted(POINTS)
    assert all(meaning.endswith(".") and len(meaning) > 30 for meaning in POINTS.values())
    assert len(set(POINTS.values())) == len(POINTS)


def test_every_point_stands_somewhere_in_the_code() -> None:
    written = "\n".join(file.read_text() for file in sources())
    constants = set(re.findall(r"failpoints\.points\.([A-Z_]+)", written))
    seams = set(re.findall(r'self\._at\("([a-z ]+)"\)', written))

    passed = {value for name, value in named_points().items() if name in constants}
    passed |= {
        point
        for point in POINTS
        for seam in seams
        if point.partition(".")[2] == seam.replace(" ", "_")
    }
    assert set(POINTS) - passed == set()


@pytest.mark.parametrize("service", ["routing", "returns", "notify"])
def test_every_place_of_a_services_seam_is_a_point_with_a_name(service: str) -> None:
    places = {
        place
        for file in (SERVICES / service).rglob("*.py")
        for place in re.findall(r'self\._at\("([a-z ]+)"\)', file.read_text())
    }

    assert places
    assert {f"{service}.{place.replace(' ', '_')}" for place in places} - set(POINTS) == set()


def unguarded(source: str) -> list[int]:
    """The lines that reach a point without having looked whether any is armed."""
    tree = ast.parse(source)
    guarded = {
        id(inner)
        for outer in ast.walk(tree)
        if isinstance(outer, ast.If) and ast.unparse(outer.test).startswith("failpoints.armed")
        for inner in ast.walk(outer)
    }
    return [
        node.lineno
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and ast.unparse(node.func) == "failpoints.reach"
        and id(node) not in guarded
    ]


def test_points_cost_one_look_while_nothing_is_armed() -> None:
    found = [f"{file}:{line}" for file in sources() for line in unguarded(file.read_text())]

    assert found == []
    assert unguarded("if failpoints.armed:\n    failpoints.reach(a)\nfailpoints.reach(b)\n") == [3]
