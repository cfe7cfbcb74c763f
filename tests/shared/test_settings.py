"""The settings of a server, read once, and what is said when they are wrong."""

from pathlib import Path

import pytest
from pydantic_settings import SettingsConfigDict

from ordermesh.runtime.points import POINTS
from ordermesh.runtime.settings import ServerSettings, read_settings


class EchoSettings(ServerSettings):
    model_config = SettingsConfigDict(env_prefix="ORDERMESH_ECHO_")

    port: int = 7199
    extra_words: int = 3


URL = "sqlite+aiosqlite:///echo.db"


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ORDERMESH_ECHO_DATABASE_URL", URL)


def test_the_environment_is_read_with_the_prefix_of_the_service(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("ORDERMESH_ECHO_PORT", "0")
    monkeypatch.setenv("ORDERMESH_ECHO_PEERS__ROUTING", "127.0.0.1:7102")
    monkeypatch.setenv("ORDERMESH_ECHO_PEERS__NOTIFY", "dns:///notify:7104")
    monkeypatch.setenv("ORDERMESH_ECHO_ROLES", "serve")
    monkeypatch.setenv("ORDERMESH_ECHO_TRACE_SQL", "true")
    monkeypatch.setenv("ORDERMESH_ECHO_OTLP_ENDPOINT", "http://127.0.0.1:4317")
    monkeypatch.setenv("ORDERMESH_OTHER_PORT", "x")

    settings = read_settings(EchoSettings)

    assert settings.port == 0
    assert settings.database_url == URL
    assert settings.peers == {"routing": "127.0.0.1:7102", "notify": "dns:///notify:7104"}
    assert settings.roles == {"serve"}
    assert settings.trace_sql
    assert settings.otlp_endpoint == "http://127.0.0.1:4317"


def test_a_laptop_needs_nothing_but_a_database() -> None:
    settings = read_settings(EchoSettings)

    assert (settings.environment, settings.host, settings.port) == (
        "development",
        "127.0.0.1",
        7199,
    )
    assert settings.roles == {"serve", "work"}
    assert not settings.trace_sql
    assert not settings.exports_metrics
    assert not settings.has_certificates


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("PORT", "many", "ORDERMESH_ECHO_PORT"),
        ("PORT", "70000", "ORDERMESH_ECHO_PORT"),
        ("ROLES", "serve,dance", "ORDERMESH_ECHO_ROLES"),
        ("ENVIRONMENT", "staging", "ORDERMESH_ECHO_ENVIRONMENT"),
        ("ENVIRONMENT", "production", "trust_domain"),
        ("TLS_CERTIFICATE", "/nowhere.pem", "tls_private_key"),
        ("PORTT", "1", "ORDERMESH_ECHO_PORTT: there is no such setting"),
        ("PEERS", "{not json", "ORDERMESH_ECHO_"),
        ("GRACE_SECONDS", "-1", "ORDERMESH_ECHO_GRACE_SECONDS"),
    ],
)
def test_wrong_settings_are_named_and_end_the_process_with_code_2(
    name: str,
    value: str,
    told: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv(f"ORDERMESH_ECHO_{name}", value)

    with pytest.raises(SystemExit) as caught:
        read_settings(EchoSettings)

    assert caught.value.code == 2
    assert told in capsys.readouterr().err


def test_values_are_never_repeated(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("ORDERMESH_ECHO_PORT", "hunter2")
    monkeypatch.setenv("ORDERMESH_ECHO_PEERS", "hunter2")

    with pytest.raises(SystemExit):
        read_settings(EchoSettings)

    assert "hunter2" not in capsys.readouterr().err
    assert "echo.db" not in repr(ServerSettings(database_url=URL))


def test_a_missing_database_is_told(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("ORDERMESH_ECHO_DATABASE_URL")

    with pytest.raises(SystemExit):
        read_settings(EchoSettings)

    assert "ORDERMESH_ECHO_DATABASE_URL: Field required" in capsys.readouterr().err


def test_production_with_certificates_exports_metrics(tmp_path: Path) -> None:
    settings = ServerSettings(
        database_url=URL,
        environment="production",
        tls_certificate=tmp_path / "a",
        tls_private_key=tmp_path / "b",
        tls_authorities=tmp_path / "c",
        trust_domain="example.org",
    )

    assert settings.has_certificates
    assert settings.exports_metrics


def test_a_server_in_production_does_not_fail_on_purpose(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("ORDERMESH_ECHO_FAILPOINTS", "work.claimed=exit")
    assert read_settings(EchoSettings).failpoints == "work.claimed=exit"

    monkeypatch.setenv("ORDERMESH_ECHO_ENVIRONMENT", "production")
    with pytest.raises(SystemExit) as ended:
        read_settings(EchoSettings)

    assert ended.value.code == 2
    assert "a server in production does not fail on purpose" in capsys.readouterr().err


def test_a_malformed_plan_of_faults_stops_the_start_and_names_all_points(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("ORDERMESH_ECHO_FAILPOINTS", "work.stolen=exit")

    with pytest.raises(SystemExit):
        read_settings(EchoSettings)

    said = capsys.readouterr().err
    assert "ORDERMESH_ECHO_FAILPOINTS: " in said
    assert "There is no point 'work.stolen'" in said
    assert all(point in said for point in POINTS)


def test_a_plan_of_faults_whose_file_is_missing_stops_the_start(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setenv("ORDERMESH_ECHO_FAILPOINTS", f"file:{tmp_path / 'nothing'}")

    with pytest.raises(SystemExit):
        read_settings(EchoSettings)

    assert "Its file cannot be read: No such file or directory." in capsys.readouterr().err
