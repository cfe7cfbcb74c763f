"""Checks the contracts: stubs fresh, lint clean, nothing broken since the last release.

Usage::

    python -m protos.check                                    all three
    python -m protos.check --release                          keeps the contracts as a release's
    python -m protos.check --descriptors FILE --against FILE  compares two descriptor sets
"""

import argparse
import filecmp
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path

from google.protobuf import descriptor_pb2

from protos.generate import PROTOS, write_descriptors, write_stubs

GENERATED = PROTOS / "gen"
RELEASED = PROTOS / "released.binpb"
"""The contracts of the last release, as a descriptor set without comments."""

_HOW_TO_ACCEPT = "Version 0.1.0 is not out yet: `make protos-release` accepts it."
_HOW_TO_KEEP = (
    "Whoever calls a released version would break. Add beside what is there, or begin a `v2`."
)


def main() -> int:
    """Reads the command line; gives the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--release", action="store_true")
    parser.add_argument("--descriptors", type=Path)
    parser.add_argument("--against", type=Path, default=RELEASED)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        descriptors = arguments.descriptors
        if descriptors is None:
            descriptors = Path(scratch) / "descriptors.binpb"
            write_descriptors(descriptors)
        if arguments.release:
            return _report(release(descriptors, arguments.against))
        findings = breaks(descriptors, arguments.against)
        if arguments.descriptors is None:
            findings = [*stale(), *lint(descriptors), *findings]
        return _report(findings)


def stale(generated: Path = GENERATED) -> list[str]:
    """The stubs that differ from what the contracts give, byte by byte."""
    with tempfile.TemporaryDirectory() as scratch:
        fresh = Path(scratch) / "gen"
        write_stubs(fresh)
        wanted, found = _files(fresh), _files(generated)
        shared = sorted(wanted & found)
        _, changed, unreadable = filecmp.cmpfiles(fresh, generated, shared, shallow=False)
    findings = [f"{name} is missing." for name in sorted(wanted - found)]
    findings += [f"{name} belongs to no contract." for name in sorted(found - wanted)]
    findings += [f"{name} is not what its contract gives." for name in [*changed, *unreadable]]
    return [*findings, "Run `make protos`."] if findings else []


def lint(descriptors: Path) -> list[str]:
    """What the rules of `buf.yaml` find in a descriptor set with comments."""
    return _buf("lint", str(descriptors))


def breaks(descriptors: Path, against: Path = RELEASED) -> list[str]:
    """What callers of the contracts in ``against`` would stumble on, and what to do."""
    findings = _buf("breaking", str(descriptors), "--against", str(against))
    advice = _HOW_TO_KEEP if is_frozen(version()) else _HOW_TO_ACCEPT
    return [*findings, advice] if findings else []


def release(descriptors: Path, baseline: Path = RELEASED) -> list[str]:
    """Write the descriptor set as that of a release; gives what forbids it."""
    if is_frozen(version()) and baseline.exists():
        findings = breaks(descriptors, baseline)
        if findings:
            return findings
    files = descriptor_pb2.FileDescriptorSet.FromString(descriptors.read_bytes())
    for file in files.file:
        file.ClearField("source_code_info")
    baseline.write_bytes(files.SerializeToString(deterministic=True))
    return []


def version() -> str:
    """The version of the project."""
    project = tomllib.loads((PROTOS.parent / "pyproject.toml").read_text())
    return str(project["project"]["version"])


def is_frozen(version: str) -> bool:
    """Whether the contracts may no longer change in ways that break callers: from 0.1.0 on."""
    major, minor = version.split(".")[:2]
    return (int(major), int(minor)) >= (0, 1)


def _files(folder: Path) -> set[str]:
    paths = (path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)) for path in paths if "__pycache__" not in path.parts}


def _buf(*arguments: str) -> list[str]:
    command = [str(Path(sys.executable).parent / "buf"), *arguments]
    command += ["--config", str(PROTOS / "buf.yaml")]
    finished = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
    if finished.returncode == 0:
        return []
    return [*finished.stdout.splitlines(), *finished.stderr.splitlines()]


def _report(findings: list[str]) -> int:
    sys.stderr.writelines(f"{finding}\n" for finding in findings)
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
