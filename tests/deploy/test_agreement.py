"""The manifests and the code say the same: settings, ports, probes, times, and who calls whom."""

import ast
import copy
import importlib
import importlib.util
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pytest

from ordermesh.client.mesh import Mesh
from ordermesh.inventory import access as inventory_access
from ordermesh.inventory.settings import InventorySettings
from ordermesh.notify import access as notify_access
from ordermesh.notify.settings import NotifySettings
from ordermesh.returns import access as returns_access
from ordermesh.returns.settings import ReturnsSettings
from ordermesh.routing import access as routing_access
from ordermesh.routing.settings import RoutingSettings
from ordermesh.runtime import migrating, server
from ordermesh.runtime.auth import ANYONE
from ordermesh.runtime.export import Telemetry
from ordermesh.runtime.settings import ServerSettings, read_settings
from tests.architecture.house import ROOT, SERVICES, modules
from tests.deploy import manifests
from tests.deploy.manifests import Network, Object, Pod

SETTINGS: Mapping[str, type[ServerSettings]] = {
    "inventory": InventorySettings,
    "routing": RoutingSettings,
    "returns": ReturnsSettings,
    "notify": NotifySettings,
}
RULES: Mapping[str, Mapping[str, frozenset[str]]] = {
    "inventory": inventory_access.RULES,
    "routing": routing_access.RULES,
    "returns": returns_access.RULES,
    "notify": notify_access.RULES,
}

OUTSIDE = frozenset({"edge", "location", "operator", "source"})
"""The roles of callers that are no services."""

SILENT = frozenset({"notify"})
"""Services that others would let call, and that call no peer all the same."""

WHOLE = ("base", "tests/everything", "tests/production", "overlays/local")

TELEMETRY_SECONDS = float((Telemetry.shutdown.__defaults__ or (0.0,))[0])

Built = Mapping[str, list[Object]]
Edge = tuple[str, str]


@pytest.fixture(autouse=True)
def _alone(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("ORDERMESH_")]:
        monkeypatch.delenv(name)


@dataclass(frozen=True)
class Deployed:
    """A service as one combination of manifests runs it."""

    service: str
    pod: Object
    container: Object
    settings: ServerSettings

    def probe(self, name: str) -> Object:
        """The gRPC probe of this name."""
        probe: Object = self.container[name]["grpc"]
        return probe


