"""Reads what kustomize makes of ``deploy/k8s``, for the tests that guard it.

Guards take built objects and give their findings, so that a test can show them objects with a
fault.
"""

import re
import shutil
import subprocess
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import kubernetes_validate  # type: ignore[import-untyped]  # it ships no types
import yaml  # type: ignore[import-untyped]  # it ships no types

from tests.architecture.house import ROOT, SERVICES

K8S = ROOT / "deploy" / "k8s"
LOCAL = Path("overlays/local")
SCRIPTS = ("certificates.sh", "passwords.sh")
"""What has to run before the local overlay can be built."""

VERSIONS = ("1.30", kubernetes_validate.latest_version())
"""The oldest Kubernetes that the manifests are for, and the newest that the schemas know."""

UNKNOWN_KINDS: frozenset[str] = frozenset()
"""Kinds of others, which have no schema here. Each is a hole in the check, so each is named."""

Object = dict[str, Any]

_HOST = re.compile(r"^(?:localhost|[^/]*[.:][^/]*)/")
_SECRET_NAMES = re.compile(r"(?:PASSWORD|TOKEN|SECRET|DATABASE_URL)$")
_CREDENTIALS = re.compile(r"://[^/\s:@$]+:[^/\s@$]+@|-----BEGIN [A-Z ]*PRIVATE KEY-----")


def kustomizations(root: Path = K8S) -> list[Path]:
    """The folders that can be built on their own, relative to ``root``: components cannot."""
    return sorted(
        file.parent.relative_to(root)
        for file in root.rglob("kustomization.yaml")
        if _read(file).get("kind") == "Kustomization"
    )


def components(root: Path = K8S) -> list[str]:
    """The names of all that can be switched on."""
    return sorted(folder.name for folder in (root / "components").iterdir())


def copy_with_secrets(target: Path) -> Path:
    """The manifests in another place, with what the scripts of the local overlay make."""
    shutil.copytree(K8S, target, ignore=shutil.ignore_patterns("secrets"))
    for script in SCRIPTS:
        run_script(target / LOCAL / script)
    return target


def run_script(script: Path) -> None:
    """Run a script of the local overlay."""
    subprocess.run([script], check=True, capture_output=True, timeout=60)


def build(folder: Path) -> list[Object]:
    """What ``kubectl apply -k`` would send."""
    built = subprocess.run(
        ["kubectl", "kustomize", str(folder)], capture_output=True, text=True, check=False
    )
    if built.returncode or built.stderr:
        raise AssertionError(f"{folder} cannot be built cleanly: {built.stderr}")
    return [one for one in yaml.safe_load_all(built.stdout) if one]


def of_kind(objects: Iterable[Object], kind: str) -> dict[str, Object]:
    """The objects of one kind by their names."""
    return {one["metadata"]["name"]: one for one in objects if one["kind"] == kind}


def pods(objects: Iterable[Object]) -> Iterator[tuple[str, Object]]:
    """The templates of pods, with the kind and the name of what makes them."""
    for one in objects:
        if one["kind"] in ("Deployment", "StatefulSet", "Job"):
            yield f"{one['kind']} {one['metadata']['name']}", one["spec"]["template"]


def environment(objects: Sequence[Object], container: Object, secrets: str = "x") -> dict[str, str]:
    """The variables that a container gets; those from Secrets are ``secrets``."""
    maps = of_kind(objects, "ConfigMap")
    given: dict[str, str] = {}
    for source in container.get("envFrom", []):
        if "configMapRef" in source:
            given |= maps[source["configMapRef"]["name"]]["data"]
    for variable in container.get("env", []):
        given[variable["name"]] = variable.get("value", secrets)
    return given


def schema_faults(objects: Iterable[Object]) -> list[str]:
    """What the API of Kubernetes would refuse, unknown fields among it."""
    found = []
    for one in objects:
        name = f"{one['kind']} {one['metadata']['name']}"
        for version in VERSIONS:
            try:
                kubernetes_validate.validate(one, version, strict=True)
            except kubernetes_validate.SchemaNotFoundError:
                if one["kind"] not in UNKNOWN_KINDS:
                    found.append(f"{name}: there is no such kind")
            except kubernetes_validate.ValidationError as error:
                found.append(f"{name}: {error.message}")
    return found


