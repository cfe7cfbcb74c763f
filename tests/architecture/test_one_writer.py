"""Whatever moves stock ends in one place, so that balances, promises and shortfalls agree."""

from pathlib import Path

INVENTORY = Path(__file__).parents[2] / "services/inventory/ordermesh/inventory"


def test_only_the_last_step_of_an_operation_writes_into_the_books() -> None:
    writers = [
        path.relative_to(INVENTORY).as_posix()
        for path in sorted(INVENTORY.rglob("*.py"))
        if ".ledger.record(" in path.read_text(encoding="utf-8")
    ]

    assert writers == ["operations/writing.py"]
