"""What kustomize makes of the manifests: valid, tight, and in step with the code."""

import copy
import os
import shutil
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml  # type: ignore[import-untyped]  # it ships no types

from ordermesh.runtime import engines
from ordermesh.runtime.telemetry import ALLOWED
from tests.architecture.house import SERVICES
from tests.deploy import manifests
from tests.deploy.manifests import Object

SERVERS = tuple(SERVICES)
RESOURCE = frozenset(
    {
        "service.namespace",
        "service.name",
        "service.instance.id",
        "telemetry.sdk.language",
        "telemetry.sdk.name",
        "telemetry.sdk.version",
    }
)
"""What the SDK says of the process that sends."""

PROMISED = {f"{service}-database": frozenset({"url"}) for service in SERVICES}
PROMISED |= {f"{service}-tls": frozenset({"tls.crt", "tls.key", "ca.crt"}) for service in SERVICES}
PROMISED |= {"notify-smtp": frozenset({"username", "password"})}
PROMISED |= {"postgres-passwords": frozenset()}
"""The Secrets that `deploy/README.md` asks the operator for."""

WHOLE = ("base", "tests/everything", "overlays/local")

Findings = Callable[[list[Object]], list[str]]


def _dangling(objects: list[Object]) -> list[str]:
    return manifests.dangling(objects, PROMISED)


GUARDS: Mapping[str, Findings] = {
    "schema_faults": manifests.schema_faults,
    "soft_pods": manifests.soft_pods,
    "loose_images": manifests.loose_images,
    "nameless": manifests.nameless,
    "dangling": _dangling,
    "told_secrets": manifests.told_secrets,
    "idle_selectors": manifests.idle_selectors,
}


def _parts(objects: Iterable[Object], kind: str, name: str) -> Object:
    return manifests.of_kind(objects, kind)[name]


def _pod(objects: Iterable[Object]) -> Object:
    spec: Object = _parts(objects, "Deployment", "routing")["spec"]["template"]["spec"]
    return spec


def _container(objects: Iterable[Object]) -> Object:
    container: Object = _pod(objects)["containers"][0]
    return container


def test_every_folder_with_a_kustomization_is_built(built: Mapping[str, list[Object]]) -> None:
    assert {*WHOLE, *(f"base/{service}" for service in SERVICES)} <= built.keys()
    assert [name for name, objects in built.items() if not objects] == []


def test_all_components_are_built_together_and_each_has_a_page_of_its_own(place: Path) -> None:
    everything = yaml.safe_load((place / "tests/everything/kustomization.yaml").read_text())
    used = sorted(Path(one).name for one in everything["components"])

    assert used == manifests.components()
    assert [
        name
        for name in manifests.components()
        if not (manifests.K8S / "components" / name / "README.md").exists()
    ] == []


def test_the_local_overlay_is_refused_without_its_secrets(place: Path, tmp_path: Path) -> None:
    shutil.copytree(place, tmp_path / "k8s", ignore=shutil.ignore_patterns("secrets"))

    with pytest.raises(AssertionError, match="cannot be built cleanly"):
        manifests.build(tmp_path / "k8s" / manifests.LOCAL)


@pytest.mark.parametrize("guard", GUARDS)
def test_nothing_is_found_in_any_combination(
    guard: str, built: Mapping[str, list[Object]], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))

    whole = {name: one for name, one in built.items() if not name.startswith("base/")}
    assert {name: GUARDS[guard](one) for name, one in whole.items() if GUARDS[guard](one)} == {}


def _set(path: str, value: Any) -> Callable[[list[Object]], None]:
    """A fault in routing's container (``c.``), pod (``p.``) or Deployment (``d.``)."""

    def plant(objects: list[Object]) -> None:
        roots = {
            "c": _container(objects),
            "p": _pod(objects),
            "d": _parts(objects, "Deployment", "routing"),
        }
        first, *keys, last = path.split(".")
        place = roots[first]
        for key in keys:
            place = place[key]
        place[last] = value

    return plant


