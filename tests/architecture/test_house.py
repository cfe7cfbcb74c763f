"""The shape of the house: the same rooms in every service, nothing hidden, nothing too long."""

from pathlib import Path

import pytest

from tests.architecture import house


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """A small house in order, into which a fault can be put."""
    for service in house.SERVICES:
        room = tmp_path / "services" / service / "ordermesh" / service
        room.mkdir(parents=True)
        (room / "__init__.py").write_text('"""A service."""\n')
        (room / "py.typed").touch()
    (tmp_path / ".gitignore").write_text(".venv/\n")
    return tmp_path


def _service(model: Path) -> Path:
    return model / "services" / "notify" / "ordermesh" / "notify"


def test_no_portion_hides_the_others(model: Path) -> None:
    assert house.hidden_portions(house.ROOT) == []

    (model / "services" / "notify" / "ordermesh" / "__init__.py").touch()
    assert house.hidden_portions(model) == ["services/notify/ordermesh/__init__.py"]


def test_all_portions_are_here() -> None:
    found = {portion.name for portion in house.portions(house.ROOT)}

    assert found == {*house.SERVICES, *house.SHARED}


def test_every_portion_is_a_typed_package(model: Path) -> None:
    assert house.untyped_portions(house.ROOT) == []

    (_service(model) / "py.typed").unlink()
    assert house.untyped_portions(model) == ["services/notify/ordermesh/notify"]


def test_tests_are_no_packages() -> None:
    assert list((house.ROOT / "tests").rglob("__init__.py")) == []


def test_every_service_calls_its_rooms_by_the_same_names(model: Path) -> None:
    assert house.strange_rooms(house.ROOT) == []

    (_service(model) / "utils.py").touch()
    assert house.strange_rooms(model) == ["services/notify/ordermesh/notify/utils.py"]


def test_no_room_is_a_file_and_a_folder_at_once(model: Path) -> None:
    assert house.doubled_rooms(house.ROOT) == []

    (_service(model) / "wire").mkdir()
    (_service(model) / "wire.py").touch()
    assert house.doubled_rooms(model) == ["services/notify/ordermesh/notify/wire.py"]


def test_only_the_public_doors_pass_names_on(model: Path) -> None:
    assert house.busy_doors(house.ROOT) == []

    (_service(model) / "__init__.py").write_text("from pathlib import Path\n")
    assert house.busy_doors(model) == ["services/notify/ordermesh/notify/__init__.py"]


def test_every_file_can_be_read_in_a_sitting(model: Path) -> None:
    assert house.long_files(house.ROOT) == []

    (_service(model) / "wire.py").write_text("\n" * 401)
    assert house.long_files(model) == ["services/notify/ordermesh/notify/wire.py has 401 lines"]


def test_every_function_fits_on_a_screen(model: Path) -> None:
    assert house.long_functions(house.ROOT) == []

    (_service(model) / "wire.py").write_text("def read():\n" + "    pass\n" * 70)
    assert house.long_functions(model) == [
        "services/notify/ordermesh/notify/wire.py: read has 71 lines"
    ]


def test_every_import_says_where_it_leads(model: Path) -> None:
    assert house.relative_imports(house.ROOT) == []

    (_service(model) / "wire.py").write_text("from . import store\n")
    assert house.relative_imports(model) == ["services/notify/ordermesh/notify/wire.py:1"]


@pytest.mark.parametrize("service", house.SERVICES)
def test_a_domain_is_nouns_and_verbs_without_a_world(service: str) -> None:
    domain = house.ROOT / "services" / service / "ordermesh" / service / "domain"

    # A batch of orders is columns of integers; nothing else of the world is in them.
    columns = ("numpy",) if service == "routing" else ()
    allowed = ("ordermesh.kernel", f"ordermesh.{service}.domain", *columns)
    assert house.modules(domain) != []
    assert house.impurities(domain, *allowed) == []


def test_the_solver_is_a_pure_function_of_its_problem() -> None:
    routing = house.ROOT / "services" / "routing" / "ordermesh" / "routing"

    allowed = ("ordermesh.kernel", "ordermesh.routing.domain", "ordermesh.routing.solver")
    assert house.impurities(routing / "solver", *allowed, "numba", "numpy", "ortools") == []


@pytest.mark.parametrize(
    ("program", "finding"),
    [
        ("import sqlalchemy", "ledger.py imports sqlalchemy"),
        ("import random", "ledger.py imports random"),
        ("from ordermesh.notify.store import tables", "ledger.py imports ordermesh.notify.store"),
        ("moment = datetime.now(UTC)", "ledger.py calls now"),
        ("text = open('file').read()", "ledger.py calls open"),
    ],
)
def test_an_impure_domain_is_found(program: str, finding: str, tmp_path: Path) -> None:
    (tmp_path / "ledger.py").write_text(program)

    assert finding in house.impurities(tmp_path, "ordermesh.kernel", "ordermesh.notify.domain")


def test_nothing_speaks_of_one_machine_or_one_network(model: Path) -> None:
    assert house.local_words(house.ROOT) == []

    written = ["see /ro" + "ot/notes", "see /ho" + "me/me/notes", "https://py" + "pi.org/simple"]
    (model / "README.md").write_text("\n".join([*written, "/tmp/file, services/work/x"]))
    (model / ".venv").mkdir()
    (model / ".venv" / "notes").write_text(written[0])
    assert house.local_words(model) == ["README.md:1", "README.md:2", "README.md:3"]
