"""Defects that others made, or we nearly did, each planted where it would live in this code."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.mutants.trying import ROOT, Trial, attempt

SERVICE = ROOT / "services" / "inventory" / "ordermesh" / "inventory"
RUNTIME = ROOT / "services" / "shared" / "ordermesh" / "runtime"


@dataclass(frozen=True)
class Defect:
    """What is wrong, the text that makes it so, and the tests that must notice."""

    name: str
    path: Path
    sound: str
    broken: str
    tests: Sequence[str]

    @property
    def text(self) -> str:
        """The file with the defect. Raises ``ValueError`` where the program has changed."""
        text = self.path.read_text()
        if text.count(self.sound) != 1:
            raise ValueError(f"{self.name}: {self.path.name} has not once: {self.sound}")
        return text.replace(self.sound, self.broken)

    def attempt(self, seconds: float) -> Trial:
        """Plant it and run its tests. Raises ``ValueError`` where the program has changed."""
        return attempt(self.path, self.text, self.tests, seconds)


DOMAIN_TESTS = ["tests/inventory/domain"]
VERBS_TESTS = ["tests/inventory/test_reservations.py", "tests/inventory/test_stock.py"]

DEFECTS: Sequence[Defect] = (
    Defect(
        "the guard of a reservation is dropped",
        SERVICE / "domain" / "selling.py",
        "    if not short:\n",
        "    if True:\n",
        DOMAIN_TESTS,
    ),
    Defect(
        "demand is not summed: two lines of one key each pass alone",
        SERVICE / "domain" / "waiting.py",
        "{} if is_patient else summed((line.key, line.quantity) for line in held),",
        "{} if is_patient else {line.key: line.quantity for line in held},",
        DOMAIN_TESTS,
    ),
    Defect(
        "balances are locked in any order",
        SERVICE / "store" / "locking.py",
        "        .order_by(balance.c.item_id, balance.c.location_id)\n",
        """        .order_by(__import__("sqlalchemy").func.random())\n""",
        ["tests/inventory/test_concurrency.py", "-k", "postgresql and in_any_order"],
    ),
    Defect(
        "the application's clock decides about holds",
        RUNTIME / "transaction.py",
        "        (row,) = await self.rows(_CLOCK, {})\n",
        "        return self._database.clock.now()\n        (row,) = await self.rows(_CLOCK, {})\n",
        ["tests/shared/test_database.py", "-k", "clock"],
    ),
    Defect(
        "a commit that failed is acknowledged",
        RUNTIME / "database.py",
        "                ticket.is_committing = True\n",
        """                ticket.is_committing = True
                with __import__("contextlib").suppress(Exception):
                    await connection.commit()
""",
        ["tests/shared/test_database.py"],
    ),
    Defect(
        "what falls below zero becomes zero",
        SERVICE / "domain" / "ledger.py",
        "    def __post_init__(self) -> None:\n        on_hand, reserved = self.on_hand,",
        "    def __post_init__(self) -> None:\n"
        '        object.__setattr__(self, "on_hand", max(0, self.on_hand))\n'
        "        on_hand, reserved = self.on_hand,",
        DOMAIN_TESTS,
    ),
    Defect(
        "what is remembered is believed, whatever the database has by now",
        RUNTIME / "bulk.py",
        """        + [f'{table.name}."{name}" = new."seen_{name}"' for name in seen]
""",
        "",
        ["tests/inventory/test_foreseen.py", "tests/shared/test_at_once.py", "-k", "postgresql"],
    ),
    Defect(
        "what was switched meanwhile is sold on",
        SERVICE / "operations" / "foreseeing.py",
        "    stores.controls.expect(tx, memory.stamps)\n",
        "",
        ["tests/inventory/test_foreseen.py", "-k", "postgresql and switched"],
    ),
    Defect(
        "what was decided on what failed is sent all the same",
        SERVICE / "operations" / "foreseeing.py",
        "    tx.after_failure(lambda: memory.forget(changed))\n",
        "",
        ["tests/inventory/test_foreseen.py", "-k", "postgresql"],
    ),
    Defect(
        "what is replaced keeps its stock",
        SERVICE / "domain" / "reserving.py",
        "        give_back(ledger, draft, line, LineState.RELEASED, now)\n",
        "        draft.put(line.become(LineState.RELEASED, now))\n",
        DOMAIN_TESTS,
    ),
    Defect(
        "a release that overtakes its reservation leaves nothing",
        SERVICE / "operations" / "reservations.py",
        "        if entered is None:\n            await stores.reservations.save(",
        "        if False:\n            await stores.reservations.save(",
        VERBS_TESTS,
    ),
    Defect(
        "a worker that slept through its lease is let in",
        SERVICE / "domain" / "reservation.py",
        "        if 0 < fence < self.fence:\n",
        "        if False:\n",
        DOMAIN_TESTS,
    ),
    Defect(
        "a request id answers for another request",
        RUNTIME / "idempotency.py",
        "    if row.request_hash != request_hash:\n",
        "    if False:\n",
        ["tests/shared/test_idempotency.py"],
    ),
    Defect(
        "a part of a refused reservation stays",
        SERVICE / "operations" / "deciding.py",
        """    except BaseException:
        ledger.undo(mark)
        raise
    try:
