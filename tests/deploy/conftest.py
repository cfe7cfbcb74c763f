"""The manifests, built once for all tests that look at them."""

import shutil
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.deploy import manifests
from tests.deploy.manifests import Object


@pytest.fixture(scope="session")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of ``deploy/k8s`` with the secrets that the local overlay's scripts make."""
    for command in ("kubectl", "openssl"):
        if shutil.which(command) is None:
            pytest.skip(f"NOT TESTED: the manifests, because there is no {command} on this machine")
    return manifests.copy_with_secrets(tmp_path_factory.mktemp("deploy") / "k8s")


@pytest.fixture(scope="session")
def built(place: Path) -> Mapping[str, list[Object]]:
    """What each kustomization gives, by its folder."""
    return {str(folder): manifests.build(place / folder) for folder in manifests.kustomizations()}


@pytest.fixture(scope="session")
def local(built: Mapping[str, list[Object]]) -> list[Object]:
    """The local overlay, with its secrets."""
    return built[str(manifests.LOCAL)]
