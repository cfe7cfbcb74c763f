"""`ordermesh run`: a fresh mesh, a retailer, its orders, the baselines, and what came of it all."""

import asyncio
import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
)

from ordermesh.api.inventory.v1 import VerifyLedgerResponse
from ordermesh.cli.afterwards import (
    Afterwards,
    chosen_for_delivery,
    chosen_for_return,
    deliver_some,
    return_some,
    wait_until_told,
)
from ordermesh.cli.baselines import METHODS, simulate
from ordermesh.cli.calls import open_mesh
from ordermesh.cli.comparison import Residual, Tally
from ordermesh.cli.facts import OURS, RunFacts, ShownOrder
from ordermesh.cli.loader import SAMPLE, Loader
from ordermesh.cli.place import PORTS, MeshDirectory
from ordermesh.cli.receiver import spans_of_order
from ordermesh.cli.report.page import render_report
from ordermesh.cli.story import (
    Outcome,
    StoryFailed,
    Verification,
    choose_shown,
    read_timeline,
    settle,
    ship_all,
    verify,
)
from ordermesh.cli.summary import print_summary
from ordermesh.cli.traces import Span, services
from ordermesh.cli.up import running_mesh, until_told_to_stop
from ordermesh.client import Mesh
from ordermesh.sample.nouns import Retailer
from ordermesh.sample.retailer import Regime, build_retailer

RUN_SECONDS = 80.0
"""When this much time has passed, baselines that are not finished are left out."""

OTHER_BASELINES_SECONDS = 5.0
"""What the baselines after the first may take in any case."""

TOLD_SECONDS = 15.0
"""How long to wait for the last event to be told, and for the last span to be received."""

_LAST_EVENT = "ordermesh.order.fulfilled.v1"
_LAST_SPANS = ("ShipFulfillmentOrder", "ReceiveReturn")


@dataclass(frozen=True)
class RunOptions:
    """What is run, and where."""

    directory: MeshDirectory
    orders: int = 500
    seed: int = 1
    regime: Regime = "peak"


@dataclass
class Phases:
    """Seconds by what they were spent on."""

    seconds: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def phase(self, name: str) -> Iterator[None]:
        """Count the time of this block."""
        start = time.monotonic()
        try:
            yield
        finally:
            self.seconds[name] = time.monotonic() - start


async def run(options: RunOptions, console: Console) -> int:
    """Run the story and tell it; the exit code of the command.

    Raises ``MeshRunsAlready``, ``ServiceFailed``, ``StoryFailed``, ``AioRpcError``.
    """

    def told() -> None:
        console.print("Stopping ...")

    facts = await until_told_to_stop(run_story(options, console), told=told)
    if facts is None:
        return 130
    directory = options.directory
    directory.summary_file.write_text(json.dumps(facts.summary(), indent=2) + "\n")
    directory.report_file.write_text(render_report(facts))
    print_summary(facts, directory, console)
    for problem in facts.problems():
        console.print(problem, style="bold red", markup=False, highlight=False)
    return 1 if facts.problems() else 0


async def run_story(options: RunOptions, console: Console) -> RunFacts:
    """Start a fresh mesh, run the whole story through it, and stop it."""
    start = time.monotonic()
    phases = Phases()

    def tell(sentence: str) -> None:
        console.print(sentence, markup=False, highlight=False, soft_wrap=True)

    # Built while the services start: the one waits for processes, the other computes.
    building = asyncio.create_task(
        asyncio.to_thread(build_retailer, options.seed, options.orders, options.regime)
    )
    with _progress(console) as progress:
        starting = progress.add_task("services", total=1)
        async with (
            running_mesh(options.directory, on_free_ports=True, tell=tell, fresh=True) as processes,
            open_mesh(processes.targets) as mesh,
        ):
            retailer = await building
            phases.seconds["start"] = time.monotonic() - start
            progress.update(starting, completed=1)
            story = Story(mesh, options.directory, retailer, progress, phases, start)
            await story.tell()
            deaths = dict(processes.deaths)
    return story.facts(time.monotonic() - start, deaths)