def soft_pods(objects: Iterable[Object]) -> list[str]:
    """Pods that could do more than they must."""
    found = []
    for name, template in pods(objects):
        spec = template["spec"]
        whole = spec.get("securityContext", {})
        rules = {
            "may run as root": whole.get("runAsNonRoot") is True and whole.get("runAsUser", 0) > 0,
            "has no seccomp": whole.get("seccompProfile") == {"type": "RuntimeDefault"},
            "has a token": spec.get("automountServiceAccountToken") is False,
            "gets variables of the cluster": spec.get("enableServiceLinks") is False,
        }
        for container in (*spec["containers"], *spec.get("initContainers", [])):
            own = container.get("securityContext", {})
            resources = container.get("resources", {})
            rules |= {
                "may gain rights": own.get("allowPrivilegeEscalation") is False,
                "may write to its root": own.get("readOnlyRootFilesystem") is True,
                "has capabilities": own.get("capabilities") == {"drop": ["ALL"]},
                "asks for nothing": {"cpu", "memory"} <= resources.get("requests", {}).keys(),
                "has no bound of memory": "memory" in resources.get("limits", {}),
            }
        found += [f"{name} {fault}" for fault, holds in rules.items() if not holds]
    return found


def loose_images(objects: Iterable[Object]) -> list[str]:
    """Images that name a registry, or that may be another tomorrow."""
    images = {one["image"] for _, pod in pods(objects) for one in pod["spec"]["containers"]}
    return sorted(
        image
        for image in images
        if _HOST.match(image) or not re.search(r":(?!latest$)[\w.-]+$", image.rpartition("/")[2])
    )


def nameless(objects: Iterable[Object]) -> list[str]:
    """Objects, and pods, without the labels by which they are found."""
    labelled = [(f"{one['kind']} {one['metadata']['name']}", one) for one in objects]
    labelled += [(f"pods of {name}", template) for name, template in pods(objects)]
    return [
        f"{name} lacks {label}"
        for name, one in labelled
        for label in ("app.kubernetes.io/name", "app.kubernetes.io/part-of")
        if label not in one["metadata"].get("labels", {})
        # What is for all in the namespace, and the namespace itself, has no name of a part.
        and not (label.endswith("/name") and name.split()[0] in ("NetworkPolicy", "Namespace"))
        and not name.startswith("Secret ")
    ]


def dangling(objects: Sequence[Object], known_secrets: Mapping[str, frozenset[str]]) -> list[str]:
    """References to what is neither built nor, as ``known_secrets`` are, made by the operator."""
    maps, accounts = of_kind(objects, "ConfigMap"), of_kind(objects, "ServiceAccount")
    secrets = {name: frozenset(one["data"]) for name, one in of_kind(objects, "Secret").items()}
    secrets = secrets or dict(known_secrets)
    found = []
    for name, template in pods(objects):
        spec = template["spec"]
        if spec.get("serviceAccountName", "default") not in {*accounts, "default"}:
            found.append(f"{name}: ServiceAccount {spec['serviceAccountName']}")
        for volume in spec.get("volumes", []):
            if "configMap" in volume and volume["configMap"]["name"] not in maps:
                found.append(f"{name}: ConfigMap {volume['configMap']['name']}")
            if "secret" in volume and volume["secret"]["secretName"] not in secrets:
                found.append(f"{name}: Secret {volume['secret']['secretName']}")
        for container in spec["containers"]:
            found += [f"{name}: {one}" for one in _dangling_variables(container, maps, secrets)]
    return found


def _dangling_variables(
    container: Object, maps: Mapping[str, Object], secrets: Mapping[str, frozenset[str]]
) -> Iterator[str]:
    for source in container.get("envFrom", []):
        if "configMapRef" in source and source["configMapRef"]["name"] not in maps:
            yield f"ConfigMap {source['configMapRef']['name']}"
        if "secretRef" in source and source["secretRef"]["name"] not in secrets:
            yield f"Secret {source['secretRef']['name']}"
    for variable in container.get("env", []):
        reference = variable.get("valueFrom", {}).get("secretKeyRef")
        if reference and reference["key"] not in secrets.get(reference["name"], frozenset()):
            yield f"Secret {reference['name']}, {reference['key']}"


