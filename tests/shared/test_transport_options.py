"""gRPC ignores an option whose name it does not know, and says nothing."""

import re
from importlib.util import find_spec
from pathlib import Path

import pytest

import ordermesh.client.mesh
import ordermesh.runtime.server


@pytest.mark.parametrize("module", [ordermesh.runtime.server, ordermesh.client.mesh])
def test_every_option_of_the_transport_is_one_that_grpc_knows(module: object) -> None:
    written = Path(str(getattr(module, "__file__", ""))).read_text()
    options = set(re.findall(r'"(grpc\.[a-z0-9_.]+)", ', written))
    spec = find_spec("grpc._cython.cygrpc")
    assert spec is not None
    library = Path(str(spec.origin)).read_bytes()

    assert len(options) > 3
    assert {option for option in options if option.encode() + b"\0" not in library} == set()
