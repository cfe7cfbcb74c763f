"""Fixtures: the contracts as compiled today."""

from pathlib import Path

import pytest

from protos.generate import write_descriptors


@pytest.fixture(scope="session")
def descriptor_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The descriptor set of the contracts, with comments."""
    file = tmp_path_factory.mktemp("contracts") / "descriptors.binpb"
    write_descriptors(file)
    return file