def idle_selectors(objects: Sequence[Object]) -> list[str]:
    """Services, budgets and policies that select no pod."""
    labels = [template["metadata"]["labels"] for _, template in pods(objects)]
    found = []
    for one in objects:
        spec = one.get("spec", {})
        if one["kind"] == "Service":
            selector = {"matchLabels": spec["selector"]}
        elif one["kind"] == "PodDisruptionBudget":
            selector = spec["selector"]
        elif one["kind"] == "NetworkPolicy":
            selector = spec["podSelector"]
        else:
            continue
        if not any(selects(selector, own) for own in labels):
            found.append(f"{one['kind']} {one['metadata']['name']}")
    return found


def told_secrets(objects: Sequence[Object]) -> list[str]:
    """Secrets where everybody can read them: in ConfigMaps, and written out in containers."""
    found = []
    for name, one in of_kind(objects, "ConfigMap").items():
        for key, value in one.get("data", {}).items():
            if _SECRET_NAMES.search(key) or _CREDENTIALS.search(value):
                found.append(f"ConfigMap {name}, {key}")
    for name, template in pods(objects):
        for container in template["spec"]["containers"]:
            found += [
                f"{name}, {one['name']}"
                for one in container.get("env", [])
                if "value" in one
                and (_SECRET_NAMES.search(one["name"]) or _CREDENTIALS.search(one["value"]))
            ]
    return found


def committed_secrets(folder: Path) -> list[str]:
    """Files with a key or a password in them, but for those that are never committed."""
    return sorted(
        str(file.relative_to(folder))
        for file in folder.rglob("*")
        if file.is_file()
        and not {"secrets", "__pycache__"} & set(file.relative_to(folder).parts)
        and _CREDENTIALS.search(file.read_text())
    )


def crowded_files(root: Path = K8S) -> list[str]:
    """Files with more than one object."""
    return sorted(
        str(file.relative_to(root))
        for file in root.rglob("*.yaml")
        if len([one for one in yaml.safe_load_all(file.read_text()) if one]) != 1
    )


@dataclass(frozen=True)
class Pod:
    """A pod as network policies see it."""

    labels: Mapping[str, str]
    namespace: str = "ordermesh"


@dataclass
class Network:
    """Who may open a connection to whom, by the rules of the NetworkPolicy API."""

    objects: Sequence[Object]
    policies: list[Object] = field(init=False)

    def __post_init__(self) -> None:
        self.policies = [one["spec"] for one in of_kind(self.objects, "NetworkPolicy").values()]

    def allows(self, source: Pod, target: Pod, port: int) -> bool:
        """Whether both sides agree. Pods of other namespaces are under no rule of ours."""
        return self._one_way("Egress", source, target, port) and self._one_way(
            "Ingress", target, source, port
        )

    def _one_way(self, direction: str, own: Pod, other: Pod, port: int) -> bool:
        if own.namespace != "ordermesh":
            return True
        selecting = [
            one
            for one in self.policies
            if direction in one["policyTypes"] and selects(one["podSelector"], own.labels)
        ]
        if not selecting:
            return True
        side = "to" if direction == "Egress" else "from"
        rules = [rule for one in selecting for rule in one.get(direction.lower(), [])]
        return any(
            ("ports" not in rule or any(one["port"] == port for one in rule["ports"]))
            and (side not in rule or any(_is_meant(one, other) for one in rule[side]))
            for rule in rules
        )


def _is_meant(peer: Object, pod: Pod) -> bool:
    if "namespaceSelector" in peer:
        if not selects(peer["namespaceSelector"], {"kubernetes.io/metadata.name": pod.namespace}):
            return False
    elif pod.namespace != "ordermesh":
        return False
    return selects(peer.get("podSelector", {}), pod.labels)


def selects(selector: Object, labels: Mapping[str, str]) -> bool:
    """Whether a selector means what has these labels; an empty one means everything."""
    for expression in selector.get("matchExpressions", []):
        if expression["operator"] != "In":
            raise AssertionError(f"{expression['operator']} is not understood here")
        if labels.get(expression["key"]) not in expression["values"]:
            return False
    return all(labels.get(key) == value for key, value in selector.get("matchLabels", {}).items())


def server(service: str) -> Pod:
    """A pod that serves."""
    if service not in SERVICES:
        raise ValueError(service)
    return Pod({"app.kubernetes.io/name": service, "app.kubernetes.io/component": "server"})


def _read(file: Path) -> Object:
    read: Object = yaml.safe_load(file.read_text())
    return read