def _told(objects: list[Object]) -> None:
    _parts(objects, "ConfigMap", _settings_name(objects, "routing"))["data"]["X_PASSWORD"] = "x"


def _settings_name(objects: Iterable[Object], service: str) -> str:
    (name,) = [
        one
        for one in manifests.of_kind(objects, "ConfigMap")
        if one.startswith(f"{service}-settings")
    ]
    return name


@pytest.mark.parametrize(
    ("guard", "plant", "finding"),
    [
        ("schema_faults", _set("c.readOnlyRoot", True), "Deployment routing: "),
        ("schema_faults", _set("d.kind", "Deploiment"), "there is no such kind"),
        ("soft_pods", _set("p.securityContext.runAsUser", 0), "Deployment routing may run as root"),
        ("soft_pods", _set("p.enableServiceLinks", True), "gets variables of the cluster"),
        ("soft_pods", _set("p.automountServiceAccountToken", True), "has a token"),
        ("soft_pods", _set("c.securityContext.readOnlyRootFilesystem", False), "write to its root"),
        ("soft_pods", _set("c.securityContext.capabilities", {"drop": ["NET_RAW"]}), "capabilit"),
        ("soft_pods", _set("c.resources", {}), "asks for nothing"),
        ("loose_images", _set("c.image", "registry.example/ordermesh-routing:1"), "registry."),
        ("loose_images", _set("c.image", "localhost/ordermesh-routing:1"), "localhost"),
        ("loose_images", _set("c.image", "ordermesh-routing"), "ordermesh-routing"),
        ("loose_images", _set("c.image", "ordermesh-routing:latest"), "ordermesh-routing:latest"),
        ("nameless", _set("d.metadata.labels", {}), "Deployment routing lacks"),
        ("dangling", _set("p.serviceAccountName", "rooting"), "ServiceAccount rooting"),
        ("dangling", _set("p.volumes", [{"secret": {"secretName": "gone"}}]), "Secret gone"),
        (
            "dangling",
            _set("c.envFrom", [{"configMapRef": {"name": "gone"}}]),
            "Deployment routing: ConfigMap gone",
        ),
        ("told_secrets", _told, "X_PASSWORD"),
        (
            "told_secrets",
            _set("c.env", [{"name": "URL", "value": "postgresql://me:you@there/db"}]),
            "Deployment routing, URL",
        ),
        ("idle_selectors", _set("d.spec.template.metadata.labels", {}), "Service routing"),
    ],
)
def test_a_fault_is_found(
    guard: str,
    plant: Callable[[list[Object]], None],
    finding: str,
    built: Mapping[str, list[Object]],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    objects = copy.deepcopy(built["base"])
    plant(objects)

    assert any(finding in one for one in GUARDS[guard](objects)), GUARDS[guard](objects)


def test_the_local_overlay_lacks_nothing(local: list[Object]) -> None:
    assert manifests.of_kind(local, "Secret") != {}
    assert manifests.dangling(local, {}) == []
    assert {one["metadata"].get("namespace") for one in local} == {None, "ordermesh"}
    assert [one["kind"] for one in local if "namespace" not in one["metadata"]] == ["Namespace"]


def test_only_the_local_overlay_makes_secrets(built: Mapping[str, list[Object]]) -> None:
    made = [name for name, objects in built.items() if manifests.of_kind(objects, "Secret")]

    assert made == [str(manifests.LOCAL)]


def test_no_secret_is_committed(place: Path, tmp_path: Path) -> None:
    deploy = manifests.K8S.parent
    assert manifests.committed_secrets(deploy) == []
    assert "secrets/" in (manifests.K8S / manifests.LOCAL / ".gitignore").read_text().split()

    shutil.copytree(place / manifests.LOCAL / "secrets", tmp_path / "kept")
    found = manifests.committed_secrets(tmp_path)
    assert {"kept/routing.key", "kept/routing-database.env"} <= set(found)


def test_each_file_holds_one_object(tmp_path: Path) -> None:
    assert manifests.crowded_files() == []

    (tmp_path / "two.yaml").write_text("kind: A\n---\nkind: B\n")
    assert manifests.crowded_files(tmp_path) == ["two.yaml"]


@pytest.mark.parametrize("service", SERVERS)
def test_a_rollout_and_a_drain_take_no_more_than_one_pod(
    service: str, built: Mapping[str, list[Object]]
) -> None:
    spec = _parts(built["base"], "Deployment", service)["spec"]
    budget = _parts(built["base"], "PodDisruptionBudget", service)["spec"]

    assert spec["replicas"] == 2
    assert spec["strategy"]["rollingUpdate"] == {"maxUnavailable": 0, "maxSurge": 1}
    assert budget["maxUnavailable"] == 1
    assert budget["selector"] == spec["selector"]
    spread = spec["template"]["spec"]["topologySpreadConstraints"]
    assert {one["topologyKey"] for one in spread} == {
        "kubernetes.io/hostname",
        "topology.kubernetes.io/zone",
    }
    assert all(one["labelSelector"] == spec["selector"] for one in spread)


def test_autoscalers_and_manifests_do_not_both_say_how_many_there_are(
    built: Mapping[str, list[Object]],
) -> None:
    objects = built["tests/everything"]
    scaled = {
        one["spec"]["scaleTargetRef"]["name"]
        for one in manifests.of_kind(objects, "HorizontalPodAutoscaler").values()
    }
    counted = {
        name
        for name, one in manifests.of_kind(objects, "Deployment").items()
        if "replicas" in one["spec"]
    }

    assert scaled == {"inventory", "returns"}
    assert scaled.isdisjoint(counted)


def test_the_database_has_a_connection_for_every_pod_of_a_rollout_at_full_scale(
    built: Mapping[str, list[Object]],
) -> None:
    objects = built["tests/everything"]
    scaled = {
        one["spec"]["scaleTargetRef"]["name"]: one["spec"]["maxReplicas"]
        for one in manifests.of_kind(objects, "HorizontalPodAutoscaler").values()
    }
    # One more of each while it is rolled out, and a migration.
    pods = sum(
        scaled.get(name) or _parts(objects, "Deployment", name)["spec"]["replicas"]
        for name in SERVERS
    ) + len(SERVERS)
    each = engines.WRITERS + engines.READERS + engines.SURVEYORS + 1
    (container,) = _parts(objects, "StatefulSet", "postgres")["spec"]["template"]["spec"][
        "containers"
    ]
    most = int(container["args"][1].removeprefix("max_connections="))

    # Three are kept for who may do everything.
    assert pods * each + len(SERVERS) <= most - 3


def test_the_collector_lets_through_what_the_services_may_send_and_nothing_else() -> None:
    file = manifests.K8S / "components" / "collector" / "collector.yaml"
    configuration = yaml.safe_load(file.read_text())
    redaction = configuration["processors"]["redaction"]

    assert redaction["allow_all_keys"] is False
    assert sorted(redaction["allowed_keys"]) == sorted(ALLOWED | RESOURCE)
    for pipeline in configuration["service"]["pipelines"].values():
        assert "redaction" in pipeline["processors"]


def test_the_scripts_of_the_local_overlay_keep_what_must_not_change(
    place: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "local"
    shutil.copytree(place / manifests.LOCAL, folder)
    kept = {name: (folder / "secrets" / name).read_text() for name in ("ca.crt", "postgres.env")}
    before = (folder / "secrets" / "routing.crt").read_text()
    for script in manifests.SCRIPTS:
        assert os.access(folder / script, os.X_OK)
        manifests.run_script(folder / script)

    assert {name: (folder / "secrets" / name).read_text() for name in kept} == kept
    assert (folder / "secrets" / "routing.crt").read_text() != before
    assert all(one.stat().st_mode & 0o077 == 0 for one in (folder / "secrets").iterdir())