class Story:
    """The steps of the story on a mesh that runs; each is counted in ``phases``.

    ``start`` is when all of it began, by the monotonic clock.
    """

    def __init__(
        self,
        mesh: Mesh,
        directory: MeshDirectory,
        retailer: Retailer,
        progress: Progress,
        phases: Phases,
        start: float,
    ) -> None:
        self._start = start
        self._mesh = mesh
        self._directory = directory
        self._retailer = retailer
        self._progress = progress
        self._phases = phases
        self._loader = Loader(mesh, retailer.currency_code, progress, SAMPLE)
        self._outcome = Outcome()
        self._afterwards = Afterwards()
        self._shown_id = ""
        self._tallies: dict[str, Tally] = {OURS: Tally()}
        self._verification: Verification | None = None
        self._shown: ShownOrder | None = None

    async def tell(self) -> None:
        """Load, submit, ship, take back, compare, tell customers, verify, read one order's story.

        Raises ``StoryFailed`` and ``AioRpcError``.
        """
        retailer, phase = self._retailer, self._phases.phase
        with phase("load"):
            await self._loader.put_items(retailer.items)
            await self._loader.put_network(retailer.locations, retailer.network)
            await self._loader.receive_stock(retailer.stock)
        with phase("orders"):
            replies = await self._loader.submit_orders(retailer.orders)
            self._outcome = await settle(self._mesh, replies)
        if not replies:
            raise StoryFailed(f"No order was accepted. {self._loader.loaded.refused[:1]}")
        with phase("ship"):
            await self._ship()
        with phase("returns and baselines"):
            await self._take_back_and_compare()
        with phase("mail"):
            await self._tell_customers()
        with phase("verify"):
            await self._verify()
        with phase("trace"):
            await self._read_shown()

    def facts(self, seconds: float, deaths: dict[str, int]) -> RunFacts:
        """What was found out. Raises ``StoryFailed`` when the story was not told to its end."""
        if self._verification is None or self._shown is None:
            raise StoryFailed("The story was not told to its end.")
        return RunFacts(
            retailer=self._retailer,
            loaded=self._loader.loaded,
            outcome=self._outcome,
            afterwards=self._afterwards,
            tallies=self._tallies,
            verification=self._verification,
            shown=self._shown,
            phases=self._phases.seconds,
            seconds=seconds,
            deaths=deaths,
        )

    async def _ship(self) -> None:
        planned = sum(len(decision.plan.shipments) for decision in self._outcome.decisions.values())
        task = self._progress.add_task("shipments", total=planned)
        await ship_all(self._mesh, self._outcome, lambda: self._progress.advance(task))

    async def _take_back_and_compare(self) -> None:
        """Both at once: the one waits for services, and the other keeps routing busy.

        The baselines are asked about a stock of their own, and change nothing.
        """
        comparing = asyncio.create_task(self._compare())
        try:
            await self._deliver_and_take_back()
            await comparing
        finally:
            comparing.cancel()
            await asyncio.wait({comparing})

    async def _deliver_and_take_back(self) -> None:
        self._shown_id = choose_shown(self._outcome)
        arriving = chosen_for_delivery(self._outcome)
        task = self._progress.add_task("deliveries", total=len(arriving))
        await deliver_some(
            self._mesh, arriving, self._afterwards, lambda: self._progress.advance(task)
        )
        sent_back = chosen_for_return(self._outcome, self._shown_id)
        returns = self._progress.add_task("returns", total=len(sent_back))
        await return_some(
            self._mesh, sent_back, self._afterwards, lambda: self._progress.advance(returns)
        )

    async def _tell_customers(self) -> None:
        after = self._afterwards
        # Each order is confirmed or cannot be filled; each return is received and paid back.
        expected = (
            len(self._outcome.orders)
            + len(self._outcome.shipped)
            + len(after.delivered)
            + 2 * len(after.returns)
        )
        task = self._progress.add_task("mails", total=expected)
        await wait_until_told(
            self._mesh,
            expected,
            after,
            lambda sent: self._progress.update(task, completed=sent),
        )

    async def _compare(self) -> None:
        retailer = self._retailer
        orders = [one for one in retailer.orders if one.order_id in self._outcome.decisions]
        for order in orders:
            decision = self._outcome.decisions[order.order_id]
            self._tallies[OURS].add(decision, order.promise_days)
        tasks = {
            name: self._progress.add_task(f"baseline: {name}", total=len(orders))
            for name in METHODS
        }
        self._tallies |= await simulate(
            self._mesh,
            orders,
            {item.sku: item for item in retailer.items},
            Residual.of(retailer.stock, retailer.network),
            seconds=lambda: max(
                OTHER_BASELINES_SECONDS, RUN_SECONDS - (time.monotonic() - self._start)
            ),
            advanced=lambda name: self._progress.advance(tasks[name]),
        )

    async def _verify(self) -> None:
        task = self._progress.add_task("ledger", total=None)

        def progressed(reply: VerifyLedgerResponse) -> None:
            self._progress.update(task, completed=reply.checked_count, total=reply.total_count)

        self._verification = await verify(self._mesh, progressed)

    async def _read_shown(self) -> None:
        order_id = self._shown_id
        deadline = time.monotonic() + TOLD_SECONDS
        while True:
            timeline = await read_timeline(self._mesh, order_id)
            spans = await asyncio.to_thread(spans_of_order, self._directory.traces_file, order_id)
            is_told = any(entry.event_type == _LAST_EVENT for entry in timeline)
            if (is_told and _is_whole(spans)) or time.monotonic() > deadline:
                break
            await asyncio.sleep(0.2)
        work = [one for one in self._outcome.shipped.values() if one.order_id == order_id]
        self._shown = ShownOrder(
            order=self._outcome.orders[order_id],
            decision=self._outcome.decisions[order_id],
            work=tuple(work),
            returns=tuple(
                one for one in self._afterwards.returns.values() if one.order_id == order_id
            ),
            timeline=tuple(timeline),
            spans=tuple(spans),
        )


def _is_whole(spans: list[Span]) -> bool:
    """Whether the last things that happen to an order have been received, and all around them."""
    ids = {span.span_id for span in spans}
    has_parents = all(not span.parent_id or span.parent_id in ids for span in spans)
    has_ends = all(any(span.title.endswith(last) for span in spans) for last in _LAST_SPANS)
    return has_parents and has_ends and services(spans) == PORTS.keys()


def _progress(console: Console) -> Progress:
    return Progress(
        TextColumn("{task.description:<29}"),
        BarColumn(bar_width=36),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=console,
    )
