"""An event loop whose time is invented: nothing is waited for, and each run is the same run.

When nothing is ready, time jumps to the next timer. Every callback belongs to the simulated process
in whose context it was scheduled. A process that is killed runs no callback any more, not even a
``finally``, exactly as after ``kill -9``; one that is paused runs them all when it wakes up.
"""

import asyncio
import heapq
import itertools
from collections.abc import Callable, Coroutine, Generator
from contextlib import suppress
from contextvars import Context, ContextVar, copy_context
from random import Random
from typing import Any, TypeVar, cast

T = TypeVar("T")

STEPS_MAX = 200_000
"""So many callbacks at one instant are a loop that will never end."""

EXECUTOR_SECONDS_MAX = 0.02
"""What is handed to a thread takes up to so long."""


class Standstill(Exception):
    """Nothing is ready, no timer runs: whoever still waits, waits for ever."""


class Livelock(Exception):
    """Callbacks call each other, and time does not pass."""


class Process:
    """One simulated process: whatever was started in its context lives and dies with it."""

    def __init__(self, name: str, incarnation: int = 1) -> None:
        self.name = name
        self.incarnation = incarnation
        self.is_dead = False
        self.is_paused = False
        self.backlog: list[asyncio.Handle] = []
        self.tasks: list[asyncio.Task[Any]] = []
        self._kept = 256

    def __repr__(self) -> str:
        return f"{self.name}#{self.incarnation}"

    def context(self) -> Context:
        """A new context in which things are started."""
        context = Context()
        context.run(PROCESS.set, self)
        return context

    def note(self, task: "asyncio.Task[Any]") -> None:
        """Keep a task from being collected: that would run its ``finally`` after its death."""
        self.tasks.append(task)
        if len(self.tasks) > self._kept:
            self.tasks = [one for one in self.tasks if not one.done()]
            self._kept = 2 * len(self.tasks) + 256


PROCESS: ContextVar[Process | None] = ContextVar("simulated_process", default=None)


# Sets of tasks and futures are walked in the order of their hashes, which by default are addresses
# of memory: another in each process.
_numbers = itertools.count(1)


class _Task(asyncio.Task[T]):
    def __init__(self, *arguments: Any, **named: Any) -> None:
        self.number = next(_numbers)
        super().__init__(*arguments, **named)

    def __hash__(self) -> int:
        return self.number


class _Future(asyncio.Future[T]):
    def __init__(self, *, loop: asyncio.AbstractEventLoop) -> None:
        self.number = next(_numbers)
        super().__init__(loop=loop)

    def __hash__(self) -> int:
        return self.number