""",
        """    except BaseException:
        raise
    try:
""",
        ["tests/inventory/test_reserve_bulk.py", "tests/inventory/test_reservations.py"],
    ),
    Defect(
        "a confirmed promise expires",
        SERVICE / "domain" / "reservation.py",
        "self, state=state, expire_time=None, close_time=",
        "self, state=state, close_time=",
        DOMAIN_TESTS,
    ),
    Defect(
        "a hold that has passed is confirmed",
        SERVICE / "domain" / "verbs.py",
        "        draft = Draft(_open_in_time(settled))\n",
        "        draft = Draft(reservation)\n",
        DOMAIN_TESTS,
    ),
    Defect(
        "stock of holds that have passed stays with them until a sweep",
        SERVICE / "operations" / "deciding.py",
        "        if not others and otherwise is None:\n            raise\n",
        "        raise\n",
        VERBS_TESTS,
    ),
    Defect(
        "what comes in does not pay the deficit first",
        SERVICE / "domain" / "ledger.py",
        "        owed = min(quantity, self.balance(key).short)\n",
        "        owed = 0\n",
        DOMAIN_TESTS,
    ),
    Defect(
        "equal requests of one batch are both decided",
        RUNTIME / "idempotency.py",
        "                    self._first.setdefault(request_id, place)\n",
        "                    self._first[request_id] = place\n",
        ["tests/shared/test_idempotency.py", "tests/inventory/test_reserve_bulk.py"],
    ),
    Defect(
        "a stranger may change a reservation",
        SERVICE / "domain" / "reservation.py",
        "        if not actor.may_change(self.owner):\n",
        "        if False:\n",
        DOMAIN_TESTS,
    ),
    Defect(
        "the last units of a batch are sold twice: each decides on the balances that were read",
        SERVICE / "domain" / "ledger.py",
        "        self._balances[key] = after\n        self._entries.append(",
        "        self._entries.append(",
        DOMAIN_TESTS,
    ),
    Defect(
        "units of a pool are everybody's",
        SERVICE / "domain" / "conditions.py",
        "            left -= sum(rest_of(pool, taken) for pool in self.other_pools)\n",
        "            pass\n",
        DOMAIN_TESTS,
    ),
    Defect(
        "what comes back does not go back into its pool",
        SERVICE / "domain" / "ledger.py",
        "        return -self.quantity if is_given_back else 0\n",
        "        return 0\n",
        ["tests/inventory/test_pools.py", "-k", "sqlite"],
    ),
    Defect(
        "units that were sold from a pool are not looked for by the check of the books",
        SERVICE / "store" / "verification.py",
        "            line.c.state.in_([int(state) for state in sorted(BOUGHT)]),\n",
        "            line.c.state.in_([int(state) for state in sorted(OPEN)]),\n",
        ["tests/inventory/test_verification.py", "-k", "sqlite and pool"],
    ),
    Defect(
        "units taken from pools are counted once too often",
        SERVICE / "store" / "controls.py",
        '        .values(taken=pool_use.c.taken + bindparam("units")),\n',
        '        .values(taken=pool_use.c.taken + 1 + bindparam("units")),\n',
        ["tests/inventory/test_verification.py", "-k", "sqlite and pool"],
    ),
    Defect(
        "units move where the books were found wrong",
        SERVICE / "store" / "ledger.py",
        "        suspects = {(row[0], row[1]) for row in locked if row[-1]}\n",
        "        suspects: set[Pair] = set()\n",
        ["tests/inventory/test_suspects.py", "-k", "sqlite and moves"],
    ),
    Defect(
        "a key is freed although its books are still wrong",
        SERVICE / "domain" / "suspect.py",
        "    if findings:\n",
        "    if not findings:\n        return\n    if False:\n",
        ["tests/inventory/test_suspects.py", "-k", "sqlite and freed"],
    ),
    Defect(
        "a replica decides by the controls that it read first",
        SERVICE / "store" / "controls.py",
        "        if self._last[0] != stamped:\n",
        "        if self._last[0] is None:\n",
        ["tests/inventory/test_controls.py", "-k", "sqlite and before_it_began"],
    ),
    Defect(
        "what a customer bought before does not count",
        SERVICE / "operations" / "limiting.py",
        "    return Purchases(bought, now, beyond)\n",
        "    return Purchases([], now, beyond)\n",
        ["tests/inventory/test_purchase_limits.py", "-k", "sqlite"],
    ),
    Defect(
        "what an order was sent counts no more when another reservation takes over the rest",
        SERVICE / "domain" / "limits.py",
        "            for row in (*known, *left, *beyond)\n",
        "            for row in known\n",
        DOMAIN_TESTS,
    ),
    Defect(
        "a best effort says that a line lacks units that it holds",
        SERVICE / "domain" / "portions.py",
        "key=lambda place: bool(asked[place][0].group))\n",
        "key=lambda place: place)\n",
        DOMAIN_TESTS,
    ),
    Defect(
        "a level that was crossed is told again and again",
        SERVICE / "operations" / "levels.py",
        "    await stores.levels.save(tx, changed, names)\n",
        "",
        ["tests/inventory/test_levels.py", "-k", "sqlite"],
    ),
    Defect(
        "a picture of stock undoes the sales that came after it",
        SERVICE / "domain" / "stock_feed.py",
        "wanted = row.on_hand + unseen.own + unseen.others\n",
        "wanted = row.on_hand\n",
        DOMAIN_TESTS,
    ),
    Defect(
        "a change that a picture has shown counts again",
        SERVICE / "domain" / "stock_feed.py",
        "            and delta.source_sequence <= shown.watermark\n",
        "            and False\n",
        DOMAIN_TESTS,
    ),
    Defect(
        "a change that comes late is taken for one that came before",
        SERVICE / "domain" / "stock_source.py",
        "number <= self.applied and not any(",
        "number <= self.applied or any(",
        DOMAIN_TESTS,
    ),
    Defect(
        "the youngest shortfall is paid before the oldest",
        SERVICE / "domain" / "shortfall.py",
        "    for place, one in enumerate(after):\n",
        "    for place, one in reversed(list(enumerate(after))):\n",
        DOMAIN_TESTS,
    ),
    Defect(
        "what is missing is taken from promises though units are free",
        SERVICE / "domain" / "ledger.py",
        "        free = min(quantity, balance.free)\n",
        "        free = 0\n",
        DOMAIN_TESTS,
    ),
    Defect(
        "picks during a count are counted twice",
        SERVICE / "domain" / "counting.py",
        "    return tally.units + changed - (corrected or {}).get(key.sku, 0)\n",
        "    return tally.units\n",
        ["tests/inventory/test_counts_meanwhile.py", "-k", "sqlite and picks_during"],
    ),
    Defect(
        "what is written off during a count is counted twice",
        SERVICE / "domain" / "counting.py",
        "    expected = line.expected.units + (corrected or {}).get(line.sku, 0)\n",
        "    expected = line.expected.units\n",
        DOMAIN_TESTS,
    ),
    Defect(
        "a count that agreed with the books is not remembered",
        SERVICE / "operations" / "counts.py",
        "    return line.is_settled and not before.line(line.sku).is_settled\n",
        "    return bool(line.settled_missing)\n",
        ["tests/inventory/test_snapshots.py", "-k", "sqlite and agrees_with"],
    ),
    Defect(
        "who counted may accept what they counted",
        SERVICE / "domain" / "counting.py",
        "    own = [sku for sku in wanted if accepted_by in lines[sku].counters]\n",
        "    own: list[str] = []\n",
        ["tests/inventory/test_counts.py", "-k", "sqlite and who_counted"],
    ),
    Defect(
        "who waits for supply takes nothing of the channel's pool",
        SERVICE / "domain" / "reserving.py",
        "ask.channel, now) if part.wanted.is_held else None,",
        "ask.channel, now) if part.is_on_hand else None,",
        ["tests/inventory/test_pools_on_supply.py", "-k", "sqlite"],
    ),
    Defect(
        "lines with several dates take more of a pool than it has",
        SERVICE / "domain" / "waiting.py",
        "                units = min(rest, room, left - self.of_supply.get(supply_id, 0))\n",
        "                units = min(rest, left - self.of_supply.get(supply_id, 0))\n",
        DOMAIN_TESTS,
    ),
    Defect(
        "a kit goes where it may not be sold",
        SERVICE / "domain" / "moving.py",
        "    kits = kits_among(held)\n",
        "    kits = kits_among([])\n",
        ["tests/inventory/test_reassigning.py", "-k", "sqlite and kit"],
    ),
    Defect(
        "locations that are switched off take the places of those that sell",
        SERVICE / "operations" / "grouping.py",
        "        if row.is_quarantined or place in self.shut:\n",
        "        if row.is_quarantined:\n",
        ["tests/inventory/test_groups.py", "-k", "sqlite and switched_off"],
    ),
    Defect(
        "who takes over what is bought makes room for one hold more",
        SERVICE / "domain" / "quotas.py",
        "            held = self._caller_counts.get(made.owner, 0) - len(taken_over)\n",
        "            held = self._caller_counts.get(made.owner, 0) - len(replaced)\n",
        DOMAIN_TESTS,
    ),
    Defect(
        "a channel that is named first has crossed nothing, whatever it lost",
        SERVICE / "domain" / "levels.py",
        '    return own or known.get(subject._replace(channel=""), Standing()).level\n',
        "    return own\n",
        DOMAIN_TESTS,
    ),
    Defect(
        "what left beyond what was promised was bought by nobody",
        SERVICE / "operations" / "limiting.py",
        "    return Purchases(bought, now, beyond)\n",
        "    return Purchases(bought, now)\n",
        ["tests/inventory/test_purchase_limits.py", "-k", "sqlite"],
    ),
)
