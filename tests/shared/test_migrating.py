"""Migrating alone: what a job before a rollout does, says and ends with."""

import os

import pytest

from ordermesh.runtime import migrating
from ordermesh.runtime.migrate import check
from tests import postgres


def test_a_job_without_a_database_is_refused(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("ORDERMESH_NOTIFY_DATABASE_URL", raising=False)

    assert migrating.main(["notify"]) == 2
    assert "ORDERMESH_NOTIFY_DATABASE_URL: Field required" in capsys.readouterr().err


def test_a_service_that_there_is_not_is_refused() -> None:
    with pytest.raises(SystemExit):
        migrating.main(["shipping"])


def test_a_database_that_cannot_be_reached_is_a_failure(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    url = f"sqlite+aiosqlite:///{os.devnull}/notify.db"
    monkeypatch.setenv("ORDERMESH_NOTIFY_DATABASE_URL", url)

    assert migrating.main(["notify"]) == 1
    assert "migrated" not in capsys.readouterr().out


def test_a_database_gets_the_newest_schema_and_a_second_run_changes_nothing(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], database_url: str
) -> None:
    monkeypatch.setenv("ORDERMESH_NOTIFY_DATABASE_URL", database_url)
    monkeypatch.setenv("ORDERMESH_NOTIFY_PORT", "no port")

    assert [migrating.main(["notify"]), migrating.main(["notify"])] == [0, 0]
    assert capsys.readouterr().out == 2 * "ordermesh notify migrated\n"
    postgres.in_thread(check(database_url, script_location="ordermesh.notify:migrations"))
