"""`ordermesh audit` says what it needs, and runs the service's own module."""

import importlib.util
from pathlib import Path

import pytest
import typer

from ordermesh.cli import audit
from ordermesh.cli.app import app


def run(*arguments: str) -> int:
    """The exit code of the command."""
    try:
        typer.main.get_command(app).main(["audit", *arguments], standalone_mode=True)
    except SystemExit as ended:
        return int(ended.code or 0)
    return 0


def test_without_files_it_says_which(capsys: pytest.CaptureFixture[str]) -> None:
    assert run() == 2
    assert run("shipments.csv") == 2
    assert "--rates" in capsys.readouterr().err


def test_where_routing_is_not_installed_it_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)

    assert run("shipments.csv", "--rates", "rates.csv") == 2
    assert "pip install 'ordermesh[routing,cli]'" in capsys.readouterr().err


def test_a_file_whose_name_looks_like_an_option_is_a_file(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[str] = []

    def take(service: str, module: str, arguments: list[str], *, extras: str) -> None:
        asked.extend([service, module, *arguments])

    monkeypatch.setattr(audit, "run_module", take)

    assert run("--rates", "rates.csv", "--pool", "week", "--until-promise", "--", "--odd.csv") == 0
    assert asked[:2] == ["routing", "audit"]
    assert asked[-2:] == ["--", "--odd.csv"]
    assert {"--rates=rates.csv", "--pool=week", "--until-promise"} <= set(asked)


def test_a_sample_is_written_where_it_is_asked_for_and_its_files_are_audited(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)

    assert run("--sample", "40", "--rule", "priority", "--into", "some") == 0
    assert run("some/shipments.csv", "--rates", "some/rates.csv", "--quick") == 0

    assert "No router could have saved more than" in Path("audit.html").read_text()
    assert Path("audit-proof.json").exists()
    assert Path("audit.json").exists()
