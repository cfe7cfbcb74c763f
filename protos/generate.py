"""Generates `protos/gen` from the contracts: stubs, the published descriptor set, `EVENTS.md`.

Usage::

    python -m protos.generate                    writes protos/gen
    python -m protos.generate --output DIR       writes to another folder
    python -m protos.generate --descriptors FILE writes the descriptor set alone
"""

import argparse
import ast
import importlib.util
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from google.protobuf import (
    descriptor_pb2,
    descriptor_pool,
    duration_pb2,
    field_mask_pb2,
    timestamp_pb2,
)
from google.protobuf.descriptor_pb2 import FileDescriptorSet
from google.protobuf.message import DecodeError

from protos.events import events_page

PUBLISHED = "descriptors.binpb"
"""The contracts for other languages: a descriptor set with imports and comments, in the wheel."""

PROTOS = Path(__file__).parent.resolve()
GENERATED_NOTE = '"""Generated from the contracts in `protos/`; see `protos/generate.py`."""\n'


def main() -> None:
    """Reads the command line and writes what it asks for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--output", type=Path, default=PROTOS / "gen")
    parser.add_argument("--descriptors", type=Path)
    arguments = parser.parse_args()
    if arguments.descriptors:
        write_descriptors(arguments.descriptors)
    else:
        write_stubs(arguments.output)


def sources() -> list[str]:
    """Our own contracts, sorted, relative to the folder of the contracts."""
    return sorted(str(path.relative_to(PROTOS)) for path in PROTOS.glob("ordermesh/**/*.proto"))


def write_stubs(output: Path) -> None:
    """Writes all stubs afresh, so that nothing stale stays behind."""
    shutil.rmtree(output, ignore_errors=True)
    output.mkdir(parents=True)
    with tempfile.TemporaryDirectory() as scratch:
        inputs = _inputs(Path(scratch))
        ours = [
            f"--{plugin}_out={output}" for plugin in ("python", "grpc_python", "mypy", "mypy_grpc")
        ]
        _compile([*inputs, *ours, *sources()])
        rules = [f"--{plugin}_out={output}" for plugin in ("python", "mypy")]
        _compile([*inputs, *rules, "buf/validate/validate.proto"])
    _drop_empty_service_stubs(output)
    for package in sorted({path.parent for path in output.glob("ordermesh/**/*_pb2.py")}):
        _write_door(package)
    api = output / "ordermesh" / "api"
    (api / "py.typed").touch()
    descriptors = api / PUBLISHED
    write_descriptors(descriptors)
    files = FileDescriptorSet.FromString(descriptors.read_bytes())
    (api / "EVENTS.md").write_text(events_page(files))


def write_descriptors(file: Path) -> None:
    """Writes the descriptor set with imports and comments: for lint and other languages."""
    with tempfile.TemporaryDirectory() as scratch:
        _compile(
            [
                *_inputs(Path(scratch)),
                "--include_imports",
                "--include_source_info",
                f"--descriptor_set_out={file}",
                *sources(),
                # Nothing of ours imports it, and every refusal carries it.
                "google/rpc/error_details.proto",
            ]
        )


def _inputs(scratch: Path) -> list[str]:
    rules = scratch / "validate.binpb"
    rules.write_bytes(_validate_descriptors().SerializeToString())
    return [
        f"-I{PROTOS}",
        f"-I{_common_protos()}",
        f"-I{_well_known()}",
        f"--descriptor_set_in={rules}",
    ]


def _validate_descriptors() -> descriptor_pb2.FileDescriptorSet:
    """The rules' own contract: the wheel of protovalidate carries it as a serialized descriptor."""
    module = _installed("protovalidate") / "_gen" / "buf" / "validate" / "validate_pb.py"
    for node in ast.walk(ast.parse(module.read_text())):
        if not (isinstance(node, ast.Constant) and isinstance(node.value, bytes)):
            continue
        file = descriptor_pb2.FileDescriptorProto()
        try:
            file.ParseFromString(node.value)
        except DecodeError:  # another bytes literal of that module
            continue
        if file.name == "buf/validate/validate.proto":
            return _with_imports(file)
    message = f"{module} holds no descriptor of buf/validate/validate.proto"
    raise SystemExit(message)


def _with_imports(file: descriptor_pb2.FileDescriptorProto) -> descriptor_pb2.FileDescriptorSet:
    known = {
        module.DESCRIPTOR.name: module.DESCRIPTOR
        for module in (duration_pb2, field_mask_pb2, timestamp_pb2, descriptor_pb2)
    }
    files = descriptor_pb2.FileDescriptorSet()
    for name in file.dependency:
        descriptor = known.get(name) or descriptor_pool.Default().FindFileByName(name)
        descriptor.CopyToProto(files.file.add())
    files.file.append(file)
    return files


def _installed(package: str) -> Path:
    """The folder of an installed package."""
    spec = importlib.util.find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        message = f"{package} is not installed: run `make protos`, which installs what it needs."
        raise SystemExit(message)
    return Path(next(iter(spec.submodule_search_locations)))


def _common_protos() -> Path:
    return _installed("google.rpc").parent.parent


def _well_known() -> Path:
    # Found, not imported: a process that holds the compiler cannot load OR-Tools any more.
    return _installed("grpc_tools") / "_proto"


def _compile(arguments: list[str]) -> None:
    command = [sys.executable, "-m", "grpc_tools.protoc", *arguments]
    environment = {"PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin"}
    finished = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)  # noqa: S603
    if finished.returncode != 0:
        raise SystemExit(finished.stderr)


def _drop_empty_service_stubs(output: Path) -> None:
    for stub in output.glob("**/*_pb2_grpc.py"):
        if "Servicer" not in stub.read_text():
            stub.unlink()
            stub.with_suffix(".pyi").unlink(missing_ok=True)


def _write_door(package: Path) -> None:
    """Writes the `__init__` that gives every public name of a package as itself."""
    lines = []
    module = ".".join(package.relative_to(package.parents[3]).parts)
    for path in sorted(package.glob("*_pb2.pyi")):
        names = sorted(
            set(re.findall(r"^(?:class |Global___)([A-Z]\w*)", path.read_text(), re.MULTILINE))
        )
        names = [name for name in names if not name.startswith("_")]
        lines += [f"from {module}.{path.stem} import {name} as {name}\n" for name in names]
    for path in sorted(package.glob("*_pb2_grpc.py")):
        text = path.read_text()
        names = [*re.findall(r"^class (\w+(?:Stub|Servicer))\b", text, re.MULTILINE)]
        names += re.findall(r"^def (add_\w+)\(", text, re.MULTILINE)
        lines += [f"from {module}.{path.stem} import {name} as {name}\n" for name in sorted(names)]
    (package / "__init__.py").write_text(GENERATED_NOTE + "\n" + "".join(lines))


if __name__ == "__main__":
    main()