class SimulatedLoop(asyncio.BaseEventLoop):
    """``random`` draws how long threads take, and with ``shuffles`` in which order things run."""

    def __init__(self, random: Random, *, shuffles: bool = False) -> None:
        global _numbers  # noqa: PLW0603 - a run must not tell how many there were before it
        _numbers = itertools.count(1)
        super().__init__()
        self._now = 0.0
        self._random = random
        self._shuffles = shuffles
        self._steps = 0
        self.step_count = 0
        self.unhandled: list[str] = []
        self.processes: list[Process] = []
        self._homes: dict[int, Process | None] = {}
        self.set_task_factory(cast("Any", self._make_task))
        self.set_exception_handler(self._note_unhandled)

    def time(self) -> float:
        """Seconds since the beginning of the run."""
        return self._now

    def create_future(self) -> "asyncio.Future[Any]":
        """A future that is the same in each run."""
        return _Future(loop=self)

    def run_in_executor(  # type: ignore[override]
        self, executor: Any, func: Callable[..., T], *args: Any
    ) -> "asyncio.Future[T]":
        """Run it now, and tell of it a little later: no thread is started."""
        told = self.create_future()
        try:
            result = func(*args)
        except Exception as error:  # noqa: BLE001 - it is handed on
            self.call_later(self._executor_seconds(), _fail, told, error)
        else:
            self.call_later(self._executor_seconds(), _tell, told, result)
        return told

    def call_soon_threadsafe(  # type: ignore[override]
        self, callback: Any, *args: Any, context: Any = None
    ) -> Any:
        """There is one thread."""
        return self.call_soon(callback, *args, context=context)

    def kill(self, process: Process) -> None:
        """From now on nothing of it runs."""
        process.is_dead = True
        process.backlog.clear()

    def pause(self, process: Process) -> None:
        """From now on nothing of it runs until it wakes up."""
        process.is_paused = True

    def wake(self, process: Process) -> None:
        """All that came due meanwhile runs now, in its order."""
        process.is_paused = False
        backlog, process.backlog = process.backlog, []
        if not process.is_dead:
            self._ready.extend(backlog)  # type: ignore[attr-defined]

    def bury(self) -> None:
        """Forget all that was left, without letting it say anything."""
        for process in self.processes:
            process.is_dead = True
        for task in [one for process in self.processes for one in process.tasks]:
            if not task.done():
                cast("Any", task)._log_destroy_pending = False
                with suppress(BaseException):
                    cast("Any", task.get_coro()).close()
            else:
                with suppress(BaseException):
                    task.exception()

    def _make_task(
        self,
        loop: asyncio.AbstractEventLoop,
        coroutine: Coroutine[Any, Any, T] | Generator[Any, None, T],
        context: Context | None = None,
        **named: Any,
    ) -> "asyncio.Task[T]":
        process = PROCESS.get()
        if context is None:
            context = copy_context()
        elif process is not None and context.get(PROCESS) is None:
            # Who starts a task outside of every call still starts it in this process.
            context.run(PROCESS.set, process)
        task: _Task[T] = _Task(coroutine, loop=loop, context=context, **named)
        home = context.get(PROCESS)
        if home is not None:
            home.note(task)
        return task

    def _run_once(self) -> None:
        due, timers = self._ready, self._scheduled  # type: ignore[attr-defined]
        while timers and timers[0]._cancelled:
            self._timer_cancelled_count -= 1  # type: ignore[attr-defined]
            heapq.heappop(timers)._scheduled = False
        if not due and not self._stopping:  # type: ignore[attr-defined]
            if not timers:
                raise Standstill
            self._now, self._steps = max(self._now, timers[0]._when), 0
        while timers and timers[0]._when <= self._now:
            handle = heapq.heappop(timers)
            handle._scheduled = False
            due.append(handle)
        batch = [due.popleft() for _ in range(len(due))]
        if self._shuffles and len(batch) > 1:
            self._random.shuffle(batch)
        self._steps += len(batch)
        self.step_count += len(batch)
        if self._steps > STEPS_MAX:
            raise Livelock
        for handle in batch:
            if not handle._cancelled and self._may_run(handle):
                handle._run()

    def _may_run(self, handle: asyncio.Handle) -> bool:
        process = cast("Any", handle)._context.get(PROCESS)
        if process is None:
            return True
        if process.is_paused and not process.is_dead:
            process.backlog.append(handle)
            return False
        return not process.is_dead

    def _executor_seconds(self) -> float:
        return self._random.uniform(0.0, EXECUTOR_SECONDS_MAX)

    def _note_unhandled(self, _loop: asyncio.AbstractEventLoop, told: dict[str, Any]) -> None:
        error = told.get("exception")
        self.unhandled.append(f"{told.get('message')} {error!r}")

    def _asyncgen_firstiter_hook(self, agen: Any) -> None:
        self._homes[id(agen)] = PROCESS.get()

    def _asyncgen_finalizer_hook(self, agen: Any) -> None:
        # Whoever happens to drop it last is not who closes it.
        process = self._homes.pop(id(agen), None)
        if not self.is_closed() and (process is None or not process.is_dead):
            context = Context() if process is None else process.context()
            self.call_soon(self.create_task, agen.aclose(), context=context)

    def _process_events(self, _events: Any) -> None:
        """Nothing comes from outside."""

    def _write_to_self(self) -> None:
        """Nobody has to be woken."""


def _tell(told: "asyncio.Future[T]", result: T) -> None:
    if not told.done():
        told.set_result(result)


def _fail(told: "asyncio.Future[Any]", error: Exception) -> None:
    if not told.done():
        told.set_exception(error)
