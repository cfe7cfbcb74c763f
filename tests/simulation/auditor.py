"""Judges a run by its databases and by what its callers were told."""

from collections.abc import Sequence

from ordermesh.api.inventory.v1 import VerifyLedgerRequest
from tests.simulation import effects, events, invariants, visited
from tests.simulation.asking import Notebook
from tests.simulation.books import Books
from tests.simulation.mesh import Machines
from tests.simulation.stories.platforms import Platform


async def audit(
    machines: Machines, books: Books, notebook: Notebook, platforms: Sequence[Platform]
) -> list[str]:
    """Everything that is wrong when all has come to rest."""
    visited.note(books, notebook)
    return [
        *notebook.strange,
        *invariants.broken(books, at_rest=True),
        *effects.wrong(books, notebook),
        *events.wrong(books, machines.mailbox.taken),
        *events.followed(books, platforms),
        *await _own_check(machines),
    ]


async def _own_check(machines: Machines) -> list[str]:
    """What the ledger finds when it checks itself."""
    mesh = machines.mesh("developer")
    found: list[str] = []
    is_balanced = False
    async for reply in mesh.ledger.VerifyLedger(VerifyLedgerRequest()):
        found.extend(f"The ledger finds {one.invariant}: {one.sentence}" for one in reply.findings)
        if reply.done:
            is_balanced = reply.balanced
    if not is_balanced and not found:
        found.append("The ledger does not balance, and cannot say why.")
    return found