def _deployed(service: str, objects: Sequence[Object], monkeypatch: pytest.MonkeyPatch) -> Deployed:
    pod = manifests.of_kind(objects, "Deployment")[service]["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    with monkeypatch.context() as patch:
        for name, value in manifests.environment(objects, container).items():
            patch.setenv(name, value)
        return Deployed(service, pod, container, read_settings(SETTINGS[service]))


def wrong_ports(given: Deployed) -> list[str]:
    """Ports that are not where the service listens, or where it is looked for."""
    settings = given.settings
    ports = {one["name"]: one["containerPort"] for one in given.container["ports"]}
    probes = ("startupProbe", "readinessProbe", "livenessProbe")
    rules = {
        "the port is not the service's own": settings.port
        == SETTINGS[given.service].model_fields["port"].default,
        "grpc": ports["grpc"] == settings.port,
        "health": ports["health"] == settings.health_port != settings.port,
        **{one: given.probe(one)["port"] == settings.health_port for one in probes},
    }
    return [name for name, holds in rules.items() if not holds]


def wrong_probes(given: Deployed) -> list[str]:
    """Probes that ask for a name that health does not know, or kill for what others do."""
    own = f"ordermesh.api.{given.service}.v1."
    served = {method.split("/")[1] for method in RULES[given.service]}
    asked = given.probe("readinessProbe").get("service", "")
    found = [] if asked in served and asked.startswith(own) else [f"readiness asks for {asked!r}"]
    return found + [
        f"{probe} asks for {given.probe(probe)['service']!r}"
        for probe in ("livenessProbe", "startupProbe")
        if given.probe(probe).get("service", "")
    ]


def seconds_to_stop(given: Deployed) -> float:
    """What may pass from the first word to the end of the process."""
    return (
        float(given.container["lifecycle"]["preStop"]["sleep"]["seconds"])
        + given.settings.grace_seconds
        + server.CLOSING_SECONDS
        + server.BACKGROUND_SECONDS
        + TELEMETRY_SECONDS
    )


def hasty(given: Deployed) -> list[str]:
    """Pods that are killed before they have ended in good order."""
    granted = given.pod["terminationGracePeriodSeconds"]
    return [f"{granted} s"] if granted <= seconds_to_stop(given) else []


@pytest.mark.parametrize("whole", WHOLE)
@pytest.mark.parametrize("service", SERVICES)
def test_a_service_runs_in_production_with_what_its_pod_is_given(
    service: str, whole: str, built: Built, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = _deployed(service, built[whole], monkeypatch)

    assert given.settings.environment == "production"
    assert given.settings.has_certificates
    assert given.settings.migrate is False
    assert given.settings.host == "0.0.0.0"
    assert (wrong_ports(given), wrong_probes(given), hasty(given)) == ([], [], [])
    (mount,) = [one for one in given.container["volumeMounts"] if one["name"] == "tls"]
    assert {
        str(path.parent)
        for path in (
            given.settings.tls_certificate,
            given.settings.tls_private_key,
            given.settings.tls_authorities,
        )
        if path is not None
    } == {mount["mountPath"]}


@pytest.mark.parametrize(
    ("path", "value", "guard"),
    [
        (("container", "ports", 0, "containerPort"), 7999, wrong_ports),
        (("container", "livenessProbe", "grpc", "port"), 7102, wrong_ports),
        (("container", "readinessProbe", "grpc", "service"), "ordermesh.routing", wrong_probes),
        (("container", "readinessProbe", "grpc", "service"), "", wrong_probes),
        (
            ("container", "livenessProbe", "grpc", "service"),
            "ordermesh.api.routing.v1.OrderService",
            wrong_probes,
        ),
        (("pod", "terminationGracePeriodSeconds"), 30, hasty),
        (("container", "lifecycle", "preStop", "sleep", "seconds"), 15, hasty),
    ],
)
def test_a_pod_that_does_not_fit_its_service_is_found(
    path: tuple[Any, ...],
    value: Any,
    guard: Callable[[Deployed], list[str]],
    built: Built,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    given = _deployed("routing", copy.deepcopy(built["base"]), monkeypatch)
    first, *keys, last = path
    place = getattr(given, first)
    for key in keys:
        place = place[key]
    place[last] = value

    assert guard(given) != []


def test_a_variable_that_is_no_setting_is_refused(
    built: Built, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    objects = copy.deepcopy(built["base"])
    pod = manifests.of_kind(objects, "Deployment")["routing"]["spec"]["template"]["spec"]
    pod["containers"][0]["env"].append({"name": "ORDERMESH_ROUTING_GRACE", "value": "20"})

    with pytest.raises(SystemExit):
        _deployed("routing", objects, monkeypatch)
    assert "ORDERMESH_ROUTING_GRACE: there is no such setting" in capsys.readouterr().err


@pytest.mark.parametrize("service", SERVICES)
def test_a_headless_service_leads_to_the_port(
    service: str, built: Built, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec = manifests.of_kind(built["base"], "Service")[service]["spec"]

    assert spec["clusterIP"] == "None"
    assert [(one["port"], one["targetPort"]) for one in spec["ports"]] == [
        (_deployed(service, built["base"], monkeypatch).settings.port, "grpc")
    ]


@pytest.mark.parametrize("service", SERVICES)
def test_a_migration_runs_in_the_image_of_its_service_on_the_same_database(
    service: str, built: Built, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = _deployed(service, built["base"], monkeypatch)
    job = manifests.of_kind(built["base"], "Job")[f"{service}-migrate"]["spec"]["template"]["spec"]
    (container,) = job["containers"]
    url = f"ORDERMESH_{service.upper()}_DATABASE_URL"

    assert container["image"] == given.container["image"]
    assert container["command"] == ["python", "-m", migrating.__name__, service]
    assert importlib.util.find_spec(f"ordermesh.{service}.migrations") is not None
    (own,) = [one for one in container["env"] if one["name"] == url]
    assert own in given.container["env"]
    with monkeypatch.context() as patch:
        for name, value in manifests.environment(built["base"], container).items():
            patch.setenv(name, value)
        assert migrating.read(service).environment == "production"


def _peers(service: str, objects: Sequence[Object], patch: pytest.MonkeyPatch) -> dict[str, str]:
    return dict(_deployed(service, objects, patch).settings.peers)


def _permitted() -> set[Edge]:
    """Who may call whom by the tables of access, but for who calls nobody."""
    return {
        (caller, callee)
        for callee, rules in RULES.items()
        for caller in frozenset().union(*rules.values()) - OUTSIDE - {ANYONE, callee} - SILENT
    }


def _ports() -> dict[str, int]:
    return {service: SETTINGS[service].model_fields["port"].default for service in SERVICES}


def open_ways(network: Network) -> set[Edge]:
    """Which services may open a connection to which."""
    return {
        (caller, callee)
        for caller in SERVICES
        for callee in SERVICES
        if caller != callee
        and network.allows(manifests.server(caller), manifests.server(callee), _ports()[callee])
    }


class _Asked(Exception):
    pass


class _Listener(Mesh):
    """Tells which service a stub of the mesh belongs to."""

    def channel(self, service: str) -> Any:
        raise _Asked(service)


def _service_of(stub: str) -> str:
    try:
        getattr(_Listener({}), stub)
    except _Asked as asked:
        return str(asked)
    except AttributeError:
        return ""
    return ""


def _needed(service: str) -> Iterator[str]:
    """The services whose stubs this one uses, and those that it delivers events to."""
    portion = ROOT / "services" / service / "ordermesh" / service
    for file in modules(portion):
        if file.is_relative_to(portion / "bench"):
            continue  # it calls its own service, on the machine where it runs
        for node in ast.walk(ast.parse(file.read_text())):
            if (
                isinstance(node, ast.Attribute)
                and isinstance(node.value, ast.Attribute | ast.Name)
                and ast.unparse(node.value).endswith("mesh")
                and _service_of(node.attr)
            ):
                yield _service_of(node.attr)
    for name in ("peers", "peers.consumers"):
        if (portion / f"{name.replace('.', '/')}.py").exists():
            yield from getattr(
                importlib.import_module(f"ordermesh.{service}.{name}"), "CONSUMERS", ()
            )


@pytest.mark.parametrize("whole", WHOLE)
def test_the_network_is_open_where_the_tables_of_access_permit_a_call_and_nowhere_else(
    whole: str, built: Built, monkeypatch: pytest.MonkeyPatch
) -> None:
    named = {service: _peers(service, built[whole], monkeypatch) for service in SERVICES}

    assert open_ways(Network(built[whole])) == _permitted()
    assert {(caller, callee) for caller, peers in named.items() for callee in peers} == _permitted()
    assert {
        target
        for peers in named.values()
        for callee, target in peers.items()
        if target != f"dns:///{callee}:{_ports()[callee]}"
    } == set()


def test_every_call_that_the_code_makes_finds_the_network_open() -> None:
    needed = {(service, peer) for service in SERVICES for peer in _needed(service)}

    assert {("routing", "inventory"), ("routing", "notify"), ("inventory", "routing")} <= needed
    assert needed <= _permitted()
    assert {caller for caller, _ in needed}.isdisjoint(SILENT)


@pytest.mark.parametrize("whole", WHOLE)
@pytest.mark.parametrize("service", SERVICES)
def test_platforms_reach_what_their_role_may_call(service: str, whole: str, built: Built) -> None:
    network = Network(built[whole])
    roles = frozenset().union(*RULES[service].values()) & OUTSIDE
    port = _ports()[service]

    for namespace in ("ordermesh", "shops"):
        for role in OUTSIDE:
            pod = Pod({"ordermesh/caller": role}, namespace)
            # Our own namespace lets nobody out who is not named, platforms live elsewhere.
            is_open = role in roles and namespace == "shops"
            assert network.allows(pod, manifests.server(service), port) is is_open
    assert not network.allows(Pod({}, "shops"), manifests.server(service), port)


@pytest.mark.parametrize("service", SERVICES)
def test_databases_are_reached_by_servers_and_migrations_and_reach_nobody(
    service: str, built: Built
) -> None:
    network = Network(built["overlays/local"])
    database = Pod({"app.kubernetes.io/name": "postgres"})
    migration = Pod({"app.kubernetes.io/name": service, "app.kubernetes.io/component": "migration"})

    assert network.allows(manifests.server(service), database, 5432)
    assert network.allows(migration, database, 5432)
    assert not network.allows(migration, manifests.server(service), _ports()[service])
    assert not network.allows(manifests.server(service), Pod({}, "elsewhere"), 5432)
    assert not network.allows(Pod({}, "elsewhere"), database, 5432)
    assert not network.allows(database, manifests.server(service), _ports()[service])


def test_a_hole_in_the_network_is_found(built: Built) -> None:
    objects = copy.deepcopy(built["base"])
    policies = manifests.of_kind(objects, "NetworkPolicy")
    policies["notify"]["spec"]["ingress"][0].pop("from")
    assert open_ways(Network(objects)) == _permitted()

    policies["inventory"]["spec"]["egress"].append({})
    assert open_ways(Network(objects)) == _permitted() | {("inventory", "notify")}

    del policies["default-deny"]
    without = [one for one in objects if one["metadata"]["name"] != "default-deny"]
    assert not Network(without).allows(Pod({}, "x"), manifests.server("routing"), 7102)
    stranger = Pod({"app.kubernetes.io/name": "stranger"})
    assert Network(without).allows(Pod({}, "x"), stranger, 1)
    assert not Network(objects).allows(Pod({}, "x"), stranger, 1)
