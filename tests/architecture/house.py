"""Reads the project's files, for the tests that guard its shape. Each guard gives its findings.

Guards take the folder that they look at, so that a test can show them a folder with a fault.
"""

import ast
import re
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]

SERVICES = ("inventory", "notify", "returns", "routing")
SHARED = ("cli", "client", "kernel", "runtime", "sample")
PUBLIC = ("client",)
"""Portions whose door re-exports names, beside the generated `ordermesh.api`."""

FILE_LINES_MAX = 400
FUNCTION_LINES_MAX = 70

ALONE_LINES_MAX = 650
ALONE = {"services/shared/ordermesh/client/audited.py"}
"""Verifiers that are copied as one file to whoever believes nothing else of the project."""

ROOMS = {
    "__init__": "the sentence that says what the service is",
    "__main__": "the composition root",
    "settings": "what is read from the environment",
    "access": "who may call what",
    "servicer": "translates calls",
    "wire": "contracts to domain and back",
    "operations": "one transaction each",
    "queries": "reads",
    "ports": "what is needed of the outside",
    "store": "the tables",
    "cache": "a copy outside of the database that many readers share; it decides nothing",
    "peers": "other services, behind ports",
    "background": "what goes on beside the calls",
    "domain": "decides; pure",
    "solver": "the mathematics; pure",
    "migrations": "the history of the tables",
    "bench": "the service's own benchmark",
    "audit": "what was done by other systems, looked at anew",
    "channels": "ways to a customer",
    "templates": "words to a customer",
    "README.md": "what it does and why",
    "py.typed": "its types are for others too",
}
"""What may lie in a service, in every service under the same name: a file or a folder of files."""

PURE_MODULES = sys.stdlib_module_names - {
    "asyncio", "concurrent", "ctypes", "http", "io", "logging", "multiprocessing", "os", "pathlib",
    "random", "secrets", "select", "selectors", "shutil", "signal", "socket", "socketserver",
    "sqlite3", "ssl", "subprocess", "tempfile", "threading", "time", "urllib",
}  # fmt: skip
"""What the domain may use of the standard library: nothing that reaches out of the process."""

IMPURE_CALLS = {"now", "today", "utcnow", "uuid1", "uuid4", "open", "print", "input"}
"""Calls by which time, chance and files get in by a side door."""

MACHINE_PATHS = re.compile(r"(?<![\w.])/(?:root|work|farm|(?:home|Users)/\w+)/")
REGISTRIES = re.compile(
    r"\b(?:pypi|files\.pythonhosted|registry\.npmjs|deb\.debian|archive\.ubuntu|proxy\.golang)"
    r"\.(?:org|com)\b"
)


def namespaces(root: Path) -> list[Path]:
    """The folders that together are the namespace ``ordermesh``."""
    return sorted(root.glob("services/*/ordermesh"))


def portions(root: Path) -> list[Path]:
    """The packages in the namespace."""
    return [
        portion
        for namespace in namespaces(root)
        for portion in sorted(namespace.iterdir())
        if portion.is_dir() and portion.name != "__pycache__"
    ]


def modules(folder: Path) -> list[Path]:
    """The Python files in a folder and below."""
    return sorted(file for file in folder.rglob("*.py") if "__pycache__" not in file.parts)


def hidden_portions(root: Path) -> list[str]:
    """Files that would hide all other portions of the namespace."""
    return [str(file.relative_to(root)) for one in namespaces(root) for file in one.glob("*.py")]


def untyped_portions(root: Path) -> list[str]:
    """Portions whose types nobody would believe, or that are no packages."""
    return [
        str(portion.relative_to(root))
        for portion in portions(root)
        if not (portion / "py.typed").exists() or not (portion / "__init__.py").exists()
    ]


def strange_rooms(root: Path) -> list[str]:
    """What lies in a service under a name that is not known from the others."""
    return [
        str(entry.relative_to(root))
        for service in SERVICES
        for entry in sorted((root / "services" / service / "ordermesh" / service).iterdir())
        if entry.name.removesuffix(".py") not in ROOMS and entry.name != "__pycache__"
    ]


def doubled_rooms(root: Path) -> list[str]:
    """Rooms that are a file and a folder at once, of which Python sees one."""
    return [
        str(file.relative_to(root))
        for portion in portions(root)
        for file in modules(portion)
        if file.with_suffix("").is_dir()
    ]


def busy_doors(root: Path) -> list[str]:
    """Packages that re-export names although they are not public."""
    return [
        str(file.relative_to(root))
        for portion in portions(root)
        if portion.name not in PUBLIC
        for file in portion.rglob("__init__.py")
        if any(
            isinstance(statement, ast.Import | ast.ImportFrom)
            for statement in ast.parse(file.read_text()).body
        )
    ]


def long_files(root: Path) -> list[str]:
    """Files that nobody reads in a sitting."""
    return [
        f"{file.relative_to(root)} has {lines} lines"
        for portion in portions(root)
        for file in modules(portion)
        if (lines := len(file.read_text().splitlines()))
        > (ALONE_LINES_MAX if file.relative_to(root).as_posix() in ALONE else FILE_LINES_MAX)
    ]


def long_functions(root: Path) -> list[str]:
    """Functions that do not fit on a screen."""
    return [
        f"{file.relative_to(root)}: {name} has {lines} lines"
        for portion in portions(root)
        for file in modules(portion)
        for name, lines in _functions(ast.parse(file.read_text()))
        if lines > FUNCTION_LINES_MAX
    ]


def relative_imports(root: Path) -> list[str]:
    """Imports that do not say where they lead."""
    return [
        f"{file.relative_to(root)}:{node.lineno}"
        for portion in portions(root)
        for file in modules(portion)
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.ImportFrom) and node.level
    ]


def impurities(folder: Path, *allowed: str) -> list[str]:
    """Imports and calls by which a pure folder would reach outside.

    ``allowed`` are the packages that it may use beside the harmless ones of Python.
    """
    found = []
    for file in modules(folder):
        tree = ast.parse(file.read_text())
        found += [
            f"{file.name} imports {name}"
            for name in _imports(tree)
            if name.partition(".")[0] not in PURE_MODULES
            and not any(name == one or name.startswith(one + ".") for one in allowed)
        ]
        found += [f"{file.name} calls {name}" for name in _calls(tree) if name in IMPURE_CALLS]
    return found


def tracked_files(root: Path) -> Iterator[Path]:
    """All files that are part of the project: without the folders that it says are not."""
    ignored = {".git"}
    ignored |= {line.strip("/") for line in (root / ".gitignore").read_text().split()}
    folders = [root]
    while folders:
        for entry in sorted(folders.pop().iterdir()):
            if entry.name in ignored or entry.name.endswith(".egg-info"):
                continue
            if entry.is_dir():
                folders.append(entry)
            else:
                yield entry


def local_words(root: Path) -> list[str]:
    """Lines that only make sense on one machine or in one network."""
    found = []
    for file in tracked_files(root):
        try:
            lines = file.read_text(encoding="utf-8").splitlines()
        except UnicodeDecodeError:  # no text
            continue
        found += [
            f"{file.relative_to(root)}:{number}"
            for number, line in enumerate(lines, start=1)
            if MACHINE_PATHS.search(line) or REGISTRIES.search(line)
        ]
    return found


def _functions(tree: ast.Module) -> Iterator[tuple[str, int]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node.name, (node.end_lineno or node.lineno) - node.lineno + 1


def _imports(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module


def _calls(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            if isinstance(node.func, ast.Attribute):
                yield node.func.attr
            elif isinstance(node.func, ast.Name):
                yield node.func.id
