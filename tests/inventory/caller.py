"""Who calls a service without a network."""

import inspect
from contextlib import contextmanager
from typing import Any, TypeVar, cast

from ordermesh.inventory.servicer.wiring import Wiring
from ordermesh.runtime.call import Call, Identity, calling, current_call

R = TypeVar("R")


NO_CONTEXT: Any = None


def as_operator(servicer: R) -> R:
    """The servicer, called by an operator wherever the test does not say who calls."""
    return cast("R", _AsOperator(servicer))


class _AsOperator:
    def __init__(self, servicer: Any) -> None:
        self._servicer = servicer

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._servicer, name)
        if not inspect.iscoroutinefunction(method):
            return method

        async def call(*arguments: Any) -> Any:
            try:
                current_call()
            except LookupError:
                identity = Identity("developer", frozenset({"operator"}))
                with calling(Call(f"/inventory/{name}", identity, None)):
                    return await method(*arguments)
            return await method(*arguments)

        return call


class Caller:
    """Calls methods in somebody's name."""

    def __init__(self, wiring: Wiring) -> None:
        self.wiring = wiring
        self.no_context = NO_CONTEXT

    @contextmanager
    def calling(self, method: str, caller: str = "developer", role: str = "operator") -> Any:
        """Who calls which method."""
        with calling(Call(f"/inventory/{method}", Identity(caller, frozenset({role})), None)):
            yield
